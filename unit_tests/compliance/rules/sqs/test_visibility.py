"""ActivePassive-SQSVisibility."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, function, mapping, pipeline, queue
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-SQSVisibility"
WINDOW = "MaximumBatchingWindowInSeconds"


def _with(**resources: Resource) -> Verdict | None:
    return verdict_in(RULE, "Queue", alone({**pipeline(), **resources}))


@pytest.mark.property
@given(st.integers(1, 900), st.integers(0, 300), st.integers(0, 43_200))
def test_six_timeouts_and_the_window_are_the_bound(timeout: int, window: int, hidden: int) -> None:
    verdict = _with(
        Queue=changed(queue(), "VisibilityTimeout", to=hidden),
        Function=changed(function(), "Timeout", to=timeout),
        Mapping=changed(mapping(), WINDOW, to=window),
    )
    assert verdict is (PASS if hidden >= 6 * timeout + window else FAIL)


def test_defaults_count() -> None:
    assert _with(Queue=without(queue(), "VisibilityTimeout"), Function=without(function(), "Timeout")) is PASS  # 30 and 3
    assert _with(Queue=without(queue(), "VisibilityTimeout")) is FAIL
    assert _with(Queue=changed(queue(), "VisibilityTimeout", to=0)) is FAIL


def test_message_says_what_is_needed() -> None:
    resources = {**pipeline(), "Queue": changed(queue(), "VisibilityTimeout", to=1799)}
    assert "is 1799 s; it must be 1800 s or more" in message_in(RULE, "Queue", alone(resources))


def test_every_branch_of_the_function_counts() -> None:
    assert _with(Function=changed(function(), "Timeout", to=either(300, 301))) is FAIL


def test_queue_that_no_function_reads_is_not_judged() -> None:
    assert says(RULE, queue()) is None
    assert verdict_in(RULE, "Dead", alone(pipeline())) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(Queue=changed(queue(), "VisibilityTimeout", to=UNKNOWN)) is NOT_EVALUATED
    assert _with(Function=changed(function(), "Timeout", to=UNKNOWN)) is NOT_EVALUATED
    assert _with(Mapping=changed(mapping(), "FunctionName", to="elsewhere")) is NOT_EVALUATED
    assert _with(Mapping=changed(mapping(), WINDOW, to=UNKNOWN)) is NOT_EVALUATED
