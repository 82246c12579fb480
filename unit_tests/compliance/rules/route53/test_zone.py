"""ActivePassive-Route53Zone."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53Zone"
HERE, THERE = ({"VPCId": "vpc-1", "VPCRegion": EAST}, {"VPCId": UNKNOWN, "VPCRegion": WEST})


def _world(vpcs: Any) -> Any:  # noqa: ANN401
    properties = {"Name": "x.internal", **({} if vpcs is None else {"VPCs": vpcs})}
    zone = {"It": {"Type": "AWS::Route53::HostedZone", "Properties": properties}}
    return template(zone, WEST, "serverless-failover-prod"), template({}, EAST), template({}, WEST)


def _says(vpcs: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", *_world(vpcs))


def test_zone_of_both_regions_passes() -> None:
    assert _says([HERE, THERE]) is PASS


@pytest.mark.parametrize("vpcs", [[], [HERE], [THERE, THERE], either([HERE, THERE], [HERE])])
def test_zone_that_one_region_cannot_ask_fails(vpcs: Any) -> None:  # noqa: ANN401
    assert _says(vpcs) is FAIL


def test_message_names_the_region() -> None:
    assert WEST in message_in(RULE, "It", *_world([HERE]))


def test_public_zone_is_no_concern() -> None:
    assert _says(None) is None


@pytest.mark.parametrize("vpcs", [UNKNOWN, [UNKNOWN], [HERE, {"VPCId": "vpc-2", "VPCRegion": UNKNOWN}]])
def test_value_missing_from_the_template_is_not_evaluated(vpcs: Any) -> None:  # noqa: ANN401
    assert _says(vpcs) is NOT_EVALUATED
