"""What the issuer answers when it cannot do what was asked: an error that teaches."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request."""

    field: str
    """Where: the field's or parameter's name."""
    message: str
    """What is wrong."""
    hint: str
    """What is allowed, and what to send instead."""


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
        status: The HTTP status.
        error: A word that a program may branch on.
        message: What was wrong.
        hint: What to do.
        problems: Each thing that is wrong, where there may be several.
    """

    def __init__(self, status: HTTPStatus, error: str, message: str, hint: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        body: dict[str, Any] = {"error": self.error, "message": self.message, "hint": self.hint}
        if self.problems:
            body["problems"] = [asdict(problem) for problem in self.problems]
        return body


def invalid_request(problems: Sequence[Problem]) -> RequestError:
    """Return the error that says everything that is wrong with a request at once."""
    message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    hint = "; ".join(f"{problem.field}: {problem.hint}" for problem in problems)
    return RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", message, hint, problems)
