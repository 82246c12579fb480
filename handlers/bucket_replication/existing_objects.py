"""S3 Batch Replication of the objects that a bucket held before it had its replication rule.

S3 replicates an object when it is created; what is older than the rule stays where it is, whatever the rule says.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
A copy in place would replicate too, under a new version id, and the identity of a file that was put directly holds its
version id (`handlers/shared/object_keys.py`): it would be another file. docs/adr/0017-batch-replication.md
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from handlers.shared.object_keys import INCOMING

S3ControlClient: TypeAlias = Any
"""boto3's; the tests hold each request and answer to botocore's own model."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 15.0
"""Pauses between two looks at a job; each is twice the one before."""

ATTEMPTS: Final = 3
ATTEMPT_PAUSE_SECONDS: Final = 20.0
"""A job that was denied, or failed before its first object, is tried again: the roles and what they may do are as new as the
deployment, and IAM is eventually consistent.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

_NO_OBJECTS: Final = "found no keys matching the filter criteria"
"""How S3 words the failure of a job whose filter matches no object.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html#troubleshoot-batch-replication-errors"""
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_NOT_YET_KNOWN: Final = frozenset({"NoSuchJob", "NoSuchJobException"})
"""A job may be unknown for a moment after its creation.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html"""
_ENDED: Final = frozenset({"Complete", "Failed", "Cancelled"})
_ADVICE: Final = (
    "The replication rule stays. Objects under incoming/ that are older than it are not all replicated, and their messages "
    "wait in the bucket's region. Remove the cause, then deploy again: that starts a new job for what is left"
)


class ExistingObjectsError(Exception):
    """A job ended without having replicated everything that it should."""


@dataclass(frozen=True)
class Source:
    """The bucket whose objects are to be replicated."""

    account: str
    """The bucket's owner, 12 digits."""
    bucket: str
    role: str
    """ARN of the role that the job assumes."""


def replicate_existing(control: S3ControlClient, source: Source, *, token: str, seconds: float) -> str:
    """Replicate every object under `incoming/` without a replication status, or with a failed one, and wait for it.

    Args:
        control: A client of the bucket's region.
        source: The bucket.
        token: The same token starts the same jobs, however often this is called; at most 60 characters.
        seconds: How long to wait. A job that takes longer goes on by itself.

    Returns:
        The job's id and how far it came, for people.

    Raises:
        ExistingObjectsError: The job failed, was cancelled, or could not replicate some object.
        ClientError: S3 refused to start or to describe the job.
    """
    until = time.monotonic() + seconds
    attempt = 0
    while True:
        job_id = _start(control, source, token=f"{token}-{attempt}", may_be_denied=not _is_last(attempt, until))
        if job_id is not None:
            job = _await(partial(_describe, control, source.account, job_id), until)
            if not _failed_at_once(job) or _is_last(attempt, until):
                return _judge(source.bucket, job_id, job)
        time.sleep(ATTEMPT_PAUSE_SECONDS)
        attempt += 1


def _is_last(attempt: int, until: float) -> bool:
    return attempt + 1 >= ATTEMPTS or time.monotonic() + ATTEMPT_PAUSE_SECONDS > until


def _start(control: S3ControlClient, source: Source, *, token: str, may_be_denied: bool) -> str | None:
    """Start a job and return its id; None if that is denied and may be."""
    try:
        return str(control.create_job(ClientRequestToken=token, **_job(source))["JobId"])
    except ClientError as error:
        if not may_be_denied or error.response["Error"]["Code"] not in _DENIED:
            raise
        return None


def _job(source: Source) -> dict[str, Any]:
    return {
        "AccountId": source.account,
        "Operation": {"S3ReplicateObject": {}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "ExpectedBucketOwner": source.account,
                "SourceBucket": f"arn:aws:s3:::{source.bucket}",
                "EnableManifestOutput": False,
                "Filter": {
                    "EligibleForReplication": True,
                    # FAILED: what the job of an earlier deployment could not replicate.
                    "ObjectReplicationStatuses": ["NONE", "FAILED"],
                    "KeyNameConstraint": {"MatchAnyPrefix": [INCOMING]},
                },
            }
        },
        "Report": {"Enabled": False},
        "Priority": 1,
        "RoleArn": source.role,
        "ConfirmationRequired": False,
        "Description": f"Replicates what {source.bucket} held before its rule",
    }


def _describe(control: S3ControlClient, account: str, job_id: str) -> dict[str, Any]:
    try:
        return dict(control.describe_job(AccountId=account, JobId=job_id)["Job"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_YET_KNOWN:
            raise
        return {"Status": "New"}


def _await(look: Callable[[], dict[str, Any]], until: float) -> dict[str, Any]:
    """Look until the job has ended, or for as long as there is time; return what was seen last."""
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
    named = f"S3 Batch Operations job {job_id}, which replicates what {bucket} held before its replication rule,"
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
