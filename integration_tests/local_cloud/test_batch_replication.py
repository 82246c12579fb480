"""Test S3 Batch Replication with the platform's custom resource: older objects than a bucket's rule are replicated."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from handlers.bucket_replication import existing_objects
from handlers.bucket_replication.existing_objects import ExistingObjectsError, Source, replicate_existing
from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, assume, deploy, role, until
from integration_tests.local_cloud.test_buckets import bucket

if TYPE_CHECKING:
    from local_cloud import LocalCloud

BATCH: Final = "batchoperations.s3.amazonaws.com"
JOB_NEEDS: Final = ("s3:InitiateReplication", "s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration")
VERSIONED: Final = {"VersioningConfiguration": {"Status": "Enabled"}}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(existing_objects, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(existing_objects, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(existing_objects, "ATTEMPT_PAUSE_SECONDS", 0.05)


class Pair:
    """A bucket in the west that gets its rule later, the destination bucket, and roles."""

    def __init__(self, cloud: LocalCloud, name: str, *needs: str, batch: str = BATCH) -> None:
        self._there: Stack = deploy(cloud, {"Bucket": bucket(f"{name}-there", **VERSIONED)})
        roles = {
            "Replication": role("s3.amazonaws.com", allow("s3:*")),
            "Batch": role(batch, allow(*needs)),
            "Starter": role("lambda.amazonaws.com", allow("s3:CreateJob", "s3:DescribeJob", "iam:PassRole")),
            "Looker": role("lambda.amazonaws.com", allow("s3:CreateJob", "s3:DescribeJob")),
        }
        arns = {each: cfn.att(each) for each in roles}
        self._here: Stack = deploy(cloud, {"Bucket": bucket(f"{name}-here", **VERSIONED), **roles}, arns, region=WEST)
        self._cloud, self.source, self.destination = cloud, self._here["Bucket"], self._there["Bucket"]
        self.arns = self._here.outputs()

    def put(self, key: str) -> str:
        answer = self._here.client("s3").put_object(Bucket=self.source, Key=key, Body=b"early")
        return str(answer["VersionId"])

    def delete(self, key: str) -> None:
        self._here.client("s3").delete_object(Bucket=self.source, Key=key)

    def set_rule(self) -> None:
        destination = {"Bucket": f"arn:aws:s3:::{self.destination}"}
        off = {"Status": "Disabled"}
        rule = {"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}, "DeleteMarkerReplication": off}
        self._here.client("s3").put_bucket_replication(
            Bucket=self.source,
            ReplicationConfiguration={"Role": self.arns["Replication"], "Rules": [{**rule, "Destination": destination}]},
        )

    def arrived(self) -> set[tuple[str, str]]:
        listed = self._there.client("s3").list_object_versions(Bucket=self.destination).get("Versions", [])
        return {(each["Key"], each["VersionId"]) for each in listed}

    def control(self, caller: str = "Starter", region: str = WEST) -> Any:  # noqa: ANN401  a boto3 client
        client = assume(self._cloud, self.arns[caller], "s3control", region)
        # The SDK puts the account before the host, and no resolver knows the loopback by such a name.
        client.meta.events.register("before-sign.s3-control", _without_account)
        return client

    def replicate(self, token: str, *, caller: str = "Starter", region: str = WEST, control: Any = None) -> str:  # noqa: ANN401
        return replicate_existing(control or self.control(caller, region), self.objects, token=token, seconds=20)

    @property
    def objects(self) -> Source:
        return Source(account=self._cloud.account, bucket=self.source, role=self.arns["Batch"])


def _without_account(request: Any, **_: Any) -> None:  # noqa: ANN401  botocore's request
    request.url = request.url.replace(f"//{request.headers['x-amz-account-id']}.", "//")


def test_objects_older_than_the_rule_arrive_with_their_versions(cloud: LocalCloud) -> None:
    pair = Pair(cloud, "batch-old", *JOB_NEEDS)
    early = {(key, pair.put(key)) for key in ("incoming/a", "incoming/a", "incoming/b", "incoming/deleted")}
    pair.delete("incoming/deleted")
    pair.put("elsewhere/c")
    pair.set_rule()
    late = pair.put("incoming/late")
    assert until(lambda: pair.arrived() == {("incoming/late", late)})

    assert pair.replicate("old").endswith(": Complete, 4 objects")
    # The version under the delete marker too; nothing of another prefix, and nothing twice.
    assert pair.arrived() == early | {("incoming/late", late)}
    assert pair.replicate("again").endswith(": no object to replicate")


def test_one_token_starts_one_job_and_takes_no_other_request(cloud: LocalCloud) -> None:
    pair = Pair(cloud, "batch-token", *JOB_NEEDS)
    pair.put("incoming/a")
    pair.set_rule()
    assert pair.replicate("same") == pair.replicate("same")
    job = partial(pair.control().create_job, AccountId=cloud.account, ClientRequestToken="same-0", Priority=2)
    with pytest.raises(ClientError, match="IdempotencyException"):
        job(**_another_job(pair))


def test_job_role_without_initiate_permission_fails_with_a_hint(cloud: LocalCloud) -> None:
    pair = Pair(cloud, "batch-init", *JOB_NEEDS[1:])
    pair.put("incoming/a")
    pair.set_rule()
    with pytest.raises(ExistingObjectsError, match=r"could not replicate 1 of 1 objects.* then deploy again"):
        pair.replicate("denied")
    assert pair.arrived() == set()


@pytest.mark.parametrize(
    ("needs", "trusted"), [(JOB_NEEDS[:2], BATCH), (JOB_NEEDS, "s3.amazonaws.com")], ids=["list", "trust"]
)
def test_job_role_without_a_permission_fails_the_job(cloud: LocalCloud, needs: tuple[str, ...], trusted: str) -> None:
    pair = Pair(cloud, f"batch-{trusted.partition('.')[0][:4]}", *needs, batch=trusted)
    pair.put("incoming/a")
    pair.set_rule()
    with pytest.raises(ExistingObjectsError, match=r"ended as Failed: .* then deploy again"):
        pair.replicate(f"lacks-{trusted}")
    assert pair.arrived() == set()


def test_caller_without_pass_role_starts_no_job(cloud: LocalCloud) -> None:
    pair = Pair(cloud, "batch-pass", *JOB_NEEDS)
    pair.put("incoming/a")
    pair.set_rule()
    with pytest.raises(ClientError, match="iam:PassRole"):
        pair.replicate("unpassed", caller="Looker")
    with pytest.raises(ClientError, match="not in the region"):
        pair.replicate("elsewhere", region=EAST)
    assert pair.arrived() == set()


def test_job_waits_while_the_link_is_cut_and_then_ends(disturbed: LocalCloud) -> None:
    pair = Pair(disturbed, "batch-cut", *JOB_NEEDS)
    early = pair.put("incoming/a")
    pair.set_rule()
    disturbed.partition(cut=True)
    control = pair.control()
    outcome = replicate_existing(control, pair.objects, token="cut", seconds=0.3)
    assert outcome.partition(": ")[2].startswith(("Preparing", "Active"))
    disturbed.partition(cut=False)
    assert until(lambda: pair.arrived() == {("incoming/a", early)})
    assert pair.replicate("cut", control=control).endswith(": Complete, 1 objects")


def _another_job(pair: Pair) -> dict[str, Any]:
    filters = {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE"]}
    generator = {"SourceBucket": f"arn:aws:s3:::{pair.source}", "EnableManifestOutput": False, "Filter": filters}
    return {
        "Operation": {"S3ReplicateObject": {}},
        "ManifestGenerator": {"S3JobManifestGenerator": generator},
        "Report": {"Enabled": False},
        "RoleArn": pair.arns["Batch"],
    }
