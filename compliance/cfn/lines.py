"""Find the line of a template's text on which each resource begins."""

import json
import re
from collections.abc import Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

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
