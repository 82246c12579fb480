"""Compare a resource as its template declares it with the answer of an API, in both directions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from compliance.cfn.symmetry import ABSENT
from compliance.cfn.templates import Json
from compliance.live.deployed import UNKNOWN

_LONGEST: Final = 200
"""Characters of a value in a sentence."""

Expected = Callable[[str, Json], bool]
"""Returns whether a value that no template sets, at a place, is what AWS sets by itself."""


@dataclass(frozen=True)
class Difference:
    """One value that differs.

    Attributes:
        place: The path of the property: `Replicas[0].Tags[1].Value`.
        declared: The template's value; ABSENT where it has none.
        live: The API's value; ABSENT where it has none.
    """

    place: str
    declared: Json
    live: Json

    def __str__(self) -> str:
        return f"{self.place}: the template has {short(self.declared)}, the cloud has {short(self.live)}"


def merged(raw: Json, declared: Json, live: Json, expected: Expected, place: str = "") -> tuple[Json, list[Difference]]:
    """Return a template's value as it is live, and the differences.

    What does not differ keeps the template's own form, so that its references still lead to resources. Lists are compared
    without regard to order; a list of one and its element are the same, and so are `true` and `"true"`, `5` and `"5"`,
    because the APIs differ in this.

    Args:
        raw: The template's value, with its intrinsic functions.
        declared: The same, resolved.
        live: The API's answer.
        expected: Asked of each value that the template does not set.
        place: Path of the value.
    """
    if declared is UNKNOWN or live is UNKNOWN or (_plain(declared) is not None and _plain(declared) == _plain(live)):
        return raw, []
    if isinstance(declared, dict) and isinstance(live, dict):
        return _merged_maps(raw if isinstance(raw, dict) else declared, declared, live, expected, place)
    if isinstance(declared, list) and isinstance(live, list):
        fits = isinstance(raw, list) and len(raw) == len(declared)
        return _merged_lists(raw if fits else declared, declared, live, expected, place)
    if isinstance(declared, list) and len(declared) == 1:
        return merged(raw[0] if isinstance(raw, list) and raw else declared[0], declared[0], live, expected, place)
    if isinstance(live, list) and len(live) == 1:
        return merged(raw, declared, live[0], expected, place)
    return live, [Difference(place, declared, live)]


def _merged_maps(
    raw: dict[str, Json], declared: dict[str, Json], live: dict[str, Json], expected: Expected, place: str
) -> tuple[Json, list[Difference]]:
    found: list[Difference] = []
    value: dict[str, Json] = {}
    for name, wanted in declared.items():
        here = f"{place}.{name}".lstrip(".")
        own = raw.get(name, wanted)
        if name in live:
            value[name], below = merged(own, wanted, live[name], expected, here)
            found += below
        elif wanted is UNKNOWN:
            value[name] = own
        else:
            found.append(Difference(here, wanted, ABSENT))
    for name in sorted(live.keys() - declared.keys()):
        here = f"{place}.{name}".lstrip(".")
        if not expected(here, live[name]):
            value[name] = live[name]
            found.append(Difference(here, ABSENT, live[name]))
    return value, found


def _merged_lists(
    raw: list[Json], declared: list[Json], live: list[Json], expected: Expected, place: str
) -> tuple[Json, list[Difference]]:
    left = list(live)
    kept: dict[int, Json] = {}
    missing: list[int] = []
    for index, one in enumerate(declared):
        match = next((other for other in left if not merged(one, one, other, expected, f"{place}[{index}]")[1]), ABSENT)
        if match is ABSENT:
            missing.append(index)
        else:
            left.remove(match)
            kept[index] = raw[index]
    if len(missing) == len(left) == 1:
        index = missing[0]
        kept[index], found = merged(raw[index], declared[index], left[0], expected, f"{place}[{index}]")
        return [kept[each] for each in sorted(kept)], found
    lost = [Difference(f"{place}[{index}]", declared[index], ABSENT) for index in missing]
    return [*kept.values(), *left], lost + [Difference(f"{place}[]", ABSENT, one) for one in left]


def count(declared: Json) -> int:
    """Return the number of a template's single values, without those that only the cloud knows."""
    if declared is UNKNOWN:
        return 0
    parts = declared.values() if isinstance(declared, dict) else declared if isinstance(declared, list) else None
    return 1 if parts is None else sum(map(count, parts))


def unknown_places(declared: Json, place: str = "") -> Iterator[str]:
    """Yield the place of each value that only the cloud knows."""
    if declared is UNKNOWN:
        yield place
    elif isinstance(declared, dict):
        for name, value in declared.items():
            yield from unknown_places(value, f"{place}.{name}".lstrip("."))
    elif isinstance(declared, list):
        for index, value in enumerate(declared):
            yield from unknown_places(value, f"{place}[{index}]")


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


def short(value: Json) -> str:
    """Return a value for a sentence, cut where it is long."""
    text = "nothing" if value is ABSENT else json.dumps(value, default=repr)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
