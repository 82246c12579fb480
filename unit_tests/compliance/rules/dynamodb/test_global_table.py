"""ActivePassive-DynamoDBGlobalTable."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, replica, table
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, message_in, says, verdict_in

RULE = "ActivePassive-DynamoDBGlobalTable"


def test_replica_in_each_region_passes() -> None:
    assert says(RULE, table()) is PASS
    both = (template({}, EAST), template({}, WEST))
    assert verdict_in(RULE, "It", alone({"It": table()}, WEST), *both) is PASS


def test_table_of_one_region_fails() -> None:
    assert says(RULE, {"Type": "AWS::DynamoDB::Table", "Properties": {}}) is FAIL
    assert "only replica is in us-west-2" in message(RULE, changed(table(), "Replicas", to=[replica(WEST)]))
    assert "2 replicas are in us-west-2" in message(RULE, changed(table(), "Replicas", 0, "Region", to=WEST))


def test_region_of_the_system_without_a_replica_fails() -> None:
    moved = changed(table(), "Replicas", 0, "Region", to="us-east-2")
    both = (template({}, EAST), template({}, WEST))

    assert "no replica is in us-east-1" in message_in(RULE, "It", alone({"It": moved}, WEST), *both)
    assert says(RULE, moved, WEST) is PASS
    assert says(RULE, moved, "eu-west-1") is FAIL


def test_replica_where_nothing_else_of_the_system_stands_fails() -> None:
    both = (template({}, EAST), template({}, WEST))
    wider = changed(table(), "Replicas", to=[replica(EAST), replica(WEST), replica("eu-west-1")])

    assert "in eu-west-1, where the system has nothing else" in message_in(RULE, "It", alone({"It": wider}, WEST), *both)
    quorum = changed(wider, "MultiRegionConsistency", to="STRONG")
    assert verdict_in(RULE, "It", alone({"It": quorum}, WEST), *both) is PASS
    assert says(RULE, wider) is PASS, "alone, the table's template tells nothing of where the system stands"


@pytest.mark.parametrize(
    "broken",
    [
        without(table(), "StreamSpecification"),
        changed(table(), "StreamSpecification", "StreamViewType", to="KEYS_ONLY"),
        changed(table(), "Replicas", to=either([replica(EAST), replica(WEST)], [replica(WEST)])),
        changed(table(), "Replicas", 1, "Region", to=either(WEST, EAST)),
    ],
)
def test_region_that_is_missing_fails(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_strongly_consistent_table_needs_no_stream() -> None:
    strong = changed(without(table(), "StreamSpecification"), "MultiRegionConsistency", to="STRONG")
    assert says(RULE, strong) is PASS


def test_region_of_the_stack_is_known_by_its_pseudo_parameter() -> None:
    assert says(RULE, changed(table(), "Replicas", 1, "Region", to={"Ref": "AWS::Region"})) is PASS


@pytest.mark.parametrize(
    "unclear",
    [
        without(table(), "Replicas"),
        changed(table(), "Replicas", to=[]),
        changed(table(), "Replicas", to=UNKNOWN),
        changed(table(), "Replicas", 0, to=WEST),
        changed(table(), "Replicas", 0, "Region", to=UNKNOWN),
        changed(table(), "StreamSpecification", to=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(unclear: dict[str, Any]) -> None:
    assert says(RULE, unclear) is NOT_EVALUATED
