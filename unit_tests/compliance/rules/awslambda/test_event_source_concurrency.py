"""ActivePassive-LambdaEventSourceConcurrency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, function, mapping, pipeline
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-LambdaEventSourceConcurrency"
MAXIMUM = ("ScalingConfig", "MaximumConcurrency")
RESERVED = "ReservedConcurrentExecutions"


def _with(**resources: Resource) -> Verdict | None:
    return verdict_in(RULE, "Mapping", alone({**pipeline(), **resources}))


@pytest.mark.property
@given(st.integers(2, 1000), st.integers(0, 1000))
def test_reserved_concurrency_is_the_bound(asked: int, reserved: int) -> None:
    verdict = _with(Mapping=changed(mapping(), *MAXIMUM, to=asked), Function=changed(function(), RESERVED, to=reserved))
    assert verdict is (PASS if asked <= reserved else FAIL)


def test_no_maximum_and_nothing_reserved_fail() -> None:
    assert _with() is PASS
    assert _with(Mapping=without(mapping(), "ScalingConfig")) is FAIL
    assert _with(Mapping=without(mapping(), *MAXIMUM)) is FAIL
    assert _with(Function=without(function(), RESERVED)) is FAIL
    assert _with(Function=changed(function(), RESERVED, to=either(50, 10))) is FAIL
    assert _with(Mapping=changed(mapping(), *MAXIMUM, to=either(40, 60))) is FAIL


def test_all_queues_of_a_function_share_what_it_reserves() -> None:
    other = changed(mapping(), "EventSourceArn", to="arn:aws:sqs:us-east-1:000000000000:other")
    assert _with(Second=other) is FAIL  # 40 and 40 of 50
    assert _with(Second=changed(other, *MAXIMUM, to=10)) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(Mapping=changed(mapping(), "ScalingConfig", to=UNKNOWN)) is NOT_EVALUATED
    assert _with(Mapping=changed(mapping(), *MAXIMUM, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(Mapping=changed(mapping(), *MAXIMUM, to=0)) is NOT_EVALUATED
    assert _with(Mapping=changed(mapping(), "FunctionName", to="elsewhere")) is NOT_EVALUATED
    assert _with(Function=changed(function(), RESERVED, to=UNKNOWN)) is NOT_EVALUATED
