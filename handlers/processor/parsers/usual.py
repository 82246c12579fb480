"""Decode usual JSON objects, and write usual records as canonical text, in C.

Each function returns what the exact code returns (`json_values.parse_exactly`, `attribute_values.canonical_text`), or
None for input that it does not handle: a duplicate key, a large number, an empty key, deep nesting, invalid text, a value
of an unusual type. The exact code then decides, and gives the reason of a rejection. So no rule is written twice.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from handlers.shared.attribute_values import MAXIMUM_DEPTH

_LONGEST_TEXT: Final = 60_000
"""Bytes; no key in a shorter text is over DynamoDB's limit, and no item of it over 400 KB."""
_MOST_ENTRIES: Final = 10_000
"""Entries of an object or array; the text of more is longer than `_LONGEST_TEXT`."""
_LARGEST_INTEGER: Final = 10**18
_DEEPEST: Final = 200
"""Levels; so many do not reach Python's recursion limit in either decoder."""
_LONGEST_DECIMAL: Final = 38
"""Characters, with the point and the sign."""


class _UnusualError(Exception):
    """Raised for a value that only the exact code handles."""


def usual_object(text: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a text, as `json_values.parse_exactly` does; None if it is unusual."""
    quotes = text.count(b'"')
    if b"\\" in text:
        if b"\\\\" in text:
            return None
        quotes -= text.count(b'\\"')
    try:
        value = _DECODE(text)
        # The decoder keeps the last of two equal keys. The text then has more quotes than the value's keys and strings.
        if type(value) is dict and quotes == 2 * (len(value) + _strings_in(value.values(), 1)):
            return value
    except Exception:  # noqa: BLE001 - the exact code tries the text again and gives the reason
        return None
    return None


def usual_text(record: dict[str, Any]) -> bytes | None:
    """Return a record's canonical text as a map attribute; None if it is unusual."""
    try:
        text = _ENCODE(_map(record, 1))
    except Exception:  # noqa: BLE001 - the exact code tries the record again and gives the reason
        return None
    return text if len(text) <= _LONGEST_TEXT else None


def _strings_in(values: Iterable[Any], level: int) -> int:
    """Return the number of strings in some values, with the keys of the objects in them."""
    if level > _DEEPEST:
        raise _UnusualError
    count = 0
    for inner in values:
        kind = type(inner)
        if kind is str:
            count += 1
        elif kind is int:
            if not -_LARGEST_INTEGER < inner < _LARGEST_INTEGER:
                raise _UnusualError
        elif kind is dict:
            count += len(inner) + _strings_in(inner.values(), level + 1)
        elif kind is list:
            count += _strings_in(inner, level + 1)
    return count


class _S(msgspec.Struct, gc=False):
    S: str


class _N(msgspec.Struct, gc=False):
    N: str


class _Bool(msgspec.Struct, gc=False):
    BOOL: bool


class _Null(msgspec.Struct, gc=False):
    NULL: bool


class _M(msgspec.Struct, gc=False):
    M: dict[str, Any]


class _L(msgspec.Struct, gc=False):
    L: list[Any]


_TRUE, _FALSE, _NULL = _Bool(BOOL=True), _Bool(BOOL=False), _Null(NULL=True)


def _map(record: dict[str, Any], level: int) -> _M:
    if level >= MAXIMUM_DEPTH or len(record) > _MOST_ENTRIES:
        raise _UnusualError
    attributes: dict[str, Any] = {}
    for key, value in record.items():
        if type(key) is not str or not key:
            raise _UnusualError
        typed = _SCALARS.get(type(value))
        attributes[key] = typed(value) if typed else _container(value, level + 1)
    return _M(attributes)


def _container(value: Any, level: int) -> _M | _L:  # noqa: ANN401 - any value that is not in _SCALARS
    if type(value) is dict:
        return _map(value, level)
    if type(value) is not list or level >= MAXIMUM_DEPTH or len(value) > _MOST_ENTRIES:
        raise _UnusualError
    return _L([typed(one) if (typed := _SCALARS.get(type(one))) else _container(one, level + 1) for one in value])


def _integer(value: int) -> _N:
    if not -_LARGEST_INTEGER < value < _LARGEST_INTEGER:
        raise _UnusualError
    return _N(str(value))


def _decimal(value: Decimal) -> _N:
    """Return a number that is canonical as it is written: no exponent, no zero at its end, not too many digits."""
    text = str(value)
    if len(text) > _LONGEST_DECIMAL or text[-1] == "0" or "." not in text or "E" in text:
        raise _UnusualError
    return _N(text)


_SCALARS: Final[dict[type, Callable[[Any], Any]]] = {
    str: _S,
    int: _integer,
    Decimal: _decimal,
    bool: lambda value: _TRUE if value else _FALSE,
    type(None): lambda _: _NULL,
}
_DECODE: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode
