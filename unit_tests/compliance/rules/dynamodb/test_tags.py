"""ActivePassive-DynamoDBTags."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import (
    ABSENT,
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    changed,
    either,
    says,
    table,
    without,
)

RULE = "ActivePassive-DynamoDBTags"


def test_tags_on_every_replica_pass() -> None:
    assert says(RULE, table()) is PASS


@pytest.mark.parametrize("which", [0, 1])
def test_a_replica_without_tags_fails_whichever_it_is(which: int) -> None:
    missing: list[Any] = [[], ABSENT, None, either(ABSENT, [{"Key": "Owner", "Value": "platform"}])]
    for tags in missing:
        assert says(RULE, changed(table(), "Replicas", which, "Tags", to=tags)) is FAIL
    assert says(RULE, without(table(), "Replicas", which, "Tags")) is FAIL


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), "Replicas", 0, "Tags", to=UNKNOWN)) is NOT_EVALUATED
