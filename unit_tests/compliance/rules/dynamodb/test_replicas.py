"""ActivePassive-DynamoDBReplicas."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit_tests.compliance.rules.builders import replica, table
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-DynamoDBReplicas"
COMPARED = sorted(set(replica("")) - {"Region", "SSESpecification"})


def test_replicas_that_differ_in_region_and_key_alone_pass() -> None:
    assert says(RULE, table()) is PASS


def test_order_of_tags_and_indexes_means_nothing() -> None:
    turned = copy.deepcopy(table())
    for setting in ("Tags", "GlobalSecondaryIndexes"):
        turned["Properties"]["Replicas"][0][setting].reverse()
    assert says(RULE, turned) is PASS


@pytest.mark.parametrize("setting", COMPARED)
@pytest.mark.parametrize("which", [0, 1])
def test_setting_that_one_replica_lacks_fails(setting: str, which: int) -> None:
    assert f"{setting} of the replica" in message(RULE, without(table(), "Replicas", which, setting))


@pytest.mark.property
@given(
    st.sampled_from([0, 1]), st.sampled_from(["TableClass", "ReadOnDemandThroughputSettings", "Tags", "Anything"]), st.data()
)
def test_setting_that_only_one_replica_has_fails(which: int, setting: str, data: st.DataObject) -> None:
    value: Any = data.draw(
        st.one_of(st.booleans(), st.text(min_size=1), st.dictionaries(st.text(), st.integers(), min_size=1))
    )
    assert says(RULE, changed(table(), "Replicas", which, setting, to=value)) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), "Replicas", to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(table(), "Replicas", 0, to=UNKNOWN)) is NOT_EVALUATED
