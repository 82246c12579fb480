"""The condition operators of IAM that the templates use."""

import operator
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


def _arn_like(wanted: str, found: str) -> bool:
    one, other = wanted.split(":", _ARN_PARTS - 1), found.split(":", _ARN_PARTS - 1)
    return len(one) == len(other) and all(map(matches, one, other))


# An ARN operator compares part by part, so that a `*` does not reach over a colon; the parts of ours that have one hold
# no colon themselves but in the last part, where it may.
_ARN_PARTS = 6
_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "StringLike": matches,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "NumericLessThan": lambda wanted, found: float(found) < float(wanted),
}
_NEGATIVE: dict[str, Callable[[str, str], bool]] = {
    "ArnNotEquals": _arn_like,
    "StringNotEquals": operator.eq,
    "StringNotLike": matches,
}


def holds(name: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    """Return whether the condition of an operator's name holds in a request's context.

    A key that is absent fails a positive operator and passes a negative one and `ForAllValues`, as AWS documents.
    """
    found = context.get(key)
    if name == "Null":
        return wanted == (("true",) if found is None else ("false",))
    among, _, name = name.rpartition(":")
    if name not in {*_POSITIVE, *(() if among else _NEGATIVE)} or among not in {"", "ForAnyValue", "ForAllValues"}:
        raise UnknownOperatorError(f"{among}:{name}")
    if among:
        values = found if isinstance(found, tuple) else () if found is None else (found,)
        met = (any(_POSITIVE[name](each, value) for each in wanted) for value in values)
        return any(met) if among == "ForAnyValue" else all(met)
    if isinstance(found, tuple):
        raise UnknownOperatorError(f"{name} on {key}, which has several values")
    if name in _NEGATIVE:
        return found is None or not any(_NEGATIVE[name](each, found) for each in wanted)
    return found is not None and any(_POSITIVE[name](each, found) for each in wanted)
