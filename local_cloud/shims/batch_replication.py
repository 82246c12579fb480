"""CreateJob and DescribeJob of S3 Batch Operations, for the operation that replicates a bucket's older objects.

Faithful: the caller needs `s3:CreateJob`, `iam:PassRole` for Batch Operations and `s3:DescribeJob`; a token starts one job,
and another request under it is refused; the job is of the bucket's region, and ends there after CreateJob has answered. Its
role must admit Batch Operations, read the rule and have S3 list the objects; each version of an object, under a delete
marker too, that the rule, the prefixes and the replication statuses select travels as the rule's role, by the replication's
lag and cut, if the job's role may `s3:InitiateReplication` of it. A job that selects nothing fails, in AWS's words.
Different from AWS: the list of objects is made at once; the codes of failures are not AWS's; an existing delete marker
stays; other operations, manifests, reports and filters are refused; jobs are kept as long as the server runs.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, s3

from local_cloud.replicator import BUCKETS, replicator
from local_cloud.shims import _permissions, bucket_replication

if TYPE_CHECKING:
    from collections.abc import Iterator

_JOBS: Final = "/v20180820/jobs"
_SERVICE: Final = "batchoperations.s3.amazonaws.com"
_EMPTY: Final = "Manifest generation found no keys matching the filter criteria."
_UNDERSTOOD: Final = frozenset(
    {
        *("ConfirmationRequired", "ClientRequestToken", "Description", "Priority", "RoleArn", "Report", "Enabled"),
        *("Operation", "S3ReplicateObject", "ManifestGenerator", "S3JobManifestGenerator", "ExpectedBucketOwner"),
        *("SourceBucket", "EnableManifestOutput", "Filter", "EligibleForReplication", "ObjectReplicationStatuses"),
        *("member", "KeyNameConstraint", "MatchAnyPrefix", "CreateJobRequest"),
    }
)
_Answer = tuple[int, dict[str, str], bytes]
_jobs: Final[dict[tuple[str, str, str], _Job]] = {}
"""Jobs by account, region and id."""


@dataclass
class _Job:
    """A job, with the versions to replicate after its list is made."""

    request: bytes
    token: str
    bucket: str
    role: str
    prefixes: tuple[str, ...]
    statuses: frozenset[str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    failure: str = ""
    tasks: list[tuple[str, str]] | None = None
    """Key and version id of each version; None until the list is made."""

    def outcomes(self) -> list[str]:
        """Return the replication status of each task's version; a missing version has failed."""
        return [next((_status(each) for each in _versions(self.bucket, *task)), "FAILED") for task in self.tasks or ()]

    @property
    def status(self) -> str:
        if self.failure:
            return "Failed"
        if self.tasks is None:
            return "Preparing"
        return "Active" if "PENDING" in self.outcomes() else "Complete"


def install() -> None:
    """Handle requests for jobs before the stock code of S3 Control."""
    stock = app._handle_s3_control_request

    async def handle(
        path: str, method: str, body: bytes, query: dict[str, Any], request_id: str, headers: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401  ministack's answer, or None
        headers = headers or {}
        if path == _JOBS and method == "POST":
            return _create(body, query, request_id, headers)
        if path.startswith(f"{_JOBS}/") and method == "GET":
            return _describe(path.removeprefix(f"{_JOBS}/"), query, request_id, headers)
        return await stock(path, method, body, query, request_id, headers)

    app._handle_s3_control_request = handle


def _create(body: bytes, query: dict[str, Any], request_id: str, headers: dict[str, str]) -> _Answer:
    asked = _parse(body)
    role = _text(asked, "RoleArn")
    passed = {"iam:passedtoservice": _SERVICE}
    denied = app._enforce_data_plane("s3", "s3:CreateJob", headers, query, request_id) or app._enforce_data_plane(
        "iam", "iam:PassRole", headers, query, request_id, resource_arn=role, service_context=passed
    )
    if refused := denied or s3.s3control_account_error(headers) or _misunderstood(asked):
        return refused
    token, bucket = _text(asked, "ClientRequestToken"), _text(asked, "SourceBucket").rpartition(":")[2]
    known = [job for place, job in _jobs.items() if place[:2] == _here() and job.token == token]
    if known and known[0].request != body:
        return _error("IdempotencyException", "The token was used for another request.")
    if not known:
        statuses = frozenset(each.text or "" for each in asked.iterfind(".//ObjectReplicationStatuses/*"))
        prefixes = tuple(each.text or "" for each in asked.iterfind(".//MatchAnyPrefix/*"))
        job = _Job(body, token, bucket, role, prefixes or ("",), statuses)
        _jobs[(*_here(), job.id)] = job
        known = [job]
        replicator.send(get_region(), get_region(), lambda: _run(job), service=BUCKETS, identity=job.id)
    return (
        200,
        {"Content-Type": "application/xml"},
        f"<CreateJobResult><JobId>{known[0].id}</JobId></CreateJobResult>".encode(),
    )


def _misunderstood(asked: ET.Element) -> _Answer | None:
    if other := sorted({element.tag for element in asked.iter()} - _UNDERSTOOD):
        return _error("InvalidRequest", f"The local cloud does not know {', '.join(other)} of CreateJob.")
    if asked.find("./Operation/S3ReplicateObject") is None or _text(asked, "EligibleForReplication") != "true":
        return _error("InvalidRequest", "The local cloud runs S3ReplicateObject on what is EligibleForReplication.")
    bucket = s3._buckets.get(_text(asked, "SourceBucket").rpartition(":")[2])
    if bucket is None or bucket["region"] != get_region():
        return _error("InvalidRequest", "The source bucket is not in the region of the request.")
    return None


def _describe(job_id: str, query: dict[str, Any], request_id: str, headers: dict[str, str]) -> _Answer:
    account, region = _here()
    arn = f"arn:aws:s3:{region}:{account}:job/{job_id}"
    if denied := app._enforce_data_plane("s3", "s3:DescribeJob", headers, query, request_id, resource_arn=arn):
        return denied  # type: ignore[no-any-return]
    job = _jobs.get((account, region, job_id))
    if job is None:
        return _error("NoSuchJob", "The specified job does not exist.", 404)
    described = ET.Element("DescribeJobResult")
    parent = ET.SubElement(described, "Job")
    outcomes = job.outcomes()
    for name, value in (("JobId", job.id), ("JobArn", arn), ("Status", job.status), ("RoleArn", job.role)):
        ET.SubElement(parent, name).text = value
    progress = ET.SubElement(parent, "ProgressSummary")
    for name, number in (
        ("TotalNumberOfTasks", len(outcomes)),
        ("NumberOfTasksSucceeded", outcomes.count("COMPLETED")),
        ("NumberOfTasksFailed", outcomes.count("FAILED")),
    ):
        ET.SubElement(progress, name).text = str(number)
    if job.failure:
        reason = ET.SubElement(ET.SubElement(parent, "FailureReasons"), "member")
        ET.SubElement(reason, "FailureCode").text = "JobFailed"
        ET.SubElement(reason, "FailureReason").text = job.failure
    return 200, {"Content-Type": "application/xml"}, ET.tostring(described)


def _run(job: _Job) -> None:
    """List the versions, and replicate each; runs on the event loop, after the response to the caller."""
    role, bucket = _permissions.of_role(job.role), f"arn:aws:s3:::{job.bucket}"
    if _SERVICE not in json.dumps(iam._roles.get(job.role.rpartition("/")[2]) or {}):
        job.failure = "The job's role cannot be assumed."
    elif not all(
        _may(role, action, bucket) for action in ("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration")
    ):
        job.failure = "Manifest generation was denied access."
    else:
        selected = list(_selected(job))
        if not selected:
            job.failure = _EMPTY
            return
        job.tasks = [(key, entry["version_id"]) for key, entry in selected]
        for key, entry in selected:
            _send(job.bucket, key, entry, allowed=_may(role, "s3:InitiateReplication", f"{bucket}/{key}"))


def _selected(job: _Job) -> Iterator[tuple[str, dict[str, Any]]]:
    for (bucket, key), entries in s3._object_versions.items():
        if bucket != job.bucket or not key.startswith(job.prefixes):
            continue
        for entry in entries:
            tags = s3._object_tags.get((bucket, key, entry["version_id"]))
            rule = None if entry.get("is_delete_marker") else s3._replication_rule_for(bucket, key, tags)[0]
            if rule and bucket_replication._selected(rule, entry) and _status(entry) in job.statuses:
                yield key, entry


def _send(bucket: str, key: str, entry: dict[str, Any], *, allowed: bool) -> None:
    entry["replication_status"] = "PENDING" if allowed else "FAILED"
    if not allowed:
        return
    version = entry["version_id"]
    current = s3._buckets[bucket]["objects"].get(key)
    is_current = current is not None and current.get("version_id") == version
    record = current if is_current else s3._object_record_from_version(entry)
    bucket_replication._replicate(bucket, key, record, entry["data"], s3._object_tags.get((bucket, key, version)))
    entry["replication_status"] = record["replication_status"]


def _versions(bucket: str, key: str, version: str) -> list[dict[str, Any]]:
    return [entry for entry in s3._object_versions.get((bucket, key)) or [] if entry["version_id"] == version]


def _status(entry: dict[str, Any]) -> str:
    return str(entry.get("replication_status") or "NONE")


def _may(role: Any, action: str, resource: str) -> bool:  # noqa: ANN401  ministack's PrincipalInfo
    return _permissions.may(role, action, resource, region=get_region())


def _here() -> tuple[str, str]:
    return get_account_id(), get_region()


def _parse(body: bytes) -> ET.Element:
    asked = ET.fromstring(body)  # noqa: S314  the SDK's own, from this machine
    for element in asked.iter():
        element.tag = element.tag.rpartition("}")[2]
    return asked


def _text(asked: ET.Element, name: str) -> str:
    return asked.findtext(f".//{name}") or ""


def _error(code: str, message: str, status: int = 400) -> _Answer:
    answer: _Answer = s3.s3control_error(code, message, status)
    return answer
