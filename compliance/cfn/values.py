"""Evaluate a value of a template as far as the template determines it."""

from collections.abc import Mapping

from compliance.cfn.templates import Json


class UnresolvedError(ValueError):
    """Raised for a value that is known only at deployment: a parameter, an attribute, another stack's output."""


def is_absent(value: Json) -> bool:
    """Return whether the property is not set: missing, null, or a reference to AWS::NoValue."""
    return value is None or value == {"Ref": "AWS::NoValue"}


def if_parts(value: Json) -> tuple[str, Json, Json] | None:
    """Return the condition's name and the two values of an `Fn::If`; None for any other value."""
    match value:
        case {"Fn::If": [str(condition), then, otherwise]} if len(value) == 1:
            return condition, then, otherwise
    return None


def decided(value: Json, holds: Mapping[str, bool]) -> Json:
    """Return a value as it is deployed: each `Fn::If` decided, and what is not set left out of its map or list.

    Args:
        value: Part of a template.
        holds: The value of each condition; true by default.
    """
    # Parsed JSON and YAML hold dicts, and asking for those is several times faster than asking for any Mapping.
    if isinstance(value, dict):
        if "Fn::If" in value and (parts := if_parts(value)):
            condition, then, otherwise = parts
            return decided(then if holds.get(condition, True) else otherwise, holds)
        items = ((key, decided(part, holds)) for key, part in value.items())
        return {key: part for key, part in items if not is_absent(part)}
    if isinstance(value, list):
        return [part for part in (decided(part, holds) for part in value) if not is_absent(part)]
    return value


def describe(value: Json) -> str:
    """Return a value in short form for a message."""
    if isinstance(value, Mapping) and len(value) == 1:
        function, argument = next(iter(value.items()))
        return f"{function} {str(argument)[:60]}"
    return f"{type(value).__name__} {str(value)[:60]}"
