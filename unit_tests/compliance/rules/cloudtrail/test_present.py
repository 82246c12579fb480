"""ActivePassive-CloudTrailPresent."""

from typing import Any

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, regional_bucket, replicating, table
from unit_tests.compliance.rules.verdicts import FAIL, PASS

RULE = "ActivePassive-CloudTrailPresent"
TRAIL = {"Type": "AWS::CloudTrail::Trail", "Properties": {}}


def _says(east: dict[str, Any], west: dict[str, Any]) -> list[Verdict]:
    return [row.verdict for row in ask(RULE, template(east, EAST), template(west, WEST))]


def test_one_trail_for_all_regions_passes() -> None:
    assert _says({"Table": table(), "Trail": TRAIL}, {}) == [PASS]
    assert _says({"Bucket": replicating()}, {"Bucket": regional_bucket(), "Trail": TRAIL}) == [PASS]


def test_data_in_several_regions_without_a_trail_fails_once() -> None:
    assert _says({"Table": table()}, {}) == [FAIL]
    assert _says({"Bucket": replicating()}, {"Bucket": regional_bucket()}) == [FAIL]


def test_trail_on_a_condition_is_none() -> None:
    assert _says({"Table": table(), "Trail": {**TRAIL, "Condition": "ACondition"}}, {}) == [FAIL]


def test_system_without_data_or_of_one_region_is_not_judged() -> None:
    assert _says({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}, {}) == []
    assert ask(RULE, template({"Table": table()}, EAST)) == []
