"""ActivePassive-DynamoDBRecovery."""

import pytest

from unit_tests.compliance.rules.builders import (
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    changed,
    either,
    message,
    says,
    table,
    without,
)

RULE = "ActivePassive-DynamoDBRecovery"
AT = "PointInTimeRecoverySpecification"


def test_recovery_in_every_replica_passes() -> None:
    assert says(RULE, table()) is PASS


@pytest.mark.parametrize("which", [0, 1])
def test_a_replica_without_it_fails_whichever_it_is(which: int) -> None:
    place = ("Replicas", which, AT, "PointInTimeRecoveryEnabled")
    assert says(RULE, changed(table(), *place, to=False)) is FAIL
    assert says(RULE, changed(table(), *place, to="false")) is FAIL
    assert says(RULE, changed(table(), *place, to=either(True, False))) is FAIL
    assert says(RULE, without(table(), "Replicas", which, AT)) is FAIL
    assert says(RULE, changed(table(), "Replicas", which, AT, to={})) is FAIL


def test_the_replica_is_named() -> None:
    assert "the replica in us-west-2 has no" in message(RULE, without(table(), "Replicas", 1, AT))


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), "Replicas", 0, AT, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(table(), "Replicas", 0, AT, "PointInTimeRecoveryEnabled", to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(table(), "Replicas", to=UNKNOWN)) is NOT_EVALUATED


def test_a_period_that_ends_before_a_mistake_is_noticed_fails() -> None:
    setting = ("Replicas", 1, "PointInTimeRecoverySpecification", "RecoveryPeriodInDays")

    assert "can be restored for 1 days back only" in message(RULE, changed(table(), *setting, to=1))
    assert says(RULE, changed(table(), *setting, to=6)) is FAIL
    assert says(RULE, changed(table(), *setting, to=7)) is PASS
    assert says(RULE, changed(table(), *setting, to=UNKNOWN)) is NOT_EVALUATED
