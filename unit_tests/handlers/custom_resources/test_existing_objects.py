"""Test the job that replicates older objects: its request, the wait, and the result of each answer.

botocore's own model of S3 Control checks each request and answer. The tests cannot prove the wording of S3's failures.
"""

# ruff: noqa: ANN401 - answers are JSON

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from handlers.bucket_replication import existing_objects
from handlers.bucket_replication.existing_objects import ExistingObjectsError, Source, replicate_existing

ACCOUNT, BUCKET, ROLE, TOKEN = "000000000000", "bucket", "arn:aws:iam::000000000000:role/batch", "0" * 36
NO_KEYS = [{"FailureCode": "any", "FailureReason": "Manifest generation found no keys matching the filter criteria."}]
DENIED = [{"FailureCode": "any", "FailureReason": "The role cannot be assumed."}]


@pytest.fixture
def s3control() -> Any:
    return boto3.client("s3control", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def stub(s3control: Any, slept: list[float]) -> Iterator[Stubber]:
    assert slept == []
    with Stubber(s3control) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def start(stub: Stubber, job_id: str = "job-1", *, attempt: int = 0) -> None:
    asked = dict.fromkeys(("Operation", "ManifestGenerator", "Report", "Priority", "RoleArn", "Description"), ANY)
    expected = {**asked, "AccountId": ACCOUNT, "ConfirmationRequired": False, "ClientRequestToken": f"{TOKEN}-{attempt}"}
    stub.add_response("create_job", {"JobId": job_id}, expected)


def look(stub: Stubber, status: str, total: int = 0, failed: int = 0, *, job_id: str = "job-1", **more: Any) -> None:
    progress = {"TotalNumberOfTasks": total, "NumberOfTasksFailed": failed}
    job = {"JobId": job_id, "Status": status, "ProgressSummary": progress, **more}
    stub.add_response("describe_job", {"Job": job}, {"AccountId": ACCOUNT, "JobId": job_id})


def run(s3control: Any, seconds: float = 800) -> str:
    return replicate_existing(s3control, Source(ACCOUNT, BUCKET, ROLE), token=TOKEN, seconds=seconds)


def test_job_selects_unreplicated_objects_under_incoming(s3control: Any, stub: Stubber) -> None:
    asked: dict[str, Any] = {}
    s3control.meta.events.register("provide-client-params.s3-control.CreateJob", lambda params, **_: asked.update(params))
    start(stub)
    look(stub, "Complete", 3)
    assert run(s3control) == "job-1: Complete, 3 objects"
    generator = asked["ManifestGenerator"]["S3JobManifestGenerator"]
    assert (asked["Operation"], asked["RoleArn"], asked["ConfirmationRequired"]) == ({"S3ReplicateObject": {}}, ROLE, False)
    assert generator["SourceBucket"] == f"arn:aws:s3:::{BUCKET}"
    assert generator["Filter"] == {
        "EligibleForReplication": True,
        "ObjectReplicationStatuses": ["NONE", "FAILED"],
        "KeyNameConstraint": {"MatchAnyPrefix": ["incoming/"]},
    }
    assert len(asked["ClientRequestToken"]) <= 64


def test_job_is_watched_until_it_ends(s3control: Any, stub: Stubber, slept: list[float]) -> None:
    start(stub)
    stub.add_client_error("describe_job", "NoSuchJob")
    for status in ("New", "Preparing", "Ready", "Active", "Active", "Completing"):
        look(stub, status)
    look(stub, "Complete", 1)
    assert run(s3control) == "job-1: Complete, 1 objects"
    assert slept == [1, 2, 4, 8, 15, 15, 15]


def test_job_that_outlasts_the_time_continues_alone(s3control: Any, stub: Stubber, slept: list[float]) -> None:
    start(stub)
    for _ in range(4):
        look(stub, "Active", 10_000)
    assert run(s3control, seconds=10) == "job-1: Active, 10000 objects"
    assert sum(slept) <= 10


def test_job_that_finds_no_object_is_no_failure(s3control: Any, stub: Stubber) -> None:
    start(stub)
    look(stub, "Failed", FailureReasons=NO_KEYS)
    assert run(s3control) == "job-1: no object to replicate"


def test_job_that_fails_at_once_is_tried_again(s3control: Any, stub: Stubber, slept: list[float]) -> None:
    start(stub)
    look(stub, "Failed", FailureReasons=DENIED)
    start(stub, "job-2", attempt=1)
    look(stub, "Complete", 2, job_id="job-2")
    assert run(s3control) == "job-2: Complete, 2 objects"
    assert slept == [existing_objects.ATTEMPT_PAUSE_SECONDS]


def test_job_that_fails_each_time_says_why_and_what_to_do(s3control: Any, stub: Stubber) -> None:
    for attempt in range(existing_objects.ATTEMPTS):
        start(stub, f"job-{attempt}", attempt=attempt)
        look(stub, "Failed", FailureReasons=DENIED, job_id=f"job-{attempt}")
    with pytest.raises(ExistingObjectsError, match=r"job-2.* ended as Failed: .*cannot be assumed.*deploy again"):
        run(s3control)


@pytest.mark.parametrize(
    ("status", "total", "failed", "says"),
    [
        ("Complete", 5, 2, r"could not replicate 2 of 5 objects.*ReplicationStatus FAILED.*deploy again"),
        ("Failed", 5, 5, r"ended as Failed: S3 gives no reason.*deploy again"),
        ("Cancelled", 0, 0, r"ended as Cancelled.*deploy again"),
    ],
)
def test_objects_that_stay_behind_fail_the_deployment(
    s3control: Any, stub: Stubber, status: str, total: int, failed: int, says: str
) -> None:
    start(stub)
    look(stub, status, total, failed)
    with pytest.raises(ExistingObjectsError, match=says) as refused:
        run(s3control)
    assert len(str(refused.value)) <= 1024, "CloudFormation's answer is cut there"


@pytest.mark.parametrize("code", ["AccessDenied", "BadRequestException"])
def test_start_refused_fails_the_attempt(s3control: Any, stub: Stubber, code: str) -> None:
    stub.add_client_error("create_job", code)
    with pytest.raises(s3control.exceptions.ClientError, match=code):
        run(s3control)


def test_last_attempt_ends_before_the_time_is_up(s3control: Any, stub: Stubber, slept: list[float]) -> None:
    start(stub)
    look(stub, "Failed", FailureReasons=DENIED)
    with pytest.raises(ExistingObjectsError, match="ended as Failed"):
        run(s3control, seconds=existing_objects.ATTEMPT_PAUSE_SECONDS - 1)
    assert slept == []


def test_error_other_than_an_unknown_job_is_raised(s3control: Any, stub: Stubber) -> None:
    start(stub)
    stub.add_client_error("describe_job", "AccessDenied")
    with pytest.raises(s3control.exceptions.ClientError, match="AccessDenied"):
        run(s3control)
