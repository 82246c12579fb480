"""Which line of whose Python made a construct, from the stack that the CDK notes beside it.

The CDK notes the stack of the program in its own language where jsii is told to send it: JSII_HOST_STACK_TRACES=1.
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
    """The innermost line of the project's own Python, as `infra/constructs/queue.py:42`; empty where there is none.

    Args:
        stack: Lines as `make_queue (/home/me/project/infra/constructs/queue.py:42)`, the innermost first.
    """
    for line in stack:
        frame = _FRAME.search(str(line))
        file = _in_project(frame["file"], Path.cwd()) if frame else ""
        if frame and file:
            return f"{file}:{frame['line']}"
    return ""


@cache
def _in_project(file: str, working_directory: Path) -> str:
    """The file relative to the project, or to where the gate is run; empty where it is in neither, or a library.

    An assembly may have been written on another machine, so the end of the path counts as well.
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
    """The path without its first part, without its first two… A name alone could be any file's."""
    yield from (Path(*path.parts[first:]) for first in range(1, len(path.parts) - 1))
