"""Works something out once for a world, so that judging every resource costs no more than in proportion to their number.

Rules are asked about one resource at a time, and what many of them ask of the others - who sends to which queue, what a
name means - is the same each time. Worlds and templates never change, so what was worked out stays right.
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
    """Have a function of a world, or of a template, compute its result the first time only.

    What it raises is not remembered.
    """
    key = f"{compute.__module__}.{compute.__qualname__}"

    @wraps(compute)
    def remembered(subject: _Subject) -> _Result:
        if key not in subject.memory:
            subject.memory[key] = compute(subject)
        result: _Result = subject.memory[key]  # type: ignore[assignment]
        return result

    return remembered
