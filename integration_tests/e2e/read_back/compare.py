"""Comparing what a template says with what an API answers: everything that is said must be answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from integration_tests.e2e.read_back.resources import UNKNOWN

Json = Any
"""JSON, or UNKNOWN in the place of a value."""


def differences(said: Json, answered: Json, path: str) -> Iterator[str]:
    """Say where what is answered lacks or contradicts what is said, one sentence a place.

    The answer may hold more (defaults, dates). Lists are compared without regard to order; a list of one and its element are
    the same, and so are `true` and `"true"`, `5` and `"5"`, for the APIs do not agree on that.
    """
    if said is UNKNOWN or (_plain(said) is not None and _plain(said) == _plain(answered)):
        return
    if isinstance(said, dict) and isinstance(answered, dict):
        for name, value in said.items():
            if name not in answered:
                yield f"{path}.{name}: the template says {_short(value)}, the cloud answers nothing"
            else:
                yield from differences(value, answered[name], f"{path}.{name}")
    elif isinstance(said, list) and isinstance(answered, list):
        yield from _list_differences(said, answered, path)
    elif isinstance(said, list) and len(said) == 1:
        yield from differences(said[0], answered, path)
    elif isinstance(answered, list) and len(answered) == 1:
        yield from differences(said, answered[0], path)
    else:
        yield f"{path}: the template says {_short(said)}, the cloud answers {_short(answered)}"


def _list_differences(said: list[Json], answered: list[Json], path: str) -> Iterator[str]:
    left = list(answered)
    missing: list[Json] = []
    for one in said:
        match = next((other for other in left if not any(differences(one, other, path))), None)
        if match is None:
            missing.append(one)
        else:
            left.remove(match)
    if len(missing) == 1 and len(left) == 1:
        yield from differences(missing[0], left[0], f"{path}[]")
    else:
        yield from (f"{path}: the template has {_short(one)}, the cloud does not" for one in missing)
        yield from (f"{path}: the cloud has {_short(one)}, the template does not" for one in left)


def count(said: Json) -> tuple[int, int]:
    """Return how many single values a template's properties hold: those that were compared, those only the cloud knows."""
    if said is UNKNOWN:
        return 0, 1
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else None
    if parts is None:
        return 1, 0
    counts = [count(one) for one in parts]
    return sum(known for known, _ in counts), sum(unknown for _, unknown in counts)


def _plain(value: Json) -> str | None:
    """Write a single value in one way; None for what is none."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}" if abs(value) < 10**6 else str(value).removesuffix(".0")
        case str():
            return value.lower() if value.lower() in {"true", "false"} else value.removesuffix(".0")
        case _:
            return None


def _short(value: Json) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 200 else f"{text[:197]}..."
