"""Replicate the objects that are older than a bucket's replication rule, with S3 Batch Replication.

S3 replicates an object when it is created; a rule does not apply to objects that are older than the rule.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
Copying an object in place would replicate it too, but with a new version id. The identity of a direct put holds its version
id (`handlers/shared/object_keys.py`), so the copy would be another file. docs/adr/0017-batch-replication.md
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from handlers.shared.object_keys import INCOMING

S3ControlClient: TypeAlias = Any
"""boto3's client; the tests validate each request and answer against botocore's model."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 15.0
"""Pauses between two looks at a job; each pause is twice as long as the one before."""

ATTEMPTS: Final = 3
ATTEMPT_PAUSE_SECONDS: Final = 20.0
"""A job that failed before its first object is tried again: the deployment has just created the roles and their
permissions, and IAM is eventually consistent.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

_NO_OBJECTS: Final = "found no keys matching the filter criteria"
"""S3's message for the failure of a job whose filter matches no object.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html#troubleshoot-batch-replication-errors"""
_NOT_YET_KNOWN: Final = frozenset({"NoSuchJob", "NoSuchJobException"})
"""A job may be unknown for a moment after its creation.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html"""
_ENDED: Final = frozenset({"Complete", "Failed", "Cancelled"})
_ADVICE: Final = (
    "The replication rule stays. Some older objects under incoming/ are not replicated, and their messages wait in the "
    "bucket's region. Remove the cause, then deploy again: that starts a new job for the remaining objects"
)


class ExistingObjectsError(Exception):
    """Raised when a job ended and did not replicate every object."""


@dataclass(frozen=True)
class Source:
    """The bucket whose objects the job replicates."""

    account: str
    """The bucket's owner, 12 digits."""
    bucket: str
    role: str
    """ARN of the role that the job assumes."""


def replicate_existing(control: S3ControlClient, source: Source, *, token: str, seconds: float) -> str:
    """Replicate every object under `incoming/` whose replication status is missing or failed, and wait for the job.

    Args:
        control: A client of the bucket's region.
        source: The bucket.
        token: Idempotency token of at most 60 characters: repeated calls with it start no other jobs.
        seconds: Longest time to wait. A job that takes longer continues by itself.

    Returns:
        The job's id and progress, for operators.

    Raises:
        ExistingObjectsError: The job failed, was cancelled, or could not replicate some object.
        ClientError: S3 refused to start or to describe the job.
    """
    until = time.monotonic() + seconds
    attempt = 0
    while True:
        job_id = str(control.create_job(ClientRequestToken=f"{token}-{attempt}", **_job(source))["JobId"])
        job = _await(partial(_describe, control, source.account, job_id), until)
        if not _failed_at_once(job) or _is_last(attempt, until):
            return _judge(source.bucket, job_id, job)
        time.sleep(ATTEMPT_PAUSE_SECONDS)
        attempt += 1


def _is_last(attempt: int, until: float) -> bool:
    return attempt + 1 >= ATTEMPTS or time.monotonic() + ATTEMPT_PAUSE_SECONDS > until


def _job(source: Source) -> dict[str, Any]:
    return {
        "AccountId": source.account,
        "Operation": {"S3ReplicateObject": {}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "ExpectedBucketOwner": source.account,
                "SourceBucket": f"arn:{source.role.split(':')[1]}:s3:::{source.bucket}",
                "EnableManifestOutput": False,
                "Filter": {
                    "EligibleForReplication": True,
                    # FAILED: objects that the job of an earlier deployment could not replicate.
                    "ObjectReplicationStatuses": ["NONE", "FAILED"],
                    "KeyNameConstraint": {"MatchAnyPrefix": [INCOMING]},
                },
            }
        },
        "Report": {"Enabled": False},
        "Priority": 1,
        "RoleArn": source.role,
        "ConfirmationRequired": False,
        "Description": f"Replicates the objects of {source.bucket} that are older than its rule",
    }


def _describe(control: S3ControlClient, account: str, job_id: str) -> dict[str, Any]:
    try:
        return dict(control.describe_job(AccountId=account, JobId=job_id)["Job"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_YET_KNOWN:
            raise
        return {"Status": "New"}


def _await(look: Callable[[], dict[str, Any]], until: float) -> dict[str, Any]:
    """Poll until the job has ended or the time is over; return the job's last description."""
    pause = FIRST_PAUSE_SECONDS
    while (job := look())["Status"] not in _ENDED and time.monotonic() + pause < until:
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return job


def _failed_at_once(job: dict[str, Any]) -> bool:
    return job["Status"] == "Failed" and not _tasks(job, "TotalNumberOfTasks") and _NO_OBJECTS not in _reasons(job)


def _judge(bucket: str, job_id: str, job: dict[str, Any]) -> str:
    status, total, failed = job["Status"], _tasks(job, "TotalNumberOfTasks"), _tasks(job, "NumberOfTasksFailed")
    if status == "Failed" and not total and _NO_OBJECTS in _reasons(job):
        return f"{job_id}: no object to replicate"
    named = f"S3 Batch Operations job {job_id}, which replicates the older objects of {bucket},"
    if status in _ENDED and status != "Complete":
        raise ExistingObjectsError(f"{named} ended as {status}: {_reasons(job) or 'S3 gives no reason'}. {_ADVICE}.")
    if failed:
        raise ExistingObjectsError(
            f"{named} could not replicate {failed} of {total} objects; HeadObject shows them with ReplicationStatus FAILED. "
            f"The cause is most likely a permission of the replication role, or a key. {_ADVICE}."
        )
    return f"{job_id}: {status}, {total} objects"


def _tasks(job: dict[str, Any], name: str) -> int:
    return int(job.get("ProgressSummary", {}).get(name, 0))


def _reasons(job: dict[str, Any]) -> str:
    return "; ".join(
        f"{each.get('FailureCode', '')} {each.get('FailureReason', '')}" for each in job.get("FailureReasons", [])
    )
