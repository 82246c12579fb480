"""ActivePassive-S3ReplicationTerms."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import bucket, replicating, reverse
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-S3ReplicationTerms"
FIRST = ("ReplicationConfiguration", "Rules", 0)
SWITCHES = [
    ("Status",),
    ("DeleteMarkerReplication", "Status"),
    ("SourceSelectionCriteria", "ReplicaModifications", "Status"),
    ("SourceSelectionCriteria", "SseKmsEncryptedObjects", "Status"),
    ("Destination", "ReplicationTime", "Status"),
    ("Destination", "Metrics", "Status"),
]


def test_all_terms_pass_and_a_bucket_without_replication_is_not_judged() -> None:
    assert says(RULE, replicating()) is PASS
    assert says(RULE, without(replicating(), *FIRST, "Filter")) is PASS
    assert says(RULE, changed(replicating(), *FIRST, "Filter", "Prefix", to="in")) is PASS  # covers incoming/
    assert says(RULE, bucket()) is None


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_counts(switch: tuple[str, ...]) -> None:
    assert f"{'.'.join(switch)} is not Enabled" in message(RULE, changed(replicating(), *FIRST, *switch, to="Disabled"))
    assert says(RULE, changed(replicating(), *FIRST, *switch, to=either("Enabled", "Disabled"))) is FAIL
    assert says(RULE, changed(replicating(), *FIRST, *switch, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, without(replicating(), *FIRST, *switch)) is FAIL


@pytest.mark.parametrize("what", ["DeleteMarkerReplication", "SourceSelectionCriteria", "Destination"])
def test_missing_part_of_a_replication_rule_fails(what: str) -> None:
    assert says(RULE, without(replicating(), *FIRST, what)) is FAIL


@pytest.mark.parametrize(
    "broken",
    [
        changed(replicating(), *FIRST, "Destination", "ReplicationTime", "Time", "Minutes", to=60),
        without(replicating(), *FIRST, "Destination", "Metrics", "EventThreshold"),
        changed(replicating(), *FIRST, "Destination", "StorageClass", to="DEEP_ARCHIVE"),
        changed(replicating(), *FIRST, "Filter", "Prefix", to="incoming/uploads/"),
        changed(replicating(), *FIRST, "Filter", to={"TagFilter": {"Key": "copy", "Value": "yes"}}),
        changed(replicating(), *FIRST, "Filter", to={"And": {"Prefix": "", "TagFilters": [{"Key": "k", "Value": "v"}]}}),
        without(changed(replicating(), *FIRST, "Filter", "Prefix", to="incoming/"), "NotificationConfiguration"),
    ],
)
def test_replication_that_misses_or_delays_objects_fails(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_custom_resource_is_judged_by_the_configuration_that_it_shows() -> None:
    assert says(RULE, reverse()) is NOT_EVALUATED
    shown = changed(reverse(), "ReplicationConfiguration", to=replicating()["Properties"]["ReplicationConfiguration"])
    assert says(RULE, shown) is PASS
    assert says(RULE, changed(shown, *FIRST, "DeleteMarkerReplication", "Status", to="Disabled")) is FAIL
    assert says(RULE, {"Type": "Custom::Other", "Properties": {"Bucket": "b"}}) is None


def test_unresolved_value_is_not_evaluated() -> None:
    for place in (("ReplicationConfiguration",), FIRST, (*FIRST, "Destination"), (*FIRST, "Filter", "Prefix")):
        assert says(RULE, changed(replicating(), *place, to=UNKNOWN)) is NOT_EVALUATED


def test_copies_for_another_account_fail() -> None:
    place = ("ReplicationConfiguration", "Rules", 0, "Destination", "Account")

    assert says(RULE, changed(replicating(), *place, to="999999999999")) is FAIL
    assert says(RULE, changed(replicating(), *place, to="000000000000")) is PASS
    assert says(RULE, changed(replicating(), *place, to={"Ref": "AWS::AccountId"})) is PASS
