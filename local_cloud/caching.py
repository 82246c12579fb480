"""Cache work that the server repeats for each request, without a change of any answer.

One thread answers all requests, so their cost bounds the whole cloud. The cache key is always the text from which a value
follows: a changed policy is another text, and is read again.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import copy
import gc
import json
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

_POLICIES: Final = 2048
_EXPRESSIONS: Final = 1024
_REQUESTS: Final = 16
_SCALARS: Final = frozenset({str, bytes, int, float, bool, type(None)})


def install() -> None:
    """Cache parsed policies, requests and expressions, and copy items faster."""
    _remember_policies()
    _remember_requests()
    _remember_expressions()
    dynamodb.copy = SimpleNamespace(deepcopy=copied, copy=copy.copy)


def leave_out_what_stays() -> None:
    """Exclude the loaded modules from garbage collection. Call once, before serving."""
    gc.collect()
    gc.freeze()


def copied(value: Any) -> Any:  # noqa: ANN401  any value
    """Return a deep copy: fast for JSON data, such as items, and by `copy.deepcopy` for anything else.

    Args:
        value: Data without cycles. An object that it holds twice becomes two objects in the copy.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {key: one if type(one) in _SCALARS else copied(one) for key, one in value.items()}
    if kind is list:
        return [copied(one) for one in value]
    return copy.deepcopy(value)


def reading(remembered: int) -> Any:  # noqa: ANN401  stands in for a module
    """Return a module `json` with a cache of the last texts, for code that only reads the results."""
    return SimpleNamespace(**{**vars(json), "loads": lru_cache(remembered)(json.loads)})


def _remember_policies() -> None:
    stock = iam_evaluator.parse_policy_document
    parsed = lru_cache(_POLICIES)(stock)

    def parse(document: Any) -> list[Any]:  # noqa: ANN401  text, or what was read from it
        return list(parsed(document)) if isinstance(document, str) else list(stock(document))

    iam_evaluator.parse_policy_document = parse
    iam_evaluator.json = reading(_POLICIES)


def _remember_requests() -> None:
    """Cache the parsed body of a request, which several checks read one after the other."""
    iam_actions.json = reading(_REQUESTS)


def _remember_expressions() -> None:
    tokens = lru_cache(_EXPRESSIONS)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens(expression))
    dynamodb._condition_syntax_error = lru_cache(_EXPRESSIONS)(dynamodb._condition_syntax_error)
