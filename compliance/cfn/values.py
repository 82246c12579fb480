"""What a template's value can be once deployed, as far as the template alone says."""

from collections.abc import Mapping

from compliance.cfn.templates import Json


class UnresolvedError(ValueError):
    """A value that only a deployment can know: a parameter, an attribute, another stack's output."""


def is_absent(value: Json) -> bool:
    """Whether the property is not set: missing, null, or a reference to AWS::NoValue."""
    return value is None or value == {"Ref": "AWS::NoValue"}


def possible_texts(value: Json) -> list[str | None]:
    """The strings that a property may have; None stands for not being set.

    Both branches of `Fn::If` count, whatever its condition: a rule must hold for each.

    Raises:
        UnresolvedError: The template does not say what the value will be.
    """
    if is_absent(value):
        return [None]
    if isinstance(value, str):
        return [value]
    match value:
        case {"Fn::If": [_, then, otherwise]} if len(value) == 1:
            return possible_texts(then) + possible_texts(otherwise)
        case {"Fn::Join": [str(separator), list(parts)]} if len(value) == 1:
            return [separator.join(_literal(part) for part in parts)]
        case {"Fn::Sub": str(text)} if len(value) == 1 and "${" not in text:
            return [text]
    raise UnresolvedError(f"the template does not say what {describe(value)} will be")


def _literal(value: Json) -> str:
    if not isinstance(value, str):
        raise UnresolvedError(f"the template does not say what {describe(value)} will be")
    return value


def describe(value: Json) -> str:
    """A value in a message, short."""
    if isinstance(value, Mapping) and len(value) == 1:
        function, argument = next(iter(value.items()))
        return f"{function} {str(argument)[:60]}"
    return f"{type(value).__name__} {str(value)[:60]}"
