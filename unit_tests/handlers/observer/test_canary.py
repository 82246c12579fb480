"""Test the canary: a retry of a run sends the same one, and the role of its region decides its result."""

import json
import re
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from handlers.issuer.upload_id import new_upload_id
from handlers.observer.canary import LOST, PATIENCE_SECONDS, Canary, CanarySupervisor
from handlers.observer.memory import Memory, canary_seconds
from handlers.observer.web import OwnApi, WebError, is_ready
from handlers.shared import timestamps

RUN_AT = 1_769_860_800.0
SENT_AT = RUN_AT + 2
UPLOAD_ID = new_upload_id(RUN_AT)


class Api:
    """Answers each request by its method, and records it."""

    def __init__(self, **answers: Any) -> None:  # noqa: ANN401 - a status and a body, or an error
        self.answers = {
            "POST": (201, {"id": "a" * 64, "url": "https://bucket/key", "headers": {"x": "y"}}),
            "PUT": (200, {}),
        }
        self.answers |= answers
        self.asked: list[Any] = []

    def send(self, request: Any) -> Any:  # noqa: ANN401 - botocore's
        """Answer."""
        self.asked.append(request)
        answer = self.answers[request.method]
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return SimpleNamespace(status_code=status, content=body if isinstance(body, bytes) else json.dumps(body).encode())


def canaries(api: Api, now: float = SENT_AT) -> CanarySupervisor:
    credentials = Credentials("AKIDEXAMPLE", "secret")
    own = OwnApi(url="https://api.example", region="us-west-2", credentials=credentials, http=cast("Any", api))
    return CanarySupervisor(api=own, region="us-west-2", clock=lambda: now)


def canary(*, was_active: bool = True) -> Canary:
    return Canary(object_id="a" * 64, run_at=RUN_AT, sent_at=SENT_AT, uploaded_in=0.2, was_active=was_active)


def test_canary_is_sent_with_signed_requests() -> None:
    api = Api()
    sent = canaries(api).send(RUN_AT, upload_id=UPLOAD_ID, is_active=False)
    assert (sent.object_id, sent.run_at, sent.was_active) == ("a" * 64, RUN_AT, False)
    post, put = api.asked
    body = json.loads(post.body)
    assert body["upload_id"] == UPLOAD_ID
    assert (post.url, body["source"], body["size"]) == ("https://api.example/uploads", "canary", len(put.body))
    assert re.search(r"Credential=AKIDEXAMPLE/\d{8}/us-west-2/execute-api/aws4_request", post.headers["Authorization"])
    assert (put.url, put.headers["x"], "Authorization" in put.headers) == ("https://bucket/key", "y", False)
    canaries(again := Api(PUT=(412, {}))).send(RUN_AT, upload_id=UPLOAD_ID, is_active=False)
    assert [one.body for one in again.asked] == [one.body for one in api.asked]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"POST": (503, {})}, WebError),
        ({"POST": (201, b"<html>")}, WebError),
        ({"POST": (201, b"[]")}, WebError),
        ({"PUT": (403, {})}, WebError),
        ({"POST": ConnectTimeoutError(endpoint_url="https://x")}, ConnectTimeoutError),
    ],
)
def test_canary_that_cannot_be_sent_raises_the_reason(answers: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        canaries(Api(**answers)).send(RUN_AT, upload_id=UPLOAD_ID, is_active=True)


PROCESSED = {"state": "processed", "processed_at": timestamps.from_epoch(SENT_AT + 1.5)}


@pytest.mark.property
@given(
    state=st.sampled_from(["unknown", "accepted", "processed", "quarantined", None]),
    was_active=st.booleans(),
    is_active=st.booleans(),
    age=st.floats(0, 600),
)
def test_canary_is_judged_by_the_role_of_the_region(
    *,
    state: str | None,
    was_active: bool,
    is_active: bool,
    age: float,
) -> None:
    answers: dict[str | None, Any] = {"processed": (200, PROCESSED), None: (500, {})}
    api = Api(GET=answers.get(state, (200, {"state": state})))
    seconds = canaries(api, now=SENT_AT + age).judge(canary(was_active=was_active), is_active=is_active)
    waits = None if age < PATIENCE_SECONDS else LOST
    if state == "processed":
        assert seconds == pytest.approx(1.5)
    elif state == "quarantined":
        assert seconds == LOST
    elif state == "accepted" and not (was_active and is_active):
        assert seconds == 0.2
    else:
        assert seconds == waits


def test_clock_that_is_behind_gives_no_negative_seconds() -> None:
    answer = {"state": "processed", "processed_at": timestamps.from_epoch(SENT_AT - 5)}
    assert canaries(Api(GET=(200, answer))).judge(canary(), is_active=True) == 0


@pytest.mark.parametrize(
    ("last", "verdict", "uploaded_in", "known"),
    [
        (None, None, 0.3, 0.3),
        (None, None, None, None),
        (2.0, None, 0.3, 2.0),
        (2.0, 1.0, 0.3, 1.0),
        (2.0, LOST, 0.3, LOST),
        (LOST, None, 0.3, LOST),
        (LOST, 1.0, 0.3, 1.0),
        (2.0, 1.0, LOST, LOST),
        (2.0, 0.0, None, 0.0),
    ],
)
def test_canary_seconds_are_the_newest_known_ones(
    last: float | None, verdict: float | None, uploaded_in: float | None, known: float | None
) -> None:
    assert canary_seconds(Memory(canary_seconds=last), verdict=verdict, uploaded_in=uploaded_in) == known


@pytest.mark.parametrize(
    ("url", "answer", "ready"),
    [
        ("https://x", (200, {}), True),
        ("https://x", (503, {}), False),
        ("https://x", (301, {}), False),
        ("https://x", ConnectTimeoutError(endpoint_url="https://x"), False),
        ("http://x", (200, {}), False),
        ("file:///etc/passwd", (200, {}), False),
    ],
)
def test_ready_is_200_by_https_and_nothing_else(url: str, answer: Any, ready: bool) -> None:  # noqa: ANN401, FBT001
    api = Api(GET=answer)
    assert is_ready(cast("Any", api), url) is ready
    assert all(one.url == f"{url}/ready" for one in api.asked)
