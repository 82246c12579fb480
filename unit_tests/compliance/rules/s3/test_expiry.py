"""ActivePassive-S3Expiry."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask
from unit_tests.compliance.rules.builders import alone, bucket
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-S3Expiry"


def _with(*rules: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a bucket that tells of `incoming/`."""
    return changed(bucket(), "LifecycleConfiguration", "Rules", to=[{"Status": "Enabled", **rule} for rule in rules])


@pytest.mark.parametrize(
    "rule",
    [
        {"ExpirationInDays": 30},
        {"ExpiredObjectDeleteMarker": True, "NoncurrentVersionExpiration": {"NoncurrentDays": 7}},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"ExpirationInDays": 1, "Prefix": "tmp/"},
        {"ExpirationInDays": 1, "Filter": {"Prefix": "tmp/"}},
        {"ExpirationInDays": 1, "Filter": {"And": {"Prefix": "incoming/", "TagFilters": [{"Key": "a", "Value": "b"}]}}},
        {"ExpirationInDays": 1, "Status": "Disabled"},
    ],
)
def test_late_expiry_or_unprocessed_prefix_passes(rule: dict[str, Any]) -> None:
    assert says(RULE, _with(rule)) is PASS


@pytest.mark.parametrize(
    "rule",
    [
        {"ExpirationInDays": 1},
        {"ExpirationInDays": "29"},
        {"ExpirationDate": "2030-01-01T00:00:00Z"},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 6}},
        {"NoncurrentVersionExpirationInDays": 1},
        {"ExpirationInDays": 1, "Prefix": ""},
        {"ExpirationInDays": 1, "Filter": {"Prefix": "incoming/uploads/"}},
        {"ExpirationInDays": 1, "Filter": {"Prefix": "in"}},
        {"ExpirationInDays": either(30, 1)},
        {"ExpirationInDays": 1, "Status": either("Disabled", "Enabled")},
    ],
)
def test_early_expiry_fails(rule: dict[str, Any]) -> None:
    assert says(RULE, _with({"ExpirationInDays": 400}, rule)) is FAIL


def test_rule_and_the_days_are_reported() -> None:
    text = message(RULE, _with({"Id": "clean", "ExpirationInDays": 1}))

    assert text == "lifecycle rule clean deletes objects after 1 days; they must stay for 30 or more"


@pytest.mark.parametrize(("days", "verdict"), [(7, PASS), (6, FAIL)])
def test_outside_prod_a_week_is_enough(days: int, verdict: Verdict) -> None:
    template = alone({"It": _with({"ExpirationInDays": days})})
    assert [row.verdict for row in ask(RULE, template, environment="dev")] == [verdict]


@pytest.mark.parametrize("rule", [{"ExpirationInDays": UNKNOWN}, {"Filter": UNKNOWN}, {"Prefix": UNKNOWN}])
def test_unresolved_value_is_not_evaluated(rule: dict[str, Any]) -> None:
    assert says(RULE, _with(rule)) is NOT_EVALUATED


def test_bucket_without_a_lifecycle_is_not_judged() -> None:
    assert says(RULE, without(bucket(), "LifecycleConfiguration")) is None


@pytest.mark.parametrize("to", ["GLACIER", "DEEP_ARCHIVE", either("STANDARD_IA", "GLACIER")])
def test_transition_to_an_archive_fails(to: Any) -> None:  # noqa: ANN401
    archived = {"Transitions": [{"StorageClass": to, "TransitionInDays": 0}]}
    silent = without(_with(archived), "NotificationConfiguration")

    assert says(RULE, _with(archived)) is FAIL
    assert says(RULE, _with({"Transition": archived["Transitions"][0]})) is FAIL
    assert says(RULE, _with({**archived, "Prefix": "tmp/"})) is PASS
    assert says(RULE, silent) is PASS


def test_archive_that_only_a_deployment_knows_cannot_be_judged() -> None:
    assert says(RULE, _with({"Transitions": [{"StorageClass": UNKNOWN, "TransitionInDays": 1}]})) is NOT_EVALUATED
    assert says(RULE, _with({"Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]})) is PASS
