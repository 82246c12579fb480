"""ActivePassive-DynamoDBExpiry."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import table
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-DynamoDBExpiry"
SETTING = "TimeToLiveSpecification"


def test_rows_that_expire_by_an_attribute_of_their_own_pass() -> None:
    assert says(RULE, table()) is PASS
    assert says(RULE, {**table(), "Type": "AWS::DynamoDB::Table"}) is PASS
    assert says(RULE, changed(table(), SETTING, to={"Enabled": False})) is PASS


@pytest.mark.parametrize("absent", [without(table(), SETTING), changed(table(), SETTING, to=ABSENT)])
def test_table_whose_rows_stay_is_not_judged(absent: dict[str, Any]) -> None:
    assert says(RULE, absent) is None


@pytest.mark.parametrize(
    "broken",
    [
        changed(table(), SETTING, "Enabled", to=False),
        changed(table(), SETTING, "Enabled", to=either(True, False)),
        without(table(), SETTING, "Enabled"),
        without(table(), SETTING, "AttributeName"),
        changed(table(), SETTING, "AttributeName", to="pk"),
        changed(
            changed(table(), SETTING, "AttributeName", to="hour"),
            *("GlobalSecondaryIndexes", 1, "KeySchema"),
            to=[{"AttributeName": "hour", "KeyType": "HASH"}],
        ),
    ],
)
def test_rows_that_do_not_expire_or_by_their_key_fail(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_key_is_reported() -> None:
    assert "names 'pk', which is a key" in message(RULE, changed(table(), SETTING, "AttributeName", to="pk"))


@pytest.mark.parametrize("place", [(SETTING,), (SETTING, "AttributeName"), (SETTING, "Enabled"), ("KeySchema",)])
def test_unresolved_value_is_not_evaluated(place: tuple[str, ...]) -> None:
    assert says(RULE, changed(table(), *place, to=UNKNOWN)) is NOT_EVALUATED
