"""Decides what happens to a message after an error: the one place that knows AWS's error codes.

| route         | effect                                                                                     |
|---------------|--------------------------------------------------------------------------------------------|
| `RETRY`       | SQS delivers the message again, after seconds that grow; the last delivery leaves a note   |
| `DEAD_LETTER` | to the dead-letter queue at once, without RESULT; a redrive processes it after the repair  |
| `QUARANTINE`  | RESULT states the fault; the object and its message are kept; upload a corrected file      |
| `GONE`        | this region's bucket holds no version; noted, no RESULT                                    |
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from botocore.exceptions import ClientError

from handlers.processor.errors import Fault, UnreadableError


class Route(Enum):
    """Effect of an error on a message."""

    RETRY = auto()
    DEAD_LETTER = auto()
    QUARANTINE = auto()
    GONE = auto()


@dataclass(frozen=True)
class Decision:
    """A route, and the action that an operator can take."""

    route: Route
    advice: str = ""

    @classmethod
    def of(cls, error: Exception) -> "Decision":
        """Return the decision for any error of an attempt."""
        if isinstance(error, UnreadableError):
            return cls(Route.GONE if error.fault is Fault.GONE else Route.QUARANTINE, error.explanation)
        if not isinstance(error, ClientError):
            return _RETRY
        if _is_of_customer_key(error):
            return _CUSTOMER_KEY
        return _DECISIONS.get(code_of(error), _RETRY)


def code_of(error: ClientError) -> str:
    """Return the error code of an answer."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_met(write: Callable[[], object]) -> bool:
    """Write to DynamoDB, and return whether the condition was met."""
    try:
        write()
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def is_throttled(error: ClientError) -> bool:
    """Return whether DynamoDB refused a whole request for its throughput, so that the same request may succeed later.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    """
    return code_of(error) in THROTTLED


THROTTLED: Final = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})

_RETRY: Final = Decision(Route.RETRY)
_CUSTOMER_KEY: Final = Decision(
    Route.DEAD_LETTER, "the object is encrypted with a customer-provided key (SSE-C); upload it again without one"
)
_DECISIONS: Final = {
    # S3 answers MethodNotAllowed when the version is a delete marker.
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "MethodNotAllowed"), Decision(Route.GONE)),
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    "InvalidObjectState": Decision(
        Route.DEAD_LETTER, "the object is in an archive storage class; restore it, then redrive the message"
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    **dict.fromkeys(
        ("KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"),
        Decision(
            Route.DEAD_LETTER,
            "the KMS key of the object is disabled, deleted or pending deletion; enable it, then redrive the message",
        ),
    ),
}


def _is_of_customer_key(error: ClientError) -> bool:
    """Return whether S3 asks for a customer-provided key: its code is that of any invalid request."""
    is_of_s3 = error.operation_name in {"GetObject", "CopyObject"}
    return is_of_s3 and code_of(error) == "InvalidRequest" and "Server Side Encryption" in str(error)
