"""ActivePassive-DynamoDBIndexes."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import table
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-DynamoDBIndexes"
INDEXES = "GlobalSecondaryIndexes"
OF_REPLICA = ("Replicas", 1, INDEXES)


def test_same_indexes_everywhere_pass() -> None:
    assert says(RULE, table()) is PASS
    assert says(RULE, without(table(), *OF_REPLICA)) is PASS  # it then has them all
    none = without(without(without(table(), INDEXES), "Replicas", 0, INDEXES), *OF_REPLICA)
    assert says(RULE, none) is PASS


def test_index_that_the_table_has_not_fails() -> None:
    assert "'by_fiel', which the table does not have" in message(
        RULE, changed(table(), *OF_REPLICA, 0, "IndexName", to="by_fiel")
    )


@pytest.mark.parametrize(
    "broken",
    [
        without(table(), *OF_REPLICA, 0),
        without(table(), INDEXES),
        without(table(), INDEXES, 1),
        changed(table(), INDEXES, 1, "IndexName", to="by_file"),
        changed(table(), *OF_REPLICA, 1, "IndexName", to="by_file"),
        changed(table(), *OF_REPLICA, 1, "IndexName", to=either("by_hour", "by_day")),
    ],
)
def test_each_difference_fails(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


@pytest.mark.parametrize(
    "unclear",
    [
        changed(table(), INDEXES, to=UNKNOWN),
        changed(table(), *OF_REPLICA, to=UNKNOWN),
        changed(table(), *OF_REPLICA, 0, "IndexName", to=UNKNOWN),
        without(table(), INDEXES, 0, "IndexName"),
    ],
)
def test_unresolved_value_is_not_evaluated(unclear: dict[str, Any]) -> None:
    assert says(RULE, unclear) is NOT_EVALUATED
