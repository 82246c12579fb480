"""Parse one JSON text into one record exactly: no number is rounded, no key is lost, and every failure is a Reject."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from handlers.processor.errors import Reject
from handlers.processor.parsers.encoding import SET_ENCODING
from handlers.processor.parsers.records import MAXIMUM_RECORD_BYTES, RawRecord
from handlers.processor.parsers.usual import usual_object

_LONGEST_INTEGER: Final = 130
"""Characters; DynamoDB's numbers end below 1E+126, and Python refuses to parse integers of over 4,300 digits."""

_NAMES: Final = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}


def parse_record(raw: RawRecord) -> dict[str, Any]:
    """Return the JSON object of a text.

    Integers become `int`, other numbers an exact `Decimal`. `-0` becomes 0: DynamoDB has no negative zero.

    Raises:
        Reject: The text is not JSON, not an object, has a key twice, or a number that DynamoDB cannot hold.
    """
    usual = None if raw.is_too_long else usual_object(raw.text)
    return parse_exactly(raw) if usual is None else usual


def parse_exactly(raw: RawRecord) -> dict[str, Any]:
    """Return what `parse_record` returns, by the rules alone.

    Raises:
        Reject: See `parse_record`.
    """
    value = _parse(decode(raw))
    if not isinstance(value, dict):
        raise Reject(f'a record must be a JSON object, like {{"id": 1}}; this is {_NAMES.get(type(value), "a number")}')
    return value


def decode(raw: RawRecord) -> str:
    """Return a record's text.

    Raises:
        Reject: The text is too long, or not UTF-8.
    """
    if raw.is_too_long:
        raise Reject(f"the record's text is longer than {MAXIMUM_RECORD_BYTES} bytes; an item takes 400 KB")
    try:
        return raw.text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Reject(
            f"byte {error.start} of the record, 0x{raw.text[error.start]:02X}, is not UTF-8; convert the file to UTF-8, "
            f"{SET_ENCODING}"
        ) from error


def _parse(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Reject(f"not JSON: {error.msg} at character {error.pos} of the record") from error
    except RecursionError as error:
        raise Reject("nested far deeper than DynamoDB's 32 levels") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Reject(f"the key {twice[:100]!r} occurs twice in one object; either value might be meant")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise Reject(f"a number of {len(text)} digits; DynamoDB's numbers end below 1E+126 and keep 38 digits")
    return int(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:  # the exponent is out of Python's range too
        raise Reject(f"the number {text[:60]} is out of DynamoDB's range, 1E-130 to 9.9E+125") from error


def _constant(text: str) -> NoReturn:
    raise Reject(f"{text} is neither JSON nor a number that DynamoDB can hold; use null")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
