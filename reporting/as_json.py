"""Write JSON fast and readable by line: the upper levels are indented, each deeper value is on one line."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=True, check_circular=False)


def dumps(value: Any, depth: int = 2) -> str:  # noqa: ANN401 - JSON
    """Return plain data as JSON text, the same bytes for the same data.

    Args:
        value: Dicts with string keys, lists, tuples, strings, numbers, booleans and None.
        depth: Number of levels whose entries have a line each. Python's `indent` does it for all levels, which takes
            ten times as long.
    """
    return _spread(value, depth, "\n") + "\n"


def _spread(value: Any, depth: int, line: str) -> str:  # noqa: ANN401 - JSON
    if depth == 0 or not value or not isinstance(value, dict | list | tuple):
        return _ENCODER.encode(value)
    inner = f"{line} "
    if isinstance(value, dict):
        entries = (f"{_ENCODER.encode(key)}: {_spread(child, depth - 1, inner)}" for key, child in value.items())
        return f"{{{inner}{f',{inner}'.join(entries)}{line}}}"
    return f"[{inner}{f',{inner}'.join(_spread(child, depth - 1, inner) for child in value)}{line}]"
