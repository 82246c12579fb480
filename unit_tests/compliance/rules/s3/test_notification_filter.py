"""ActivePassive-S3NotificationFilter."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, regional_bucket, replicating, role
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-S3NotificationFilter"
RULES = ("NotificationConfiguration", "QueueConfigurations", 0, "Filter", "S3Key", "Rules")

BOTH = ((replicating(), EAST), (regional_bucket(), WEST))


def _filtered(**rules: Any) -> Resource:  # noqa: ANN401
    return changed(replicating(), *RULES, to=[{"Name": name, "Value": value} for name, value in rules.items()])


def _says(it: Resource, key: str = "incoming/uploads/*", action: str = "s3:PutObject") -> Verdict | None:
    return verdict_in(RULE, "It", *_templates(it, key, action))


def _templates(it: Resource, key: str, action: str = "s3:PutObject") -> tuple[Any, Any]:
    grant = role(action, on={"Fn::Join": ["", [{"Fn::GetAtt": ["It", "Arn"]}, f"/{key}"]]})
    return template({"It": it, **grant}, EAST), template({"It": regional_bucket()}, WEST)


@pytest.mark.parametrize(
    "it",
    [_filtered(prefix="incoming/"), _filtered(Prefix="incoming/uploads/"), _filtered(), without(replicating(), *RULES[:4])],
)
def test_filter_that_lets_through_what_may_be_put_passes(it: Resource) -> None:
    assert _says(it) is PASS


def test_prefix_that_may_only_be_read_passes() -> None:
    assert _says(_filtered(prefix="incoming/"), "archive/*", "s3:GetObject") is PASS


@pytest.mark.parametrize(
    "it",
    [_filtered(prefix="outgoing/"), _filtered(prefix="incoming/uploads/x"), _filtered(suffix=".csv"), _filtered(SUFFIX="a")],
)
def test_filter_that_keeps_silent_about_some_fails(it: Resource) -> None:
    assert _says(it) is FAIL


@pytest.mark.parametrize("key", ["*", "in*", "other/*"])
def test_keys_outside_the_filter_fail(key: str) -> None:
    assert _says(_filtered(prefix="incoming/"), key) is FAIL


def test_keys_are_reported() -> None:
    text = message_in(RULE, "It", *_templates(_filtered(prefix="outgoing/"), "incoming/*"))
    assert text == "objects may be put as 'incoming/*', and notifications are only of keys that begin with 'outgoing/'"


def test_two_notifications_may_share_the_work() -> None:
    first, second = (
        {"Event": "s3:ObjectCreated:*", "Queue": "q", "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": value}]}}}
        for value in ("incoming/", "other/")
    )
    it = changed(replicating(), "NotificationConfiguration", to={"QueueConfigurations": [first, second]})
    assert _says(it, "other/*") is PASS


def test_bucket_without_replication_or_targets_is_not_judged() -> None:
    assert verdict_in(RULE, "It", template({"It": regional_bucket()}, EAST)) is None
    silent = [template({"It": without(each, "NotificationConfiguration")}, region) for each, region in BOTH]
    assert verdict_in(RULE, "It", *silent) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _says(_filtered(prefix=UNKNOWN)) is NOT_EVALUATED
    assert _says(changed(replicating(), *RULES, to=UNKNOWN)) is NOT_EVALUATED
