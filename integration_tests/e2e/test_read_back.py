"""Every property of every template against what the cloud's own APIs answer: nothing that was deployed was dropped."""

from __future__ import annotations

import pytest

from integration_tests.e2e.read_back import messaging, network, security, storage, watch  # noqa: F401 - they register readers
from integration_tests.e2e.read_back.compare import count, differences
from integration_tests.e2e.read_back.readers import READERS, UNREAD_TYPES, is_unread
from integration_tests.e2e.read_back.resources import Resource, deployed
from integration_tests.e2e.report import Run
from operations.target import Target


@pytest.fixture(scope="module")
def resources(target: Target) -> list[Resource]:
    """Everything that is deployed."""
    return deployed(target)


@pytest.mark.parametrize("kind", sorted(READERS))
def test_the_cloud_holds_what_the_templates_say(kind: str, resources: list[Resource], run: Run) -> None:
    wrong: list[str] = []
    for resource in [one for one in resources if one.type == kind]:
        said = {name: value for name, value in resource.properties.items() if not is_unread(resource, name)}
        wrong += differences(said, READERS[kind](resource), str(resource))
        run.read_back.add(*count(said))
    assert not wrong, "\n".join(wrong)


def test_no_type_of_resource_is_left_out(resources: list[Resource]) -> None:
    kinds = {one.type for one in resources}
    assert kinds - READERS.keys() - UNREAD_TYPES.keys() == set(), "each needs a reader, or a reason in UNREAD_TYPES"
    assert len(kinds) > 30


def test_the_reverse_replication_is_what_its_custom_resource_says(resources: list[Resource], run: Run) -> None:
    (said,) = [one.properties for one in resources if one.type == "Custom::BucketReplication"]
    (bucket,) = [one for one in resources if (one.type, one.physical_id) == ("AWS::S3::Bucket", said["Bucket"])]
    assert said["BucketRegion"] == bucket.region
    held = READERS[bucket.type](bucket).get("ReplicationConfiguration", {})
    assert not list(differences(said["ReplicationConfiguration"], held, str(bucket)))
    run.read_back.add(*count(said["ReplicationConfiguration"]))


def test_peer_replicas_policy_is_what_its_custom_resource_says(resources: list[Resource], target: Target, run: Run) -> None:
    (declared,) = [one.properties for one in resources if one.type == "Custom::TablePolicy"]
    region = declared["TableArn"].split(":")[3]
    held = storage.table_policy(target.client("dynamodb", region), declared["TableArn"])
    assert held == declared["Policy"]
    assert region != target.control, "the other one's is in the table's own template"
    run.read_back.add(*count(declared["Policy"]))
