"""Compare every property of every template with the cloud's own APIs, to find what a deployment dropped."""

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
    """Every deployed resource."""
    return deployed(target)


@pytest.mark.parametrize("kind", sorted(READERS))
def test_deployed_resources_equal_their_templates(kind: str, resources: list[Resource], run: Run) -> None:
    wrong: list[str] = []
    for resource in [one for one in resources if one.type == kind]:
        declared = {name: value for name, value in resource.properties.items() if not is_unread(resource, name)}
        wrong += differences(declared, READERS[kind](resource), str(resource))
        run.read_back.add(*count(declared))
    assert not wrong, "\n".join(wrong)


def test_every_resource_type_has_a_reader(resources: list[Resource]) -> None:
    kinds = {one.type for one in resources}
    assert kinds - READERS.keys() - UNREAD_TYPES.keys() == set(), "each needs a reader, or a reason in UNREAD_TYPES"
    assert len(kinds) > 30


def test_reverse_replication_equals_its_custom_resource(resources: list[Resource], run: Run) -> None:
    (declared,) = [one.properties for one in resources if one.type == "Custom::BucketReplication"]
    (bucket,) = [one for one in resources if (one.type, one.physical_id) == ("AWS::S3::Bucket", declared["Bucket"])]
    assert declared["BucketRegion"] == bucket.region
    held = READERS[bucket.type](bucket).get("ReplicationConfiguration", {})
    assert not list(differences(declared["ReplicationConfiguration"], held, str(bucket)))
    run.read_back.add(*count(declared["ReplicationConfiguration"]))


def test_policy_of_the_peers_replica_equals_its_custom_resource(resources: list[Resource], target: Target, run: Run) -> None:
    (declared,) = [one.properties for one in resources if one.type == "Custom::TablePolicy"]
    region = declared["TableArn"].split(":")[3]
    held = storage.table_policy(target.client("dynamodb", region), declared["TableArn"])
    assert held == declared["Policy"]
    assert region != target.control, "only the peer's replica has its policy from the custom resource"
    run.read_back.add(*count(declared["Policy"]))
