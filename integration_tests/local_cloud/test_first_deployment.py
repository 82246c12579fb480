"""Test a first deployment: a failed one is repeated, and files that are uploaded meanwhile are processed at the end."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.platform_for_tests import Cdk, Refused, synthesize
from integration_tests.local_cloud.stacks_for_tests import Stack, allow, deploy, role, until
from local_cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
FIRST: Final = (
    ("PrimaryKeys", "keys", PRIMARY),
    ("SecondaryKeys", "keys", SECONDARY),
    ("Data", "data", SECONDARY),
    ("SecondaryRegional", "regional", SECONDARY),
    ("PrimaryRegional", "regional", PRIMARY),
)
"""Construct id, resource word of the name, and region of each stack, in the order of a deployment."""
EARLY: Final = ("incoming/early/one.ndjson", "incoming/early/another.ndjson")
CANARIES: Final = "incoming/uploads/canary/"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.start(calm=True) as running:
        yield running


def failing(assembly: Path, folder: Path, stack: str) -> Path:
    """Copy a cloud assembly, and add to one stack a resource that is created last and fails.

    Only resources with deletion protection come after it, because a rollback could not delete them, here or on AWS.
    """
    copy = folder / f"failing-{stack}"
    shutil.copytree(assembly, copy)
    file = copy / f"{stack}.template.json"
    template: dict[str, Any] = json.loads(file.read_text())
    resources = template["Resources"]
    protected = [name for name, each in resources.items() if each["Type"] == "AWS::DynamoDB::GlobalTable"]
    for name in protected:
        resources[name]["DependsOn"] = [*resources[name]["DependsOn"], "Last"]
    resources["Last"] = cfn.resource(
        "SecretsManager::RotationSchedule",
        SecretId="there-is-none",
        RotationLambdaARN="arn:aws:lambda:us-east-1:1:function:none",
    ) | {"DependsOn": sorted(resources.keys() - set(protected))}
    file.write_text(json.dumps(template))
    # The CLI uploads a template under its hash, and takes one that is there for the same.
    manifest = copy / f"{stack}.assets.json"
    (digest,) = [name for name, each in json.loads(manifest.read_text())["files"].items() if file.name in str(each)]
    for each in (manifest, copy / "manifest.json"):
        each.write_text(each.read_text().replace(digest, digest[::-1]))
    return copy


def test_first_deployment_fails_resumes_and_strands_no_upload(cloud: LocalCloud, tmp_path: Path) -> None:
    cdk = Cdk(cloud, SECONDARY, tmp_path / "cdk")
    assembly = synthesize(cloud, tmp_path / "assembly", limits__shadow_delay_seconds=1)
    for region in (PRIMARY, SECONDARY):
        cdk.bootstrap(region)
    regional = {region: Stack(cloud, region, "serverless-regional-prod") for region in (PRIMARY, SECONDARY)}
    early: dict[str, str] = {}
    for construct_id, word, region in FIRST:
        stack = Stack(cloud, region, f"serverless-{word}-prod")
        with pytest.raises(Refused, match=r"(?s)Last.*ROLLBACK_COMPLETE"):
            cdk.deploy(failing(assembly, tmp_path, construct_id), construct_id)
        # A stack that was never made whole is protected all the same.
        stack.client("cloudformation").update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
        cdk.deploy(assembly, construct_id)
        described = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE", construct_id
        if construct_id == "SecondaryRegional":
            early = {key: upload(stack, key) for key in EARLY}
            observe(stack)

    assert until(lambda: waiting(regional[SECONDARY]) == len(EARLY))
    for stack in regional.values():
        observe(stack)
        assert canaries(stack) == 0, stack.region
        refuse_a_forged_canary(stack)

    cdk.deploy(assembly, "Failover")
    failover = Stack(cloud, SECONDARY, "serverless-failover-prod")
    assert failover.outputs()["ExistingObjects"].endswith(f": Complete, {len(EARLY)} objects")
    assert until(lambda: waiting(regional[SECONDARY]) == 0, seconds=60)
    bucket = regional[PRIMARY].outputs()["IngestBucketName"]
    for key, version in early.items():
        there = regional[PRIMARY].client("s3").head_object(Bucket=bucket, Key=key)
        # The identity of a file that was put directly holds its version: a copy would be another file.
        assert (there["VersionId"], there["ReplicationStatus"]) == (version, "REPLICA"), key
    for stack in regional.values():
        observe(stack)
        assert until(partial(canaries, stack)), stack.region


def upload(stack: Stack, key: str) -> str:
    """Put a file into a region's bucket; return its version id."""
    answer = stack.client("s3").put_object(Bucket=stack.outputs()["IngestBucketName"], Key=key, Body=b'{"name": "early"}\n')
    return str(answer["VersionId"])


def waiting(stack: Stack) -> int:
    """Return the number of messages in a region's ingest queue, in any state."""
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible")
    found = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs()["IngestQueueUrl"], AttributeNames=list(counts))
    return sum(int(found["Attributes"][name]) for name in counts)


def observe(stack: Stack) -> None:
    """Run a region's observer as its schedule does."""
    event = {"time": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    answer = stack.client("lambda").invoke(FunctionName="serverless-observer-prod", Payload=json.dumps(event).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()


def canaries(stack: Stack) -> int:
    """Return the number of canaries in a region's bucket."""
    listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs()["IngestBucketName"], Prefix=CANARIES)
    return int(listed["KeyCount"])


def refuse_a_forged_canary(stack: Stack) -> None:
    """Put a canary with a role that has all permissions but is not the issuer's; the bucket's policy must refuse it."""
    stranger = deploy(stack.cloud, {"Stranger": role("lambda.amazonaws.com", allow("*"))}, region=stack.region)
    s3, bucket = stranger.assume("Stranger", "s3"), stack.outputs()["IngestBucketName"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key=f"{CANARIES}1/{'0' * 64}/canary.ndjson", Body=b"{")
    assert s3.put_object(Bucket=bucket, Key="direct/file.ndjson", Body=b"{}")["VersionId"]
