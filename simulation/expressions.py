"""The part of DynamoDB's expressions that the handlers use; anything else is refused."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

Value = dict[str, Any]
Item = dict[str, Value]
_Test = Callable[[Item, Mapping[str, str], Mapping[str, Value]], bool]
_Operand = Callable[[Item, Mapping[str, str], Mapping[str, Value]], Value | None]

_TOKEN: Final = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[#:]?[A-Za-z_][A-Za-z0-9_]*)")
_PARTITION_KEY: Final = re.compile(r"(#?\w+) = (:\w+)(?: AND |$)")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def matches(expression: str, item: Item, names: Mapping[str, str], values: Mapping[str, Value]) -> bool:
    """Return whether an item fulfils a condition, key condition or filter."""
    return _condition(expression)(item, names, values)


def split_key_condition(expression: str) -> tuple[str, str, str]:
    """Return the name and value of the partition key in a key condition, and the rest of the condition."""
    found = _PARTITION_KEY.match(expression)
    if not found:
        raise NotImplementedError(f"the simulated DynamoDB does not know the key condition {expression!r}")
    return found[1], found[2], expression[found.end() :]


def updated(expression: str, item: Item, names: Mapping[str, str], values: Mapping[str, Value]) -> Item:
    """Return an item after an update expression."""
    result = dict(item)
    for action, name, operand in _update(expression):
        attribute = names[name] if name.startswith("#") else name
        if action == "REMOVE":
            result.pop(attribute, None)
        elif action == "ADD":
            added = operand(item, names, values)
            held = item.get(attribute, {"N": "0"})
            result[attribute] = {"N": str(Decimal(held["N"]) + Decimal(str((added or {})["N"])))}
        else:
            value = operand(item, names, values)
            if value is None:
                raise ValueError(f"the update expression {expression!r} sets {attribute!r} to nothing")
            result[attribute] = value
    return result


def changed(expression: str, names: Mapping[str, str]) -> list[str]:
    """Return the attributes that an update expression names."""
    return [names.get(name, name) for _, name, _ in _update(expression)]


def projected(expression: str, item: Item, names: Mapping[str, str]) -> Item:
    """Return the attributes in a projection."""
    wanted = [names[name.strip()] if name.strip().startswith("#") else name.strip() for name in expression.split(",")]
    return {name: item[name] for name in wanted if name in item}


def comparable(value: Value) -> Any:  # noqa: ANN401 - text, bytes, number
    """Return an attribute value in a form that compares as in DynamoDB."""
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if not found:
                raise NotImplementedError(f"the simulated DynamoDB does not know the expression {text!r}")
            self._tokens.append(found[1])
            position = found.end()
        self._text = text

    @property
    def next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def take(self, *expected: str) -> str:
        token = self._tokens.pop(0) if self._tokens else ""
        if expected and token.upper() not in expected:
            raise NotImplementedError(f"the simulated DynamoDB does not know the expression {self._text!r} at {token!r}")
        return token

    def either(self) -> _Test:
        tests = [self.both()]
        while self.next.upper() == "OR":
            self.take()
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda *given: any(test(*given) for test in tests)

    def both(self) -> _Test:
        tests = [self.term()]
        while self.next.upper() == "AND":
            self.take()
            tests.append(self.term())
        return tests[0] if len(tests) == 1 else lambda *given: all(test(*given) for test in tests)

    def term(self) -> _Test:
        if self.next.upper() == "NOT":
            self.take()
            inner = self.term()
            return lambda *given: not inner(*given)
        if self.next == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if self.next in ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with"):
            return self.function()
        left = self.operand()
        if self.next.upper() == "BETWEEN":
            self.take()
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return _between(left, low, high)
        return _comparison(left, _COMPARE[self.take(*_COMPARE)], self.operand())

    def function(self) -> _Test:
        name = self.take()
        self.take("(")
        operand = self.operand()
        if name == "attribute_type":
            self.take(",")
            kind = self.operand()
            self.take(")")
            return lambda *given: next(iter((kind(*given) or {}).values()), "") in (operand(*given) or {})
        if name == "begins_with":
            self.take(",")
            prefix = self.operand()
            self.take(")")
            return lambda *given: str(next(iter((operand(*given) or {"S": ""}).values()))).startswith(
                str(next(iter((prefix(*given) or {}).values())))
            )
        self.take(")")
        exists = name == "attribute_exists"
        return lambda *given: (operand(*given) is not None) is exists

    def operand(self) -> _Operand:
        token = self.take()
        if token == "if_not_exists":  # noqa: S105 - a function of DynamoDB's
            self.take("(")
            held = self.operand()
            self.take(",")
            default = self.operand()
            self.take(")")
            return lambda *given: held(*given) or default(*given)
        if token.startswith(":"):
            return lambda _item, _names, values: values[token]
        if token.startswith("#"):
            return lambda item, names, _values: item.get(names[token])
        return lambda item, _names, _values: item.get(token)

    def changes(self) -> list[tuple[str, str, _Operand]]:
        found: list[tuple[str, str, _Operand]] = []
        while self.next:
            action = self.take("SET", "REMOVE", "ADD").upper()
            while True:
                name = self.take()
                if action == "SET":
                    self.take("=")
                operand: _Operand = (lambda *_: None) if action == "REMOVE" else self.operand()
                if self.next in ("+", "-"):
                    operand = _sum(operand, self.take(), self.operand())
                found.append((action, name, operand))
                if self.next != ",":
                    break
                self.take()
        return found


def _sum(left: _Operand, sign: str, right: _Operand) -> _Operand:
    def total(*given: Any) -> Value:  # noqa: ANN401 - an operand's arguments
        first, second = (Decimal(str((operand(*given) or {})["N"])) for operand in (left, right))
        return {"N": str(first + second if sign == "+" else first - second)}

    return total


def _comparison(left: _Operand, compare: Callable[[Any, Any], bool], right: _Operand) -> _Test:
    def test(*given: Any) -> bool:  # noqa: ANN401 - an operand's arguments
        first, second = left(*given), right(*given)
        if first is None or second is None or first.keys() != second.keys():
            return compare is _COMPARE["<>"]
        return compare(comparable(first), comparable(second))

    return test


def _between(value: _Operand, low: _Operand, high: _Operand) -> _Test:
    def test(*given: Any) -> bool:  # noqa: ANN401 - an operand's arguments
        held, first, last = value(*given), low(*given), high(*given)
        if held is None or first is None or last is None:
            return False
        return bool(comparable(first) <= comparable(held) <= comparable(last))

    return test


@cache
def _condition(expression: str) -> _Test:
    parser = _Parser(expression)
    test = parser.either()
    if parser.next:
        raise NotImplementedError(f"the simulated DynamoDB does not know the expression {expression!r}")
    return test


@cache
def _update(expression: str) -> list[tuple[str, str, _Operand]]:
    return _Parser(expression).changes()
