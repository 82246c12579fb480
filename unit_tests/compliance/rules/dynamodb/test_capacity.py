"""ActivePassive-DynamoDBCapacity."""

import copy
from typing import Any

import pytest

from unit_tests.compliance.rules.builders import table
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-DynamoDBCapacity"
WRITES = {"WriteCapacityAutoScalingSettings": {"MinCapacity": 1, "MaxCapacity": 100}}
READS = {"ReadCapacityAutoScalingSettings": {"MinCapacity": 1, "MaxCapacity": 100}}


def provisioned() -> dict[str, Any]:
    made = copy.deepcopy(table())
    properties = made["Properties"]
    properties["BillingMode"] = "PROVISIONED"
    for place in (properties, *properties["GlobalSecondaryIndexes"]):
        place["WriteProvisionedThroughputSettings"] = copy.deepcopy(WRITES)
    for replica in properties["Replicas"]:
        for place in (replica, *replica["GlobalSecondaryIndexes"]):
            place["ReadProvisionedThroughputSettings"] = copy.deepcopy(READS)
    return made


def test_on_demand_passes_and_so_does_scaling_everywhere() -> None:
    assert says(RULE, table()) is PASS
    assert says(RULE, provisioned()) is PASS
    assert says(RULE, without(provisioned(), "BillingMode")) is PASS  # provisioned is the default


@pytest.mark.parametrize(
    "place",
    [
        ("WriteProvisionedThroughputSettings",),
        ("WriteProvisionedThroughputSettings", "WriteCapacityAutoScalingSettings"),
        ("GlobalSecondaryIndexes", 1, "WriteProvisionedThroughputSettings"),
        ("Replicas", 0, "ReadProvisionedThroughputSettings"),
        ("Replicas", 1, "ReadProvisionedThroughputSettings", "ReadCapacityAutoScalingSettings"),
        ("Replicas", 1, "GlobalSecondaryIndexes", 0, "ReadProvisionedThroughputSettings"),
        ("Replicas", 1, "GlobalSecondaryIndexes", 0),
        ("Replicas", 0, "GlobalSecondaryIndexes"),
    ],
)
def test_capacity_that_stays_as_it_is_fails_wherever_it_is(place: tuple[str | int, ...]) -> None:
    assert says(RULE, without(provisioned(), *place)) is FAIL


def test_fixed_units_in_one_replica_fail() -> None:
    fixed = changed(provisioned(), "Replicas", 1, "ReadProvisionedThroughputSettings", to={"ReadCapacityUnits": 5})
    assert "the replica in us-west-2 has no ReadProvisionedThroughputSettings" in message(RULE, fixed)


def test_table_that_forgot_to_say_on_demand_fails() -> None:
    assert says(RULE, without(table(), "BillingMode")) is FAIL
    assert says(RULE, changed(table(), "BillingMode", to="ON_DEMAND")) is FAIL
    assert says(RULE, changed(table(), "BillingMode", to=either("PAY_PER_REQUEST", "PROVISIONED"))) is FAIL


def test_settings_that_mean_nothing_on_demand_fail() -> None:
    assert says(RULE, changed(table(), "Replicas", 0, "ReadProvisionedThroughputSettings", to=READS)) is FAIL
    assert says(RULE, changed(table(), "WriteProvisionedThroughputSettings", to=WRITES)) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), "BillingMode", to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(provisioned(), "WriteProvisionedThroughputSettings", to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(provisioned(), "Replicas", to=UNKNOWN)) is NOT_EVALUATED
