"""Convert Python values to DynamoDB attribute values within DynamoDB's limits, and to one canonical text.

boto3's serializer checks only the limits of numbers. This one checks all limits before a batch is sent, because DynamoDB
refuses a whole batch for one bad item.
"""

import base64
import json
import math
from decimal import Context, Decimal
from typing import Any, Final

MAXIMUM_ITEM_BYTES: Final = 400 * 1024
"""Names and values, as DynamoDB counts them."""
MAXIMUM_DEPTH: Final = 32
"""An attribute is at level 1; the deepest scalar is at level 32."""
MAXIMUM_DIGITS: Final = 38
LARGEST_EXPONENT: Final = 125
"""Largest exponent of the first digit: numbers end below 1E+126."""
SMALLEST_EXPONENT: Final = -130

_MAXIMUM_NAME_BYTES: Final = 65_535
_EXACT: Final = Context(prec=10**8, Emax=10**17, Emin=-(10**17))  # never rounds: it only removes trailing zeros
_CONTAINER_BYTES: Final = 3
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)
"""Shared by all records: `json.dumps` builds a new encoder for each call with other options than its defaults."""

AttributeValue = dict[str, Any]
"""Value for a low-level client: `{"S": "text"}`; `B` holds base64 text here, so that JSON can hold it."""


class UnstorableError(ValueError):
    """Raised when DynamoDB cannot hold a value; the message names the value, its place and the limit."""


def attribute_map(value: dict[str, Any], *, level: int = 1) -> tuple[AttributeValue, int]:
    """Return a dict as a map attribute, and its size in bytes as DynamoDB counts it.

    Args:
        value: Holds `str`, `int`, `Decimal`, `float`, `bool`, `None`, `bytes`, `list`, `tuple` and `dict`.
        level: Nesting level of the map: 1 for an attribute of the item.

    Raises:
        UnstorableError: DynamoDB cannot hold it.
    """
    return _map(value, level, "")


def canonical_number(number: Decimal) -> str:
    """Return the canonical text of a number: `1.10` becomes `1.1`, `-0` becomes `0`, `1e2` becomes `100`.

    Raises:
        UnstorableError: It is not a number, out of range, or has more than 38 digits.
    """
    if not number.is_finite():
        raise UnstorableError(f"{number} is not a number that DynamoDB can hold; use null")
    if not number:
        return "0"
    exponent = number.adjusted()
    if not SMALLEST_EXPONENT <= exponent <= LARGEST_EXPONENT:
        raise UnstorableError(f"a number of magnitude 1E{exponent:+d} is out of DynamoDB's range, 1E-130 to 9.9E+125")
    plain = number.normalize(_EXACT)
    digits = len(plain.as_tuple().digits)
    if digits > MAXIMUM_DIGITS:
        raise UnstorableError(f"a number has {digits} significant digits; DynamoDB keeps 38 (send it as a string)")
    is_whole = digits <= exponent + 1
    return f"{plain:f}" if is_whole and exponent < MAXIMUM_DIGITS else str(plain)  # a whole number as `str` of an `int`


def canonical_number_text(text: str) -> str:
    """Return the canonical text of a number from DynamoDB; most are counts and ids, which are canonical already.

    Raises:
        UnstorableError: See `canonical_number`.
    """
    if text.isdigit() and text[0] != "0" and len(text) <= MAXIMUM_DIGITS and text.isascii():
        return text
    return canonical_number(Decimal(text))


def canonical_text(attribute: AttributeValue) -> str:
    """Return an attribute value as text that is equal for equal values: keys are sorted, and there are no spaces."""
    return _CANONICAL.encode(attribute)


def _map(value: dict[str, Any], level: int, path: str) -> tuple[AttributeValue, int]:
    _check_level(level, path)
    size = _CONTAINER_BYTES
    attributes: dict[str, AttributeValue] = {}
    for key, inner in value.items():
        if not isinstance(key, str):
            raise UnstorableError(f"a key{_at(path)} is {key!r}, a {type(key).__name__}; keys are text")
        if not key:
            raise UnstorableError(f"a key{_at(path)} is empty; DynamoDB's attribute names have at least one character")
        name_size = _text_size(key, path)
        if name_size > _MAXIMUM_NAME_BYTES:
            raise UnstorableError(f"a key{_at(path)} is {name_size} bytes long; DynamoDB allows {_MAXIMUM_NAME_BYTES}")
        attributes[key], inner_size = _attribute(inner, level + 1, f"{path}.{key}" if path else key)
        size = _within_limit(size + name_size + inner_size + 1)
    return {"M": attributes}, size


def _list(value: list[Any] | tuple[Any, ...], level: int, path: str) -> tuple[AttributeValue, int]:
    _check_level(level, path)
    size = _CONTAINER_BYTES
    attributes: list[AttributeValue] = []
    for position, inner in enumerate(value):
        attribute, inner_size = _attribute(inner, level + 1, f"{path}[{position}]")
        attributes.append(attribute)
        size = _within_limit(size + inner_size + 1)
    return {"L": attributes}, size


def _attribute(value: Any, level: int, path: str) -> tuple[AttributeValue, int]:  # noqa: ANN401, PLR0911 - one a type
    if isinstance(value, str):
        return {"S": value}, _text_size(value, path)
    if value is None:
        return {"NULL": True}, 1
    if isinstance(value, bool):
        return {"BOOL": value}, 1
    if isinstance(value, (int, float, Decimal)):
        return _number(value, path)
    if isinstance(value, dict):
        return _map(value, level, path)
    if isinstance(value, (list, tuple)):
        return _list(value, level, path)
    if isinstance(value, bytes):
        return {"B": base64.b64encode(value).decode()}, len(value)
    raise UnstorableError(
        f"the value{_at(path)} is a {type(value).__name__}; a record holds text, numbers, true and false, null, "
        "lists, dicts and bytes"
    )


def _number(value: float | Decimal, path: str) -> tuple[AttributeValue, int]:
    try:
        if isinstance(value, int) and abs(value) < 10**MAXIMUM_DIGITS:  # the usual case
            text = str(value)
        else:
            text = canonical_number(_decimal(value))
    except UnstorableError as error:
        raise UnstorableError(f"{error} (the value{_at(path)})") from error
    return {"N": text}, len(text) // 2 + 2


def _decimal(value: float | Decimal) -> Decimal:
    if isinstance(value, int) and abs(value).bit_length() > 10_000:  # noqa: PLR2004 - Python refuses to print it
        raise UnstorableError(
            f"a number of magnitude 1E+{int(math.log10(2) * value.bit_length())} is out of DynamoDB's range"
        )
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _text_size(text: str, path: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise UnstorableError(f"text{_at(path)} holds half of a surrogate pair, which is not a character") from error


def _within_limit(size: int) -> int:
    """Return a size, unless an item's limit is reached: the rest of a value of megabytes is not converted."""
    if size > MAXIMUM_ITEM_BYTES:
        raise UnstorableError("the record takes more than 400 KB as an item; DynamoDB allows 400 KB with its keys")
    return size


def _check_level(level: int, path: str) -> None:
    if level >= MAXIMUM_DEPTH:
        raise UnstorableError(f"nested too deeply{_at(path)}: DynamoDB allows {MAXIMUM_DEPTH} levels, with the record's")


def _at(path: str) -> str:
    return f" at {path[:200]!r}" if path else ""
