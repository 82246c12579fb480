"""Find the Python line that made a construct, in the stack trace that the CDK records with it.

The CDK records the stack trace of the Python program if JSII_HOST_STACK_TRACES=1 makes jsii send it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

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


_RESOURCES: Final = "Resources"
_SPACE: Final = re.compile(r"[\s,:]*")
_DECODER: Final = json.JSONDecoder()


def lines_of(text: str) -> Mapping[str, int]:
    """Return the line of each logical id, from 1; empty if the text is not a template, which its loader reports."""
    if not text:
        return {}
    try:
        return _lines_of_json(text)
    except (ValueError, IndexError):
        pass  # YAML's own flow style begins with a brace too
    try:
        return _lines_of_yaml(text)
    except yaml.YAMLError:
        return {}


def _lines_of_json(text: str) -> dict[str, int]:
    start = next((value for key, _, value in _members(text, 0) if key == _RESOURCES), None)
    if start is None:
        return {}
    found: dict[str, int] = {}
    line, counted = 1, 0
    for logical_id, offset, _ in _members(text, start):
        line += text.count("\n", counted, offset)
        counted = offset
        found[logical_id] = line
    return found


def _members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield each key of the object at an offset, with the offsets of the key and of its value."""
    position = _after_space(text, start)
    if text[position] != "{":
        raise ValueError("not an object")
    position = _after_space(text, position + 1)
    while text[position] != "}":
        offset = position
        if text[position] != '"':
            raise ValueError("not a key")
        key, position = scanstring(text, position + 1)
        value = _after_space(text, position)
        yield key, offset, value
        _, position = _DECODER.raw_decode(text, value)
        position = _after_space(text, position)


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _lines_of_yaml(text: str) -> dict[str, int]:
    resources = _value(yaml.compose(text, Loader=yaml.CSafeLoader), _RESOURCES)
    if not isinstance(resources, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _ in resources.value}


def _value(node: Any, wanted: str) -> Any:  # noqa: ANN401 - PyYAML has no types
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == wanted), None)
