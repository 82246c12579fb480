"""ActivePassive-S3Uploads."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import bucket
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says

RULE = "ActivePassive-S3Uploads"
RULES = ("LifecycleConfiguration", "Rules")
ABORT = (*RULES, 0, "AbortIncompleteMultipartUpload")


def test_rule_for_the_whole_bucket_passes() -> None:
    assert says(RULE, bucket()) is PASS
    assert says(RULE, changed(bucket(), *RULES, 0, "Prefix", to="")) is PASS
    assert says(RULE, changed(bucket(), *ABORT, "DaysAfterInitiation", to="30")) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        {"Type": "AWS::S3::Bucket", "Properties": {}},
        without(bucket(), "LifecycleConfiguration"),
        without(bucket(), *ABORT),
        changed(bucket(), *ABORT, to={}),
        changed(bucket(), *RULES, 0, "Status", to="Disabled"),
        changed(bucket(), *RULES, 0, "Status", to=either("Enabled", "Disabled")),
        changed(bucket(), *RULES, 0, "Prefix", to="incoming/"),
        changed(bucket(), *ABORT, "DaysAfterInitiation", to=31),
    ],
)
def test_incomplete_uploads_that_are_kept_fail(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    for place in (("LifecycleConfiguration",), RULES, (*RULES, 0), (*RULES, 0, "Status"), (*ABORT, "DaysAfterInitiation")):
        assert says(RULE, changed(bucket(), *place, to=UNKNOWN)) is NOT_EVALUATED
