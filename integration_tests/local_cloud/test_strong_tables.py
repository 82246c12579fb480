"""Test strongly consistent global tables: one state in both regions in every case, and the refusals of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, deploy
from integration_tests.local_cloud.test_tables import clients, global_table, put, replica, value

if TYPE_CHECKING:
    from local_cloud import LocalCloud

WITNESS = "us-east-2"
TTL = {"Enabled": True, "AttributeName": "expires_at"}


def strong(*regions: str, witnesses: tuple[str, ...] = (WITNESS,), **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return global_table(
        *(replica(region) for region in regions or (WEST, EAST)),
        MultiRegionConsistency="STRONG",
        **({"GlobalTableWitnesses": [{"Region": one} for one in witnesses]} if witnesses else {}),
        **properties,
    )


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> Stack:
    return deploy(cloud, {"Table": strong()}, region=WEST)


@pytest.mark.parametrize("region", [EAST, WEST])
def test_strong_table_describes_its_consistency_and_witness(table: Stack, region: str) -> None:
    described = table.cloud.client("dynamodb", region).describe_table(TableName=table["Table"])["Table"]
    assert described["MultiRegionConsistency"] == "STRONG"
    assert described["GlobalTableWitnesses"] == [{"RegionName": WITNESS, "WitnessStatus": "ACTIVE"}]


@pytest.mark.parametrize("trouble", ["lag", "cut"])
def test_strong_write_is_in_both_regions_when_answered(disturbed: LocalCloud, table: Stack, trouble: str) -> None:
    east, west, name = clients(table)
    disturbed.set_replication_lag(60)
    disturbed.partition(cut=trouble == "cut")
    put(east, name, trouble, "1")
    assert value(west, name, trouble) == "1"
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        put(west, name, trouble, "2", ConditionExpression="attribute_not_exists(pk)")
    west.delete_item(TableName=name, Key={"pk": {"S": trouble}})
    assert value(east, name, trouble) is None


def test_strong_write_reaches_a_region_that_was_down(disturbed: LocalCloud, table: Stack) -> None:
    east, west, name = clients(table)
    disturbed.region_down(EAST)
    put(west, name, "down", "1")
    disturbed.region_up(EAST)
    assert value(east, name, "down") == "1"


def test_strong_table_refuses_transactions_and_ttl(table: Stack) -> None:
    east, _, name = clients(table)
    key = {"pk": {"S": "t"}}
    with pytest.raises(ClientError, match="no transactions"):
        east.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": key}}])
    with pytest.raises(ClientError, match="no transactions"):
        east.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": key}}])
    with pytest.raises(ClientError, match="no TTL"):
        east.update_time_to_live(TableName=name, TimeToLiveSpecification=TTL)
    assert value(east, name, "t") is None


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (strong(witnesses=()), "or two and a witness"),
        (strong(witnesses=("us-west-1",)), "of one set of regions"),
        (strong(witnesses=(EAST,)), "or two and a witness"),
        (strong(WEST, witnesses=(EAST, WITNESS)), "or two and a witness"),
        (strong(TimeToLiveSpecification=TTL), "no TTL"),
        (global_table(replica(WEST), replica(EAST), GlobalTableWitnesses=[{"Region": WITNESS}]), "no witness"),
    ],
)
def test_table_whose_consistency_contradicts_itself_is_refused(cloud: LocalCloud, refused: dict[str, Any], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        deploy(cloud, {"Table": refused}, region=WEST)


def test_three_replicas_need_no_witness(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Table": strong(WEST, EAST, WITNESS, witnesses=())}, region=WEST)
    east, _, name = clients(stack)
    put(east, name, "three", "1")
    assert value(cloud.client("dynamodb", WITNESS), name, "three") == "1"


def test_consistency_of_a_table_cannot_be_changed(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Table": strong()}, region=WEST)
    with pytest.raises(AssertionError, match="cannot be changed after its creation"):
        stack.update({"Table": global_table(replica(WEST), replica(EAST))})
