"""The protocol of a CloudFormation custom resource that is backed by a Lambda function.

CloudFormation sends an event with a `ResponseURL` and waits up to an hour for a PUT to it. So in every case (success, an
error, a bug, a call that never returns) this module puts exactly one answer, before the function's timeout.
"""

import json
import logging
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

MAXIMUM_ANSWER_BYTES: Final = 4096
"""CloudFormation's limit; it ignores a longer answer, and the stack hangs."""
ANSWER_RESERVE_SECONDS: Final = 5.0
"""Seconds reserved for the answer that the work took too long."""
DENIED_SECONDS: Final = 40.0
DENIED_PAUSE_SECONDS: Final = 5.0
"""Seconds for which, and interval at which, a provider is run again after AWS denied it. The deployment has just created or
changed the role and its permissions, and IAM is eventually consistent.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""
DELIVERY_ATTEMPTS: Final = 4
DELIVERY_TIMEOUT_SECONDS: Final = 10.0

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NEVER_CREATED: Final = "never-created/"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class RequestType(StrEnum):
    """The kind of CloudFormation's request."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class PropertyError(Exception):
    """Raised when a resource property is missing or of the wrong type."""


class AnswerError(Exception):
    """Raised when CloudFormation could not be answered; Lambda runs the event again."""


class Context(Protocol):
    """The attributes of Lambda's context object that are used here."""

    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout."""


@dataclass(frozen=True)
class Request:
    """A request of CloudFormation."""

    type: RequestType
    logical_resource_id: str
    physical_resource_id: str | None
    """None for a Create."""
    properties: Mapping[str, Any]
    """The template's properties; CloudFormation turns every number and boolean into text."""
    old_properties: Mapping[str, Any]
    """Empty except for an Update."""
    request_id: str
    """A UUID that is the same for every delivery of a request, so it serves as an idempotency token."""

    def text(self, name: str) -> str:
        """Return a property that is a text and not empty.

        Raises:
            PropertyError: It is missing, empty or not a text; the message lists the given properties.
        """
        value = self.properties.get(name)
        if not isinstance(value, str) or not value:
            given = ", ".join(sorted(set(self.properties) - {"ServiceToken"})) or "none"
            raise PropertyError(
                f"property {name} of {self.logical_resource_id} is {value!r}; a text that is not empty is needed. "
                f"The given properties are: {given}"
            )
        return value


@dataclass(frozen=True)
class Outcome:
    """The result of a request."""

    physical_resource_id: str
    """Identifies the resource. If an Update returns a new one, CloudFormation deletes the old resource."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Attributes for `Fn::GetAtt`."""


Provider = Callable[[Request], Outcome]
"""Does the work. It must be idempotent: CloudFormation and Lambda both may deliver a request more than once."""
Deliver = Callable[[str, bytes], None]
"""Puts a body to a URL once; raises OSError on failure."""


def answer(event: Mapping[str, Any], context: Context, provider: Provider, *, deliver: Deliver | None = None) -> None:
    """Run a provider for an event, and send the result to CloudFormation.

    Every exception of the provider becomes a FAILED answer. A Delete of a resource that was never created succeeds without
    the provider, so that a failed stack can always be rolled back.

    Args:
        event: CloudFormation's event.
        context: Lambda's context, for the time that is left.
        provider: Does the work.
        deliver: Sends the answer; by HTTP unless a test replaces it.

    Raises:
        AnswerError: The event has no ResponseURL to answer, or the answer could not be delivered.
    """
    url = event.get("ResponseURL")
    if not isinstance(url, str):
        raise AnswerError(
            "the event has no ResponseURL: this function implements a custom resource, and CloudFormation invokes it"
        )
    try:
        outcome = _within_time(event, context, provider)
        body = _body(event, status="SUCCESS", outcome=outcome)
    except BaseException as error:  # any error must be answered: an unanswered request blocks the stack for an hour
        logger.error("the custom resource failed", exc_info=error)  # noqa: TRY400 - a plain logger may lack a handler
        body = _failure(event, context, error)
    _deliver(url, body, deliver or put)


def put(url: str, body: bytes) -> None:
    """Put an answer to a ResponseURL.

    Raises:
        OSError: The answer could not be delivered.
        AnswerError: The URL is neither https nor on this machine.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise AnswerError(f"the ResponseURL is {parts.scheme!r}; https is needed, or http on this machine")
    # The URL is signed for an empty content type; without the header urllib adds a type.
    headers = {"Content-Type": "", "Content-Length": str(len(body))}
    request = urllib.request.Request(url, data=body, method="PUT", headers=headers)  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=DELIVERY_TIMEOUT_SECONDS):  # noqa: S310 - checked above
        pass


def _within_time(event: Mapping[str, Any], context: Context, provider: Provider) -> Outcome:
    request = _parse(event)
    if request.type is RequestType.DELETE and (request.physical_resource_id or "").startswith(_NEVER_CREATED):
        return Outcome(str(request.physical_resource_id))
    seconds = max(context.get_remaining_time_in_millis() / 1000 - ANSWER_RESERVE_SECONDS, 0)
    worker = ThreadPoolExecutor(max_workers=1)
    try:
        return worker.submit(_run, provider, request, min(seconds, DENIED_SECONDS)).result(timeout=seconds)
    except TimeoutError as error:
        raise TimeoutError(f"the work was not done within {seconds:.0f} seconds, the function's timeout") from error
    finally:
        worker.shutdown(wait=False)  # a call that hangs must not delay the answer


def _run(provider: Provider, request: Request, seconds: float) -> Outcome:
    until = time.monotonic() + seconds
    while True:
        try:
            return provider(request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED or time.monotonic() + DENIED_PAUSE_SECONDS > until:
                raise
            logger.warning("AWS denies the call; the role's permissions may be too new: %s", error)
        time.sleep(DENIED_PAUSE_SECONDS)


def _parse(event: Mapping[str, Any]) -> Request:
    return Request(
        type=RequestType(str(event["RequestType"])),
        logical_resource_id=str(event["LogicalResourceId"]),
        physical_resource_id=event.get("PhysicalResourceId"),
        properties=event.get("ResourceProperties") or {},
        old_properties=event.get("OldResourceProperties") or {},
        request_id=str(event["RequestId"]),
    )


def _failure(event: Mapping[str, Any], context: Context, error: BaseException) -> bytes:
    reason = f"{type(error).__name__}: {_text_of(error)} (log stream {context.log_stream_name})"
    # A failed Update keeps its resource; the id of a failed Create marks its later Delete.
    name = event.get("PhysicalResourceId") or f"{_NEVER_CREATED}{event.get('LogicalResourceId', '')}"
    for length in (1024, 256, 0):
        body = _encode(event, status="FAILED", outcome=Outcome(str(name)), reason=reason[:length] or "see the log")
        if len(body) <= MAXIMUM_ANSWER_BYTES:
            break
    return body


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception whose `str()` raises must be answered too
        return "its text cannot be shown"


def _body(event: Mapping[str, Any], *, status: str, outcome: Outcome) -> bytes:
    body = _encode(event, status=status, outcome=outcome, reason="")
    if len(body) > MAXIMUM_ANSWER_BYTES:
        raise ValueError(f"the answer takes {len(body)} bytes of {MAXIMUM_ANSWER_BYTES}; return less data")
    return body


def _encode(event: Mapping[str, Any], *, status: str, outcome: Outcome, reason: str) -> bytes:
    return json.dumps(
        {
            "Status": status,
            "Reason": reason,
            "PhysicalResourceId": outcome.physical_resource_id,
            "StackId": event.get("StackId"),
            "RequestId": event.get("RequestId"),
            "LogicalResourceId": event.get("LogicalResourceId"),
            "Data": dict(outcome.data),
        }
    ).encode()


def _deliver(url: str, body: bytes, deliver: Deliver) -> None:
    for attempt in range(1, DELIVERY_ATTEMPTS + 1):
        try:
            deliver(url, body)
        except OSError as error:
            logger.warning("answering CloudFormation failed (attempt %d)", attempt, exc_info=error)
            last = error
            time.sleep(0.1 * 2**attempt)
        else:
            return
    raise AnswerError(f"CloudFormation could not be answered in {DELIVERY_ATTEMPTS} attempts: {last}") from last
