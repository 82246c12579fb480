"""The condition operators of IAM that the templates use."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

Context = Mapping[str, str | tuple[str, ...]]
"""Condition keys of a request; a tuple for a key that has several values."""


class UnknownOperatorError(Exception):
    """Raised for a condition operator that the evaluator does not support."""


def matches(pattern: str, text: str) -> bool:
    """Return whether text matches a pattern of IAM: `*` matches any characters, `?` matches one."""
    return _expression(pattern).fullmatch(text) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character, re.escape(character)) for character in pattern), re.DOTALL)


def _equal(wanted: str, found: str) -> bool:
    return wanted == found


def _same_truth(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


def _less(wanted: str, found: str) -> bool:
    return float(found) < float(wanted)


# An ARN operator compares part by part, so that a `*` does not reach over a colon; the parts of ours that have one hold
# no colon themselves but in the last part, where it may.
_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringLike": matches,
    "ArnEquals": lambda wanted, found: _arn_like(wanted, found),
    "ArnLike": lambda wanted, found: _arn_like(wanted, found),
    "Bool": _same_truth,
    "NumericLessThan": _less,
}
_NEGATIVE: dict[str, Callable[[str, str], bool]] = {
    "ArnNotEquals": lambda wanted, found: _arn_like(wanted, found),
    "StringNotEquals": _equal,
    "StringNotLike": matches,
}
_ARN_PARTS = 6


def holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """Return whether one condition holds in a request's context.

    A key that is absent fails a positive operator and passes a negative one and `ForAllValues`, as AWS documents.
    """
    found = context.get(key)
    if operator == "Null":
        return wanted == (("true",) if found is None else ("false",))
    if operator.startswith("ForAnyValue:"):
        values = found if isinstance(found, tuple) else () if found is None else (found,)
        test = _POSITIVE.get(operator.removeprefix("ForAnyValue:"))
        if test is None:
            raise UnknownOperatorError(operator)
        return any(test(each, value) for each in wanted for value in values)
    if operator.startswith("ForAllValues:"):
        values = found if isinstance(found, tuple) else () if found is None else (found,)
        test = _POSITIVE.get(operator.removeprefix("ForAllValues:"))
        if test is None:
            raise UnknownOperatorError(operator)
        return all(any(test(each, value) for each in wanted) for value in values)
    if isinstance(found, tuple):
        raise UnknownOperatorError(f"{operator} on {key}, which has several values")
    if operator in _NEGATIVE:
        return found is None or not any(_NEGATIVE[operator](each, found) for each in wanted)
    if operator in _POSITIVE:
        return found is not None and any(_POSITIVE[operator](each, found) for each in wanted)
    raise UnknownOperatorError(operator)


def _arn_like(wanted: str, found: str) -> bool:
    one, other = wanted.split(":", _ARN_PARTS - 1), found.split(":", _ARN_PARTS - 1)
    return len(one) == len(other) and all(map(matches, one, other))
