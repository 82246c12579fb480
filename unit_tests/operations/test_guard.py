"""The guard refuses a call before it is sent, unless it goes to an endpoint of an allowed region."""

from __future__ import annotations

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from operations.guard import Guard, GuardViolation, guarding, install

WEST = "us-west-2"
SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20261124/{region}/{service}/aws4_request, SignedHeaders=host"


def _authorization(region: str, service: str) -> str:
    return SCOPE.format(region=region, service=service)


@pytest.mark.parametrize(
    ("url", "authorization", "expected"),
    [
        ("https://dynamodb.us-east-1.amazonaws.com/", _authorization("us-east-1", "dynamodb"), "signed for us-east-1"),
        ("https://iam.amazonaws.com/", _authorization("us-east-1", "iam"), "a call of a global service, iam"),
        ("https://route53.amazonaws.com/x", _authorization("us-east-1", "route53"), "a call of a global service, route53"),
        ("https://sts.amazonaws.com/", _authorization("us-east-1", "sts"), "signed for us-east-1"),
        ("https://sts.amazonaws.com/", _authorization(WEST, "sts"), "not an endpoint of an allowed region"),
        ("https://bucket.s3.amazonaws.com/key", _authorization(WEST, "s3"), "not an endpoint of an allowed region"),
        ("https://a-us-west-2-an.s3.amazonaws.com/key", _authorization(WEST, "s3"), "not an endpoint of an allowed region"),
        ("https://dynamodb.us-east-1.amazonaws.com/", "", "not an endpoint of an allowed region"),
        ("http://127.0.0.1:4566/", _authorization("us-east-1", "sqs"), "signed for us-east-1"),
        ("http://127.0.0.1:4566/", "", "signed for no region"),
        (
            "http://127.0.0.1:4566/b/k?X-Amz-Credential=AKIA%2F20261124%2Fus-east-1%2Fs3%2Faws4_request",
            "",
            "signed for us-east-1",
        ),
    ],
)
def test_guard_call_to_another_region_is_refused(url: str, authorization: str, expected: str) -> None:
    guard = Guard((WEST,))
    with pytest.raises(GuardViolation, match=expected):
        guard.see("service.Operation", url, authorization)
    assert guard.calls == len(guard.violations) == 1


@pytest.mark.parametrize(
    ("url", "authorization"),
    [
        ("https://dynamodb.us-west-2.amazonaws.com/", _authorization(WEST, "dynamodb")),
        ("https://123456789012.ddb.us-west-2.amazonaws.com/", _authorization(WEST, "dynamodb")),
        ("https://bucket.s3.us-west-2.amazonaws.com/key", _authorization(WEST, "s3")),
        ("http://127.0.0.1:4566/", _authorization(WEST, "sqs")),
    ],
)
def test_an_allowed_regions_own_endpoint_is_let_through(url: str, authorization: str) -> None:
    guard = Guard((WEST,))
    guard.see("service.Operation", url, authorization)
    assert (guard.calls, guard.violations) == (1, [])


@pytest.mark.property
@given(st.sampled_from(["us-east-1", "us-west-2", "eu-west-1"]), st.sampled_from(["us-east-1", "us-west-2", "eu-west-1"]))
def test_a_call_passes_if_and_only_if_signature_and_host_are_allowed(signed: str, host: str) -> None:
    guard = Guard((WEST,))
    try:
        guard.see("sqs.SendMessage", f"https://sqs.{host}.amazonaws.com/", _authorization(signed, "sqs"))
        passed = True
    except GuardViolation:
        passed = False
    assert passed == (signed == host == WEST)


def test_every_call_of_a_session_is_seen_and_a_refused_one_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        session = boto3.Session()
        install(session)
        east, west = (session.client("sqs", region_name=region) for region in ("us-east-1", WEST))
        with guarding(Guard((WEST,))) as guard:
            west.create_queue(QueueName="here")
            with pytest.raises(GuardViolation):
                east.create_queue(QueueName="there")
        assert "QueueUrls" not in east.list_queues()
    assert (guard.calls, len(guard.violations)) == (2, 1)
