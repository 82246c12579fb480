"""A first deployment that fails at its last resource leaves nothing that is in the way of the next one."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest

from integration_tests.local_cloud import LocalCloud
from integration_tests.local_cloud.platform_for_tests import Cdk, Refused, synthesize
from integration_tests.local_cloud.stacks_for_tests import Stack

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
"""Construct id, the word in the name and the region of each stack, in the order of a deployment."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.start() as running:
        yield running


def failing(assembly: Path, folder: Path, stack: str) -> Path:
    """Copy a cloud assembly, with a resource in one stack that comes after all others and cannot be made.

    Only what is protected against deletion comes after it: a rollback could not take that away, here or on AWS.
    """
    copy = folder / f"failing-{stack}"
    shutil.copytree(assembly, copy)
    file = copy / f"{stack}.template.json"
    template: dict[str, Any] = json.loads(file.read_text())
    resources = template["Resources"]
    protected = [name for name, each in resources.items() if each["Type"] == "AWS::DynamoDB::GlobalTable"]
    for name in protected:
        resources[name]["DependsOn"] = [*resources[name]["DependsOn"], "Last"]
    resources["Last"] = {
        "Type": "AWS::SecretsManager::RotationSchedule",
        "DependsOn": sorted(resources.keys() - set(protected)),
        "Properties": {"SecretId": "there-is-none", "RotationLambdaARN": "arn:aws:lambda:us-east-1:1:function:none"},
    }
    file.write_text(json.dumps(template))
    # The CLI uploads a template under its hash, and takes one that is there for the same.
    manifest = copy / f"{stack}.assets.json"
    (digest,) = [name for name, each in json.loads(manifest.read_text())["files"].items() if file.name in str(each)]
    for each in (manifest, copy / "manifest.json"):
        each.write_text(each.read_text().replace(digest, digest[::-1]))
    return copy


def test_each_stack_whose_last_resource_failed_is_deployed_again(cloud: LocalCloud, tmp_path: Path) -> None:
    cdk, assembly = Cdk(cloud, SECONDARY, tmp_path / "cdk"), synthesize(cloud, tmp_path / "assembly")
    for region in (PRIMARY, SECONDARY):
        cdk.bootstrap(region)
    for construct_id, word, region in FIRST:
        stack = Stack(cloud, region, f"serverless-{word}-prod")
        with pytest.raises(Refused, match=r"(?s)Last.*ROLLBACK_COMPLETE"):
            cdk.deploy(failing(assembly, tmp_path, construct_id), construct_id)
        # A stack that was never made whole is protected all the same.
        stack.client("cloudformation").update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
        cdk.deploy(assembly, construct_id)
        described = stack.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE", construct_id
