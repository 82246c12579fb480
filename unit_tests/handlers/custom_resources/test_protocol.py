"""Test that CloudFormation gets exactly one answer for any behaviour of the provider, by urllib's own code."""

import io
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any
from urllib.response import addinfourl

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from handlers.shared import custom_resource
from handlers.shared.custom_resource import AnswerError, Outcome, PropertyError, Request, RequestType

URL = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer?signature=made-up"
TYPES = ["Create", "Update", "Delete"]


class Context:
    """The used part of Lambda's context."""

    log_stream_name = "2026/03/01/[$LATEST]stream"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the value of the test."""
        return self._milliseconds


def event(kind: str = "Create", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an event's fields
    base = {
        "RequestType": kind,
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/serverless-regional-prod/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Rule",
        "ResourceProperties": {"ServiceToken": "token", "Bucket": "b", "Enabled": "true"},
    }
    if kind != "Create":
        base["PhysicalResourceId"] = "b/rule"
    return base | more


def answers(
    sent: dict[str, Any], provider: Callable[[Request], Outcome], context: Context | None = None
) -> list[dict[str, Any]]:
    """Return every answer that CloudFormation gets."""
    replies: list[tuple[str, bytes]] = []
    custom_resource.answer(sent, context or Context(), provider, deliver=lambda url, body: replies.append((url, body)))
    assert all(url == URL and len(body) <= 4096 for url, body in replies)
    return [json.loads(body) for _, body in replies]


def raising(error: BaseException) -> Callable[[Request], Outcome]:
    def provider(_request: Request) -> Outcome:
        raise error

    return provider


class MuteError(Exception):
    """An exception whose `str()` raises."""

    def __str__(self) -> str:
        raise RuntimeError


errors = st.one_of(
    st.builds(MuteError),
    st.builds(RuntimeError, st.text(st.characters(), max_size=9000)),
    st.builds(KeyError, st.text()),
    st.builds(UnicodeEncodeError, st.just("utf-8"), st.text(), st.just(0), st.just(1), st.text()),
    st.sampled_from([SystemExit(1), KeyboardInterrupt(), MemoryError(), RecursionError(), TimeoutError(), StopIteration()]),
)


@pytest.mark.property
@given(kind=st.sampled_from(TYPES), error=errors)
def test_answer_for_any_exception_is_one_failure(kind: str, error: BaseException) -> None:
    (reply,) = answers(event(kind), raising(error))
    assert reply["Status"] == "FAILED"
    assert reply["Reason"]
    assert (reply["RequestId"], reply["LogicalResourceId"]) == ("request-1", "Rule")
    assert reply["PhysicalResourceId"] == ("never-created/Rule" if kind == "Create" else "b/rule")


@pytest.mark.property
@given(st.dictionaries(st.text(max_size=200), st.text(st.characters(), max_size=3000), max_size=5), st.text(max_size=100))
def test_answer_for_any_outcome_is_one_that_cloudformation_accepts(data: dict[str, str], name: str) -> None:
    (reply,) = answers(event(), lambda _: Outcome(name, data))
    if reply["Status"] == "SUCCESS":
        assert reply["Data"] == data
        assert reply["PhysicalResourceId"] == name
    else:
        assert "return less data" in reply["Reason"]


@pytest.mark.property
@given(
    st.dictionaries(
        st.sampled_from(["RequestType", "LogicalResourceId", "PhysicalResourceId", "ResourceProperties", "StackId"]),
        st.none() | st.text() | st.integers() | st.lists(st.integers()),
    )
)
def test_answer_for_any_event_is_sent_once(fields: dict[str, Any]) -> None:
    assert len(answers({"ResponseURL": URL} | fields, lambda request: Outcome(request.text("Bucket")))) == 1


def test_answer_of_a_success_holds_the_outcome() -> None:
    (reply,) = answers(event(), lambda request: Outcome(request.text("Bucket"), {"Arn": "a"}))
    assert reply["Status"] == "SUCCESS"
    assert (reply["PhysicalResourceId"], reply["Data"]) == ("b", {"Arn": "a"})
    assert reply["StackId"] == event()["StackId"]


def test_provider_gets_the_parsed_request() -> None:
    seen: list[Request] = []

    def provider(request: Request) -> Outcome:
        seen.append(request)
        return Outcome("b/rule")

    answers(event("Update", OldResourceProperties={"Bucket": "a"}), provider)
    (request,) = seen
    assert request.type is RequestType.UPDATE
    assert (request.physical_resource_id, request.old_properties) == ("b/rule", {"Bucket": "a"})


def test_delete_of_a_failed_create_succeeds_without_the_provider() -> None:
    (failed,) = answers(event("Create"), raising(RuntimeError("no")))
    rollback = event("Delete", PhysicalResourceId=failed["PhysicalResourceId"])
    (reply,) = answers(rollback, raising(AssertionError("asked all the same")))
    assert reply["Status"] == "SUCCESS"


def test_provider_that_hangs_is_answered_before_the_timeout() -> None:
    release = threading.Event()

    def hang(_request: Request) -> Outcome:
        release.wait(20)
        return Outcome("late")

    (reply,) = answers(event(), hang, Context(milliseconds=5_100))
    release.set()
    assert reply["Status"] == "FAILED"
    assert "not done within" in reply["Reason"]


def test_missing_property_is_named_with_the_given_ones() -> None:
    (reply,) = answers(event(), lambda request: Outcome(request.text("Buckett")))
    assert "property Buckett of Rule" in reply["Reason"]
    assert "Bucket, Enabled" in reply["Reason"]
    with pytest.raises(PropertyError):
        Request(RequestType.CREATE, "Rule", None, {"Bucket": ""}, {}, "id").text("Bucket")


def test_lost_answer_is_sent_again_until_it_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    tried = 0

    def deliver(_url: str, _body: bytes) -> None:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise ConnectionResetError

    custom_resource.answer(event(), Context(), lambda _: Outcome("b"), deliver=deliver)
    assert tried == 3


def test_answer_that_never_arrives_raises_for_a_redelivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    def deliver(_url: str, _body: bytes) -> None:
        raise ConnectionResetError

    with pytest.raises(AnswerError, match="4 attempts"):
        custom_resource.answer(event(), Context(), lambda _: Outcome("b"), deliver=deliver)


def test_event_without_a_response_url_raises() -> None:
    with pytest.raises(AnswerError, match="no ResponseURL"):
        custom_resource.answer({"RequestType": "Create"}, Context(), lambda _: Outcome("b"))


def denying(code: str, times: int) -> Callable[[Request], Outcome]:
    left = [ClientError({"Error": {"Code": code, "Message": "not authorized"}}, "PutResourcePolicy")] * times

    def provider(request: Request) -> Outcome:
        if left:
            raise left.pop()
        return Outcome(request.text("Bucket"))

    return provider


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_provider_denied_by_new_permissions_is_run_again(code: str, slept: list[float]) -> None:
    (reply,) = answers(event(), denying(code, 3))
    assert reply["Status"] == "SUCCESS"
    assert slept == [custom_resource.DENIED_PAUSE_SECONDS] * 3


@pytest.mark.parametrize(
    ("code", "milliseconds", "most"), [("AccessDenied", 60_000, 40), ("AccessDenied", 12_000, 7), ("Other", 60_000, 0)]
)
def test_provider_denied_for_good_fails_in_time(slept: list[float], code: str, milliseconds: int, most: float) -> None:
    (reply,) = answers(event(), denying(code, 99), Context(milliseconds))
    assert (reply["Status"], code in reply["Reason"]) == ("FAILED", True)
    assert most - custom_resource.DENIED_PAUSE_SECONDS < sum(slept) <= most


class Line(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """The last handler of urllib, which records each request instead of sending it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[urllib.request.Request] = []
        self.status = 200

    def https_open(self, req: urllib.request.Request) -> addinfourl:  # type: ignore[override]
        """Answer as the server does."""
        self.sent.append(req)
        answer = addinfourl(io.BytesIO(b""), Message(), req.full_url, self.status)
        answer.msg = "as scripted"  # type: ignore[attr-defined]
        return answer

    http_open = https_open  # type: ignore[assignment]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line()
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener(line))
    return line  # type: ignore[return-value]


def test_put_sends_the_empty_content_type_of_the_signature(line: Line) -> None:
    custom_resource.put("https://bucket.s3.amazonaws.com/answer?signature=a%2Bb", b"{}")
    (request,) = line.sent
    assert request.get_method() == "PUT"
    assert request.full_url == "https://bucket.s3.amazonaws.com/answer?signature=a%2Bb"
    assert request.data == b"{}"
    assert request.get_header("Content-type") == ""
    assert request.get_header("Content-length") == "2"


def test_put_that_is_refused_raises_oserror(line: Line) -> None:
    line.status = 503
    with pytest.raises(urllib.error.HTTPError, match="503") as refusal:
        custom_resource.put("https://bucket.s3.amazonaws.com/answer", b"{}")
    assert isinstance(refusal.value, OSError)
    refusal.value.close()


def test_put_to_the_loopback_may_use_http(line: Line) -> None:
    custom_resource.put("http://127.0.0.1:4566/answer", b"{}")
    assert len(line.sent) == 1


@pytest.mark.parametrize("url", ["http://example.com/a", "file:///etc/passwd", "ftp://127.0.0.1/a", ""])
def test_put_to_another_scheme_or_host_is_refused(line: Line, url: str) -> None:
    with pytest.raises(AnswerError, match="https is needed"):
        custom_resource.put(url, b"{}")
    assert not line.sent
