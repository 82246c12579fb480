"""Compare a template with an API's answer: the answer must hold everything that the template states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from integration_tests.e2e.read_back.resources import UNKNOWN

Json = Any
"""JSON, with UNKNOWN for values that only the cloud knows."""


def differences(declared: Json, answered: Json, path: str) -> Iterator[str]:
    """Return a sentence for each place where the answer lacks or contradicts the template.

    The answer may hold more (defaults, dates). Lists are compared without regard to order; a list of one and its element are
    the same, and so are `true` and `"true"`, `5` and `"5"`, because the APIs differ in this.
    """
    if declared is UNKNOWN or (_plain(declared) is not None and _plain(declared) == _plain(answered)):
        return
    if isinstance(declared, dict) and isinstance(answered, dict):
        for name, value in declared.items():
            if name not in answered:
                yield f"{path}.{name}: the template says {_short(value)}, the cloud answers nothing"
            else:
                yield from differences(value, answered[name], f"{path}.{name}")
    elif isinstance(declared, list) and isinstance(answered, list):
        yield from _list_differences(declared, answered, path)
    elif isinstance(declared, list) and len(declared) == 1:
        yield from differences(declared[0], answered, path)
    elif isinstance(answered, list) and len(answered) == 1:
        yield from differences(declared, answered[0], path)
    else:
        yield f"{path}: the template says {_short(declared)}, the cloud answers {_short(answered)}"


def _list_differences(declared: list[Json], answered: list[Json], path: str) -> Iterator[str]:
    left = list(answered)
    missing: list[Json] = []
    for one in declared:
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


def count(declared: Json) -> tuple[int, int]:
    """Return two counts of a template's single values: those that were compared, and those that only the cloud knows."""
    if declared is UNKNOWN:
        return 0, 1
    parts = declared.values() if isinstance(declared, dict) else declared if isinstance(declared, list) else None
    if parts is None:
        return 1, 0
    counts = [count(one) for one in parts]
    return sum(known for known, _ in counts), sum(unknown for _, unknown in counts)


def _plain(value: Json) -> str | None:
    """Return a single value in a normal form; None if it is not a single value."""
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
