"""Errors of requests: each answer states what is wrong and how to correct the request."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

MAXIMUM_PROBLEMS: Final = 20
"""Without a limit, a body of many wrong fields would get an answer of over 6 MB, which Lambda refuses to return
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
_LONGEST: Final = 20_000
"""Most characters of one text of an answer."""


@dataclass(frozen=True)
class Problem:
    """One error of a request."""

    field: str
    """Name of the field or parameter."""
    message: str
    """The error."""
    hint: str
    """The allowed values, and what to send instead."""


class RequestError(Exception):
    """Raised to answer a request with an error.

    Attributes:
        status: The HTTP status.
        error: An identifier for programs.
        message: What was wrong.
        hint: How to correct the request.
        problems: Each single error, where a request may have several.
    """

    def __init__(self, status: HTTPStatus, error: str, message: str, hint: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(_encodable(message))
        self.status = status
        self.error = error
        self.message = _encodable(message)
        self.hint = _encodable(hint)
        self.problems = tuple(
            Problem(_encodable(problem.field), _encodable(problem.message), _encodable(problem.hint)) for problem in problems
        )

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        body: dict[str, Any] = {"error": self.error, "message": self.message, "hint": self.hint}
        if self.problems:
            body["problems"] = [asdict(problem) for problem in self.problems]
        return body


def invalid_request(problems: Sequence[Problem]) -> RequestError:
    """Return the error that lists the problems of a request, at most `MAXIMUM_PROBLEMS`."""
    problems = problems[:MAXIMUM_PROBLEMS]
    message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    hint = "; ".join(f"{problem.field}: {problem.hint}" for problem in problems)
    return RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", message, hint, problems)


def _encodable(text: str) -> str:
    """Return the text with characters that UTF-8 cannot encode escaped: JSON may hold half of a surrogate pair."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
