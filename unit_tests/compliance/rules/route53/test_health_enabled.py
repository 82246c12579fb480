"""ActivePassive-Route53HealthEnabled."""

import pytest

from unit_tests.compliance.rules.builders import EAST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, changed, either
from unit_tests.compliance.rules.failover import endpoint_check
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-Route53HealthEnabled"


def test_check_that_says_what_it_sees_passes() -> None:
    assert says(RULE, endpoint_check(EAST)) is PASS
    assert says(RULE, endpoint_check(EAST, Disabled=False, Inverted="false")) is PASS


@pytest.mark.parametrize("flag", ["Disabled", "Inverted"])
@pytest.mark.parametrize("value", [True, "true", either(True, False)])
def test_disabled_or_inverted_check_fails(flag: str, value: object) -> None:
    assert says(RULE, endpoint_check(EAST, **{flag: value})) is FAIL
    assert f"{flag} is true" in message(RULE, endpoint_check(EAST, **{flag: value}))


@pytest.mark.parametrize(
    "changes",
    [
        {"FailureThreshold": 4},
        {"FailureThreshold": "10", "RequestInterval": 10},
        {"RequestInterval": 300},
        {"FullyQualifiedDomainName": ABSENT},
    ],
)
def test_check_without_an_endpoint_or_that_decides_late_fails(changes: dict[str, object]) -> None:
    check = endpoint_check(EAST)
    check["Properties"]["HealthCheckConfig"].update(changes)

    assert says(RULE, check) is FAIL


def test_three_failures_in_a_row_are_soon_enough() -> None:
    assert says(RULE, endpoint_check(EAST, FailureThreshold=3, RequestInterval=30)) is PASS
    assert says(RULE, endpoint_check(EAST, FailureThreshold=9, RequestInterval=10)) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, endpoint_check(EAST, Disabled=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, endpoint_check(EAST, RequestInterval=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(endpoint_check(EAST), "HealthCheckConfig", to=UNKNOWN)) is NOT_EVALUATED
