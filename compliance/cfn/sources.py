"""Find the Python line that made a construct, in the stack trace that the CDK records with it.

The CDK records the stack trace of the Python program if JSII_HOST_STACK_TRACES=1 makes jsii send it.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
_FRAME: Final = re.compile(r"\((?P<file>[^()]+\.py):(?P<line>\d+)\)\s*$")
_GATE: Final = f"{Path(__file__).parents[1].name}/"


def source_of(stack: Iterable[object]) -> str:
    """Return the innermost line of the project's Python, like `infra/constructs/queue.py:42`; empty if there is none.

    Args:
        stack: Lines like `make_queue (/home/me/project/infra/constructs/queue.py:42)`, innermost first.
    """
    for line in stack:
        frame = _FRAME.search(str(line))
        file = _in_project(frame["file"], Path.cwd()) if frame else ""
        if frame and file:
            return f"{file}:{frame['line']}"
    return ""


@cache
def _in_project(file: str, working_directory: Path) -> str:
    """Return the file relative to the project or the working folder; empty for a file outside of both or a library.

    An assembly may come from another machine, so the last parts of the path are compared too.
    """
    path = Path(file)
    if "site-packages" in path.parts:
        return ""
    for root in (working_directory, PROJECT):
        for parts in _ends(path):
            if (root / parts).is_file():
                found = parts.as_posix()
                return "" if found.startswith(_GATE) else found
    return ""


def _ends(path: Path) -> Iterable[Path]:
    """Yield the path without its first part, without its first two, and so on; a bare name is ambiguous."""
    yield from (Path(*path.parts[first:]) for first in range(1, len(path.parts) - 1))
