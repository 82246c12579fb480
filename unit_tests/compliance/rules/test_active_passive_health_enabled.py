"""ActivePassive-HealthEnabled."""

import pytest

from unit_tests.compliance.rules.failover import endpoint_check
from unit_tests.compliance.rules.shapes import EAST, FAIL, NOT_EVALUATED, PASS, UNKNOWN, changed, either, message, says

RULE = "ActivePassive-HealthEnabled"


def test_a_check_that_says_what_it_sees_passes() -> None:
    assert says(RULE, endpoint_check(EAST)) is PASS
    assert says(RULE, endpoint_check(EAST, Disabled=False, Inverted="false")) is PASS


@pytest.mark.parametrize("flag", ["Disabled", "Inverted"])
@pytest.mark.parametrize("value", [True, "true", either(True, False)])
def test_a_disabled_or_inverted_check_fails(flag: str, value: object) -> None:
    assert says(RULE, endpoint_check(EAST, **{flag: value})) is FAIL
    assert f"{flag} is true" in message(RULE, endpoint_check(EAST, **{flag: value}))


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, endpoint_check(EAST, Disabled=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(endpoint_check(EAST), "HealthCheckConfig", to=UNKNOWN)) is NOT_EVALUATED
