"""JSON that is written fast and read line by line: the upper levels spread out, each thing below them on one line."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=True, check_circular=False)


def dumps(value: Any, depth: int = 2) -> str:  # noqa: ANN401 - JSON
    """Render plain data, always to the same bytes.

    Args:
        value: Dicts with keys of text, lists, tuples, texts, numbers, booleans and None.
        depth: How many levels of dicts and lists have a line for each of their entries. Python's own `indent` has them
            all, at ten times the time.
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
