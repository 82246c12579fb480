"""ActivePassive-SQSRetention."""

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, dead_letter_queue, function, pipeline, queue
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-SQSRetention"
SETTING = "MessageRetentionPeriod"


def _with(**resources: Resource) -> Verdict | None:
    return verdict_in(RULE, "Dead", alone({**pipeline(), **resources}))


def test_as_long_as_the_source_passes() -> None:
    assert _with() is PASS
    assert _with(Queue=without(queue(), SETTING), Dead=without(dead_letter_queue(), SETTING)) is PASS
    assert verdict_in(RULE, "Queue", alone(pipeline())) is None


@pytest.mark.parametrize("seconds", [60, 345_599, 1_209_599, either(1_209_600, 60)])
def test_shorter_than_the_source_or_a_weekend_fails(seconds: object) -> None:
    assert _with(Dead=changed(dead_letter_queue(), SETTING, to=seconds)) is FAIL


def test_default_is_shorter_than_the_longest() -> None:
    resources = {**pipeline(), "Dead": without(dead_letter_queue(), SETTING)}
    assert "is 345600 s, and us-east-1/Queue keeps one for 1209600 s" in message_in(RULE, "Dead", alone(resources))


def test_every_branch_of_the_source_counts() -> None:
    shorter = changed(dead_letter_queue(), SETTING, to=400_000)
    assert _with(Queue=changed(queue(), SETTING, to=either(345_600, 500_000)), Dead=shorter) is FAIL


def test_queue_that_a_function_alone_fills_has_the_least() -> None:
    for seconds, verdict in ((345_600, PASS), (60, FAIL)):
        dead = changed(without(dead_letter_queue(), "RedriveAllowPolicy"), SETTING, to=seconds)
        assert verdict_in(RULE, "Dead", alone({"Function": function(), "Dead": dead})) is verdict


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(Dead=changed(dead_letter_queue(), SETTING, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(Queue=changed(queue(), SETTING, to=UNKNOWN)) is NOT_EVALUATED
