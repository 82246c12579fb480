"""The processing version: a short hash of all the code and settings that decide the records of a file.

Two attempts of one version write the same records. Attempts of two versions may write different ones, so RESULT and every
record carry the version. An attempt removes the records of an earlier version that it does not write itself.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_HANDLERS: Final = Path(__file__).parents[1]
_SOURCES: Final = ("processor/transform.py", "processor/intake.py", "processor/parsers/*.py", "shared/attribute_values.py")
_LIBRARIES: Final = ("msgspec", "zstandard")


@cache
def processing_version(formats: str) -> str:
    """Return 16 hexadecimal digits: a hash of the transform, the parsers, the libraries that parse, and the set formats."""
    content = hashlib.sha256(f"{formats}\0".encode())
    for pattern in _SOURCES:
        for source in sorted(_HANDLERS.glob(pattern)):
            content.update(f"{source.relative_to(_HANDLERS).as_posix()}\0".encode())
            content.update(hashlib.sha256(source.read_bytes()).digest())
    for library in _LIBRARIES:
        content.update(f"{library}\0{version(library)}\0".encode())
    return content.hexdigest()[:16]
