"""The records that DynamoDB can hold, by its documentation and without code of the processor."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_DIGITS: Final = 38
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -130, 125
_LEVELS: Final = 32
_ITEM_BYTES: Final = 400 * 1024


def can_be_held(record: dict[str, Any]) -> bool:
    """Return whether a record can be stored. Near 400 KB the answer is approximate."""
    return _fits(record) and len(json.dumps(record, default=str, ensure_ascii=False)) < _ITEM_BYTES


def _fits(value: Any, level: int = 0) -> bool:  # noqa: ANN401 - any value that Python has
    match value:
        case dict():
            return level < _LEVELS and all(_is_name(name) and _fits(below, level + 1) for name, below in value.items())
        case list() | tuple():
            return level < _LEVELS and all(_fits(below, level + 1) for below in value)
        case str():
            return _is_unicode(value)
        case None | bool() | bytes():
            return True
        case int() | float() | Decimal():
            return _is_number(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
        case _:
            return False


def _is_name(name: Any) -> bool:  # noqa: ANN401 - any key that a dict has
    return isinstance(name, str) and name != "" and _is_unicode(name)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_number(number: Decimal) -> bool:
    if not number.is_finite():
        return False
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return not digits or (len(digits) <= _DIGITS and _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT)
