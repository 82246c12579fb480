"""ActivePassive-Route53HealthCalculated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import alarm_check, check_id, endpoint_check, health_check
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53HealthCalculated"
CHILDREN = {"Ready": endpoint_check(EAST), "Peer": alarm_check("a", WEST), "Forced": alarm_check("b", WEST)}
ALL = [check_id(name) for name in CHILDREN]


def _it(**settings: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = {"Type": "CALCULATED", "ChildHealthChecks": ALL, "HealthThreshold": 3, **settings}
    return health_check(**{name: value for name, value in settings.items() if value is not None})


def _says(it: dict[str, Any], **others: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", template({"It": it, **CHILDREN, **others}, WEST))


@pytest.mark.parametrize(
    "it",
    [
        _it(),
        _it(HealthThreshold="3"),
        _it(ChildHealthChecks=ALL[:1], HealthThreshold=1),
        _it(ChildHealthChecks=either(ALL, ALL[:2]), HealthThreshold=either(3, 2)),
    ],
)
def test_check_that_requires_all_children_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _it(HealthThreshold=2),
        _it(HealthThreshold=1),
        _it(HealthThreshold=0),
        _it(HealthThreshold=4),
        _it(HealthThreshold=None),
        _it(HealthThreshold=either(3, 2)),
        _it(ChildHealthChecks=either(ALL, ALL[:2])),
        _it(ChildHealthChecks=[]),
        _it(ChildHealthChecks=None),
        _it(ChildHealthChecks=[*ALL[:2], ALL[0]]),
        _it(ChildHealthChecks=[*ALL[:2], check_id("Deep")]),
    ],
)
def test_threshold_other_than_the_number_of_children_fails(it: dict[str, Any]) -> None:
    assert _says(it, Deep=_it()) is FAIL


@pytest.mark.property
@given(children=st.integers(1, 3), threshold=st.integers(-1, 5))
def test_only_the_number_of_the_children_will_do(children: int, threshold: int) -> None:
    it = _it(ChildHealthChecks=ALL[:children], HealthThreshold=threshold)

    assert _says(it) is (PASS if threshold == children else FAIL)


def test_missing_setting_is_reported() -> None:
    text = message_in(RULE, "It", template({"It": _it(HealthThreshold=2), **CHILDREN}, WEST))

    assert "HealthThreshold is 2 of 3" in text
    assert "set it to 3" in text


@pytest.mark.parametrize(
    "it",
    [
        _it(HealthThreshold=UNKNOWN),
        _it(ChildHealthChecks=UNKNOWN),
        _it(ChildHealthChecks=[*ALL[:2], UNKNOWN]),
        _it(ChildHealthChecks=[*ALL[:2], "0123"]),
    ],
)
def test_unresolved_value_is_not_evaluated(it: dict[str, Any]) -> None:
    assert _says(it) is NOT_EVALUATED


@pytest.mark.parametrize("it", [endpoint_check(EAST), alarm_check("a", WEST)])
def test_other_type_of_health_check_is_not_judged(it: dict[str, Any]) -> None:
    assert _says(it) is None
