"""DynamoDB's attribute values, compared exactly by type and value, without conversion to float."""

from __future__ import annotations

import base64
import json
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias

_LONGEST: Final = 120
"""Maximum number of characters of a value that an error shows."""

_DIGITS: Final = 38
_EXACT: Final = Context(prec=10**6, Emax=10**9, Emin=-(10**9))

Wire: TypeAlias = dict[str, Any]
"""An attribute value: `{"S": "a"}`, `{"N": "1.5"}`, `{"M": {...}}`."""


def to_wire(value: object) -> Wire:  # noqa: PLR0911 - one for each type
    """Return the attribute value of a record's value. A float becomes its shortest decimal text, as `repr` writes it.

    Raises:
        TypeError: A record cannot hold a value of this type.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case float():
            return {"N": canonical_number(repr(value))}
        case int() | Decimal():
            return {"N": canonical_number(str(Decimal(value)))}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [to_wire(one) for one in value]}
        case dict():
            return {"M": {name: to_wire(one) for name, one in value.items()}}
        case _:
            raise TypeError(f"{value!r} is a {type(value).__name__}; a record holds JSON's types, Decimal, float and bytes")


def canonical(value: Wire) -> Wire:
    """Return an attribute value with its numbers in canonical notation, so that `1.50` equals `1.5`."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return {"N": canonical_number(held)}
        case "L":
            return {"L": [canonical(one) for one in held]}
        case "M":
            return {"M": {name: canonical(one) for name, one in held.items()}}
        case _:
            return value


def as_json(value: Wire) -> str:
    """Return an attribute value as JSON text; numbers keep all their digits, bytes become base64."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return canonical_number(held)
        case "L":
            return f"[{', '.join(as_json(one) for one in held)}]"
        case "M":
            return f"{{{', '.join(f'{_quoted(name)}: {as_json(one)}' for name, one in held.items())}}}"
        case "B":
            return _quoted(base64.b64encode(held).decode())
        case "NULL":
            return "null"
        case _:
            return _quoted(held)


def _quoted(value: str | bool) -> str:  # noqa: FBT001 - JSON's own types
    return json.dumps(value, ensure_ascii=False)


def canonical_number(text: str) -> str:
    """Return a number's canonical notation: integers below 1E+38 in digits, all others as `Decimal` writes them.

    Raises:
        TypeError: DynamoDB cannot hold the number.
    """
    if text.isdigit() and text[0] != "0" and len(text) < _DIGITS:  # nearly all of them
        return text
    value = Decimal(text)
    if not value.is_finite():
        raise TypeError(f"{text} is not a number that DynamoDB holds")
    if not value:
        return "0"
    plain = value.normalize(_EXACT)
    exponent = plain.adjusted()
    is_whole = len(plain.as_tuple().digits) <= exponent + 1
    return f"{plain:f}" if is_whole and exponent < _DIGITS else str(plain)


def differences(expected: Wire, actual: Wire, path: str = "record") -> list[str]:
    """Return a sentence for each place where two canonical attribute values differ."""
    if expected == actual:
        return []
    kinds = next(iter(expected)), next(iter(actual))
    if kinds == ("M", "M"):
        return _map_differences(expected["M"], actual["M"], path)
    if kinds == ("L", "L") and len(expected["L"]) == len(actual["L"]):
        pairs = enumerate(zip(expected["L"], actual["L"], strict=True))
        return [line for n, (one, other) in pairs for line in differences(one, other, f"{path}[{n}]")]
    return [f"{path}: expected {_short(expected)}, the table holds {_short(actual)}"]


def _map_differences(expected: dict[str, Wire], actual: dict[str, Wire], path: str) -> list[str]:
    missing = [f"{path}.{name}: expected {_short(expected[name])}, absent" for name in expected.keys() - actual.keys()]
    added = [f"{path}.{name}: not in the file, but {_short(actual[name])}" for name in actual.keys() - expected.keys()]
    both = [name for name in expected if name in actual]
    inside = [line for name in both for line in differences(expected[name], actual[name], f"{path}.{name}")]
    return sorted(missing) + sorted(added) + inside


def _short(value: Wire) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
