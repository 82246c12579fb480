"""Read parts of a template: every branch of its conditions, and values of the type that a property must have."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from compliance.cfn.conditions import feasible
from compliance.cfn.templates import Json, Template
from compliance.cfn.values import UnresolvedError, decided, describe, if_parts, is_absent

MAXIMUM_CONDITIONS: Final = 8
"""Most conditions of one value, which give 256 versions; a value with more is refused, never judged in part."""


class TooManyConditionsError(UnresolvedError):
    """Raised for a value whose conditions have too many combinations."""


def branches(value: Json, template: Template | None = None) -> Iterator[Json]:
    """Return every version of a value that the template's conditions allow, free of Fn::If, AWS::NoValue and null.

    A condition has the same value everywhere in a version.

    Args:
        value: A part of a template.
        template: The template whose conditions say which of them can hold together; without it, any of them can.

    Raises:
        UnresolvedError: An Fn::If is malformed, or the value depends on too many conditions.
    """
    names = sorted(set(_conditions(value)))
    possible = None if template is None or not names else feasible(names, template)
    if possible is None:
        if len(names) > MAXIMUM_CONDITIONS:
            raise TooManyConditionsError(
                f"it depends on {len(names)} conditions; at most {MAXIMUM_CONDITIONS} can be followed"
            )
        possible = (dict(zip(names, each, strict=True)) for each in product((True, False), repeat=len(names)))
    for choice in possible:
        version = decided(value, choice)
        yield None if is_absent(version) else version


def _conditions(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if "Fn::If" in value:
            parts = if_parts(value)
            if parts is None:
                raise UnresolvedError(f"{describe(value)} is no Fn::If of a condition's name and two values")
            yield parts[0]
        for part in value.values():
            yield from _conditions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _conditions(part)


def possible_texts(value: Json) -> list[str | None]:
    """Return the strings that a property may have; None stands for not being set.

    Raises:
        UnresolvedError: The template does not say what the value will be.
    """
    return [_text(version) for version in branches(value)]


def _text(value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value
    match value:
        case {"Fn::Join": [str(separator), list(parts)]} if len(value) == 1 and all(isinstance(part, str) for part in parts):
            return separator.join(parts)
        case {"Fn::Sub": str(text)} if len(value) == 1 and "${" not in text:
            return text
    raise UnresolvedError(f"the template does not say what {describe(value)} will be")


def is_intrinsic(value: Json) -> bool:
    """Return whether CloudFormation replaces the value."""
    return isinstance(value, Mapping) and any(key == "Ref" or str(key).startswith("Fn::") for key in value)


def require_mapping(value: Json, place: str) -> Mapping[str, Json]:
    """Return a property's map; empty if it is not set.

    Raises:
        UnresolvedError: It is not a map, or is known only at deployment. The functions below raise it alike.
    """
    if is_absent(value):
        return {}
    if isinstance(value, Mapping) and not is_intrinsic(value):
        return value
    raise UnresolvedError(f"{place} is {describe(value)}, not a map that the template spells out")


def value_at(value: Json, path: tuple[str, ...]) -> Json:
    """Return the value at a path of property names; None where a property on it is not set.

    Raises:
        UnresolvedError: A value on the path is no map.
    """
    for step in path:
        value = require_mapping(value, step).get(step)
    return value


def require_list(value: Json, place: str) -> Sequence[Json]:
    """Return a property's list; empty if it is not set."""
    if is_absent(value):
        return ()
    if isinstance(value, list):
        return value
    raise UnresolvedError(f"{place} is {describe(value)}, not a list that the template spells out")


def one_or_more(value: Json, place: str) -> Sequence[Json]:
    """Return a property that may be one value or a list as a list; empty if it is not set."""
    if isinstance(value, list):
        return value
    if is_intrinsic(value) and not is_absent(value):
        return (value,)
    if is_absent(value):
        return ()
    if isinstance(value, Mapping):
        raise UnresolvedError(f"{place} is {describe(value)}, neither a value nor a list of them")
    return (value,)


def require_bool(value: Json, place: str, *, default: bool = False) -> bool:
    """Return a property's boolean, which CloudFormation also accepts as a string."""
    if is_absent(value):
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise UnresolvedError(f"{place} is {describe(value)}, neither true nor false")


def require_number(value: Json, place: str) -> float | None:
    """Return a property's number, which CloudFormation also accepts as a string; None if it is not set."""
    if is_absent(value):
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise UnresolvedError(f"{place} is {describe(value)}, not a number that the template spells out")


def require_text(value: Json, place: str) -> str | None:
    """Return a property's literal string; None if it is not set."""
    if is_absent(value):
        return None
    if isinstance(value, str):
        return value
    raise UnresolvedError(f"{place} is {describe(value)}, which the template does not spell out")
