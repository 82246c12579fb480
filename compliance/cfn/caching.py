"""Cache results for a TemplateSet, a Template or Findings, so that the time of a run grows linearly with the resources.

Rules judge one resource at a time, and many of them need the same index of the other resources. Template sets and
templates never change, so a cached result stays valid.
"""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar


class _Remembers(Protocol):
    @property
    def memory(self) -> dict[str, object]: ...


_Subject = TypeVar("_Subject", bound=_Remembers)
_Result = TypeVar("_Result")


def cached(compute: Callable[[_Subject], _Result]) -> Callable[[_Subject], _Result]:
    """Cache the result of a function of a TemplateSet or a Template. Errors are not cached."""
    key = f"{compute.__module__}.{compute.__qualname__}"

    @wraps(compute)
    def remembered(subject: _Subject) -> _Result:
        if key not in subject.memory:
            subject.memory[key] = compute(subject)
        result: _Result = subject.memory[key]  # type: ignore[assignment]
        return result

    return remembered
