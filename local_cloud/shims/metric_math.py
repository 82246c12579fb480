"""Metric math: the value of an alarm's expression over its windows.

Faithful: arithmetic, comparisons, AND/OR, IF, FILL, SUM, AVG, MIN, MAX, ABS, CEIL, FLOOR, METRIC_COUNT, METRICS and
references between expressions.
Different from AWS: SEARCH, ANOMALY_DETECTION_BAND, RATE, DIFF, PERIOD, SORT and the time functions are refused.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Series = list[float | None]
"""A value for each window, the newest first; None without data."""

_OPERATORS: Final[dict[type[ast.AST], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right if right else math.nan,
    ast.Mod: lambda left, right: left % right if right else math.nan,
    ast.Pow: operator.pow,
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
}
_ONE_BY_ONE: Final[dict[str, Callable[[float], float]]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_ACROSS: Final[dict[str, Callable[[list[float]], float]]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}


def check(expression: str) -> None:
    """Raise ValueError with the function's name if an expression cannot be evaluated here."""
    for node in ast.walk(_parse(expression)):
        if isinstance(node, ast.Call):
            known = {*_ONE_BY_ONE, *_ACROSS, "IF", "FILL", "METRICS", "METRIC_COUNT"}
            name = node.func.id if isinstance(node.func, ast.Name) else "?"
            if name not in known:
                raise ValueError(
                    f"The local cloud cannot evaluate {name} in the metric math {expression!r}; "
                    f"it knows {', '.join(sorted(known))}."
                )


def evaluate(expression: str, metrics: Mapping[str, Series], windows: int) -> Series:
    """Return the expression's value in each window; each series of `metrics` has `windows` values."""
    value = _value(_parse(expression).body, metrics)
    if isinstance(value, list) and value and isinstance(value[0], list):
        raise ValueError(f"{expression!r} gives several series; an alarm needs one.")
    series = value if isinstance(value, list) else [value] * windows
    return [None if item is None or math.isnan(item) else float(item) for item in series]


def _parse(expression: str) -> ast.Expression:
    # Metric math writes Boolean operators in other letters than Python does.
    text = re.sub(r"\bAND\b|&&", " and ", expression)
    text = re.sub(r"\bOR\b|\|\|", " or ", text)
    try:
        return ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{expression!r} is not metric math: {error.msg}.") from error


def _value(node: ast.AST, metrics: Mapping[str, Series]) -> Any:  # noqa: ANN401  one form a case
    """Return a number, a series or a list of series."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in metrics:
            return metrics[name]
        case ast.List(elts=elements):
            return [_value(element, metrics) for element in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _elementwise(operator.sub, 0.0, _value(operand, metrics))
        case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in _OPERATORS:
            return _elementwise(_OPERATORS[type(symbol)], _value(left, metrics), _value(right, metrics))
        case ast.Compare(left=left, ops=[symbol], comparators=[right]):
            return _elementwise(_OPERATORS[type(symbol)], _value(left, metrics), _value(right, metrics))
        case ast.BoolOp(op=symbol, values=values):
            combine = _both if isinstance(symbol, ast.And) else _either
            answer = _value(values[0], metrics)
            for further in values[1:]:
                answer = _elementwise(combine, answer, _value(further, metrics))
            return answer
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, metrics)
    raise ValueError(f"Metric math cannot contain {ast.unparse(node)!r} here; ids known: {sorted(metrics)}.")


def _call(name: str, arguments: list[ast.expr], metrics: Mapping[str, Series]) -> Any:  # noqa: ANN401  see _value
    if name == "METRICS":
        prefix = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else ""
        return [series for key, series in metrics.items() if str(prefix) in key]
    values = [_value(argument, metrics) for argument in arguments]
    if name == "METRIC_COUNT":
        return float(len(values[0]))
    if name == "FILL":
        return _fill(values[0], values[1])
    if name == "IF":
        otherwise = values[2] if len(values) > 2 else None
        return _choose(values[0], values[1], otherwise)
    if name in _ONE_BY_ONE:
        return _map(_ONE_BY_ONE[name], values[0])
    return _across(_ACROSS[name], values[0])


def _elementwise(combine: Callable[[float, float], float], left: Any, right: Any) -> Any:  # noqa: ANN401  see _value
    if not isinstance(left, list) and not isinstance(right, list):
        return None if left is None or right is None else combine(left, right)
    length = len(left) if isinstance(left, list) else len(right)
    pairs = zip(_spread(left, length), _spread(right, length), strict=True)
    return [_elementwise(combine, one, other) for one, other in pairs]


def _spread(value: Any, length: int) -> list[Any]:  # noqa: ANN401  see _value
    return value if isinstance(value, list) else [value] * length


def _map(function: Callable[[float], float], value: Any) -> Any:  # noqa: ANN401  see _value
    if isinstance(value, list):
        return [_map(function, item) for item in value]
    return None if value is None else function(value)


def _fill(value: Any, filler: Any) -> Any:  # noqa: ANN401  see _value
    if isinstance(value, list):
        return [_fill(item, other) for item, other in zip(value, _spread(filler, len(value)), strict=True)]
    return filler if value is None else value


def _choose(condition: Any, then: Any, otherwise: Any) -> Any:  # noqa: ANN401  see _value
    if isinstance(condition, list):
        length = len(condition)
        rows = zip(condition, _spread(then, length), _spread(otherwise, length), strict=True)
        return [_choose(*row) for row in rows]
    if condition is None:
        return None
    return then if condition else otherwise


def _across(function: Callable[[list[float]], float], value: Any) -> Any:  # noqa: ANN401  see _value
    """Apply a function to several series, window by window, or to one series, for one number."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [_across(function, list(window)) for window in zip(*value, strict=True)]
    present = [item for item in _spread(value, 1) if item is not None]
    return function(present) if present else None


def _both(left: float, right: float) -> float:
    return float(bool(left) and bool(right))


def _either(left: float, right: float) -> float:
    return float(bool(left) or bool(right))
