"""ActivePassive-DynamoDBConsistency."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import EAST, replica, table
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-DynamoDBConsistency"
TTL = "TimeToLiveSpecification"
WITNESSES = "GlobalTableWitnesses"
SETTING = "MultiRegionConsistency"


def strong() -> dict[str, Any]:
    made = without(changed(table(), SETTING, to="STRONG"), TTL)
    return changed(made, WITNESSES, to=[{"Region": "us-east-2"}])


def test_eventual_with_ttl_and_strong_without_pass() -> None:
    assert says(RULE, table()) is PASS
    assert says(RULE, changed(table(), SETTING, to="EVENTUAL")) is PASS
    assert says(RULE, strong()) is PASS
    assert says(RULE, changed(strong(), TTL, to={"AttributeName": "t", "Enabled": False})) is PASS
    three = [*strong()["Properties"]["Replicas"], replica("us-east-2")]
    assert says(RULE, without(changed(strong(), "Replicas", to=three), WITNESSES)) is PASS


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (changed(strong(), TTL, to={"AttributeName": "t", "Enabled": True}), "it has TTL"),
        (changed(strong(), TTL, to={"AttributeName": "t", "Enabled": either(False, True)}), "it has TTL"),
        (changed(strong(), "LocalSecondaryIndexes", to=[{"IndexName": "i"}]), "local secondary indexes"),
        (without(strong(), WITNESSES), "no witness"),
        (changed(strong(), WITNESSES, 0, "Region", to=EAST), "in a third region"),
        (changed(strong(), WITNESSES, to=[{"Region": "us-east-2"}, {"Region": "us-west-1"}]), "three replicas, or two"),
        (changed(strong(), WITNESSES, 0, "Region", to="eu-west-1"), "no strong consistency among"),
        (changed(strong(), "Replicas", to=[replica(EAST)]), "three replicas, or two"),
        (changed(table(), WITNESSES, to=[{"Region": "us-east-2"}]), "a witness is in us-east-2"),
        (changed(table(), SETTING, to="STRICT"), "it must be EVENTUAL or STRONG"),
        (changed(table(), SETTING, to=either("EVENTUAL", "STRONG")), "it has TTL"),
    ],
)
def test_each_contradiction_fails(broken: dict[str, Any], text: str) -> None:
    assert says(RULE, broken) is FAIL
    assert text in message(RULE, broken)


@pytest.mark.parametrize(
    "unclear",
    [
        changed(table(), SETTING, to=UNKNOWN),
        changed(strong(), TTL, to=UNKNOWN),
        changed(strong(), WITNESSES, to=UNKNOWN),
        changed(strong(), WITNESSES, 0, "Region", to=UNKNOWN),
        changed(strong(), "Replicas", 0, "Region", to=UNKNOWN),
        changed(strong(), "LocalSecondaryIndexes", to=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(unclear: dict[str, Any]) -> None:
    assert says(RULE, unclear) is NOT_EVALUATED
