"""Saves the server work that it would do again for each request, and changes no answer.

One thread answers everybody, so what one request costs is what the whole cloud can do. Each thing here is remembered by
the text that it follows from and by nothing else: a policy that changes is another text, and is read anew.
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
    """Remember what policies, requests and expressions say, and copy items faster."""
    _remember_policies()
    _remember_requests()
    _remember_expressions()
    dynamodb.copy = SimpleNamespace(deepcopy=copied, copy=copy.copy)


def leave_out_what_stays() -> None:
    """Let the garbage collector never again look at what is there now: the modules. Call once, before serving."""
    gc.collect()
    gc.freeze()


def copied(value: Any) -> Any:  # noqa: ANN401  any value
    """A deep copy: quick for what JSON can say, as items are, and `copy.deepcopy` of everything else.

    Args:
        value: Without cycles. What is in it twice is in the copy twice, too, but no longer the same.
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
    """The module `json`, for code that only looks at what it has read: the last texts are remembered.

    Args:
        remembered: How many texts.
    """
    return SimpleNamespace(**{**vars(json), "loads": lru_cache(remembered)(json.loads)})


def _remember_policies() -> None:
    stock = iam_evaluator.parse_policy_document
    parsed = lru_cache(_POLICIES)(stock)

    def parse(document: Any) -> list[Any]:  # noqa: ANN401  text, or what was read from it
        return list(parsed(document)) if isinstance(document, str) else list(stock(document))

    iam_evaluator.parse_policy_document = parse
    iam_evaluator.json = reading(_POLICIES)


def _remember_requests() -> None:
    """A request's body is read by each check of what it names, one after the other."""
    iam_actions.json = reading(_REQUESTS)


def _remember_expressions() -> None:
    tokens = lru_cache(_EXPRESSIONS)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokens(expression))
    dynamodb._condition_syntax_error = lru_cache(_EXPRESSIONS)(dynamodb._condition_syntax_error)
