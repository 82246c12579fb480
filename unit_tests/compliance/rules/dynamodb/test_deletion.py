"""ActivePassive-DynamoDBDeletion."""

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

RULE = "ActivePassive-DynamoDBDeletion"
SETTING = "DeletionProtectionEnabled"


def test_protection_of_every_replica_passes() -> None:
    assert says(RULE, table()) is PASS
    assert says(RULE, changed(table(), "Replicas", 0, SETTING, to="true")) is PASS


@pytest.mark.parametrize("which", [0, 1])
def test_a_replica_without_it_fails_whichever_it_is(which: int) -> None:
    assert says(RULE, without(table(), "Replicas", which, SETTING)) is FAIL
    assert says(RULE, changed(table(), "Replicas", which, SETTING, to=False)) is FAIL
    assert says(RULE, changed(table(), "Replicas", which, SETTING, to=either(False, True))) is FAIL


def test_the_replica_is_named() -> None:
    assert "the replica in us-east-1 can be deleted" in message(RULE, without(table(), "Replicas", 0, SETTING))


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), "Replicas", 1, SETTING, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(table(), "Replicas", to=UNKNOWN)) is NOT_EVALUATED
