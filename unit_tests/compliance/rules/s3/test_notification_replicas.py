"""ActivePassive-S3NotificationReplicas."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask
from unit_tests.compliance.rules.builders import bucket, pair, regional_bucket, replicating
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says

RULE = "ActivePassive-S3NotificationReplicas"
CONFIGURATION = "NotificationConfiguration"
EVENT = (CONFIGURATION, "QueueConfigurations", 0, "Event")


def _west(west: dict[str, Any]) -> Verdict | None:
    rows = [row.verdict for row in ask(RULE, *pair(replicating(), west)) if row.region == "us-west-2"]
    return rows[0] if rows else None


def test_everything_that_is_created_passes() -> None:
    assert _west(regional_bucket()) is PASS
    assert says(RULE, replicating()) is PASS
    assert _west(changed(regional_bucket(), CONFIGURATION, to={"EventBridgeConfiguration": {}})) is PASS
    both = regional_bucket()
    put = {**both["Properties"][CONFIGURATION]["QueueConfigurations"][0], "Event": "s3:ObjectCreated:Put"}
    both["Properties"][CONFIGURATION]["QueueConfigurations"].append(put)
    assert _west(both) is PASS


@pytest.mark.parametrize("event", ["s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*"])
def test_one_kind_of_event_fails(event: str) -> None:
    assert _west(changed(regional_bucket(), *EVENT, to=event)) is FAIL
    assert _west(changed(regional_bucket(), *EVENT, to=either("s3:ObjectCreated:*", event))) is FAIL


@pytest.mark.parametrize(
    "broken",
    [
        without(regional_bucket(), CONFIGURATION),
        changed(regional_bucket(), CONFIGURATION, "QueueConfigurations", to=[]),
        changed(regional_bucket(), CONFIGURATION, to={"EventBridgeConfiguration": {"EventBridgeEnabled": False}}),
    ],
)
def test_replica_without_a_notification_fails(broken: dict[str, Any]) -> None:
    assert _west(broken) is FAIL


def test_bucket_without_replication_is_not_judged() -> None:
    assert says(RULE, changed(bucket(), *EVENT, to="s3:ObjectCreated:Put")) is None
    assert says(RULE, {"Type": "AWS::S3::Bucket"}) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _west(changed(regional_bucket(), CONFIGURATION, to=UNKNOWN)) is NOT_EVALUATED
    assert _west(changed(regional_bucket(), *EVENT, to=UNKNOWN)) is NOT_EVALUATED
