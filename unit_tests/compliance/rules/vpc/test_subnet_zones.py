"""ActivePassive-VPCSubnetZones."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.networks import network
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-VPCSubnetZones"


def _says(*zones: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "Vpc", alone(network(*zones)))


@pytest.mark.parametrize("zones", [(0, 1), (0, 1, 2), (0, 1, 1), ("us-east-1a", "us-east-1b")])
def test_subnets_in_different_zones_pass(zones: tuple[Any, ...]) -> None:
    assert _says(*zones) is PASS


@pytest.mark.parametrize("zones", [(0, 0), (2, 2, 2), ("us-east-1a", "us-east-1a"), (0, None), (None, None)])
def test_subnets_that_share_a_zone_fail(zones: tuple[Any, ...]) -> None:
    assert _says(*zones) is FAIL


def test_zone_is_reported() -> None:
    text = message_in(RULE, "Vpc", alone(network("us-east-1a", "us-east-1a")))
    assert text == "its 2 subnets are in one zone, us-east-1a; spread them"


def test_single_subnet_is_not_judged() -> None:
    assert _says(0) is None


def test_unreadable_value_is_not_evaluated() -> None:
    assert _says(0, ["us-east-1a"]) is NOT_EVALUATED
    assert _says(0, {"Fn::Select": 1, "Other": 2}) is NOT_EVALUATED
    assert _says(0, either(0, 1)) is not FAIL
