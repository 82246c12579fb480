"""What the issuer answers when it cannot do what was asked: an error that teaches."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

MAXIMUM_PROBLEMS: Final = 20
"""A body of many wrong fields would otherwise be answered with more than the 6 MB that Lambda may return
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
_LONGEST: Final = 20_000
"""Characters of any one text of an answer."""


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
        """The answer's JSON."""
        body: dict[str, Any] = {"error": self.error, "message": self.message, "hint": self.hint}
        if self.problems:
            body["problems"] = [asdict(problem) for problem in self.problems]
        return body


def invalid_request(problems: Sequence[Problem]) -> RequestError:
    """Return the error that says what is wrong with a request, up to `MAXIMUM_PROBLEMS` things at once."""
    problems = problems[:MAXIMUM_PROBLEMS]
    message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
    hint = "; ".join(f"{problem.field}: {problem.hint}" for problem in problems)
    return RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", message, hint, problems)


def _encodable(text: str) -> str:
    """Return a text that has an encoding: JSON may hold half of a surrogate pair, which UTF-8 has not, nor a log line."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()
