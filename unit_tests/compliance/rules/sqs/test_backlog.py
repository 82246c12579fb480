"""ActivePassive-SQSBacklog."""

import pytest

from unit_tests.compliance.rules.builders import (
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    alone,
    changed,
    either,
    message,
    pipeline,
    queue,
    says,
    verdict_in,
    without,
)

RULE = "ActivePassive-SQSBacklog"
SETTING = "MessageRetentionPeriod"


@pytest.mark.parametrize("seconds", [86_400, "345600", 1_209_600, either(86_400, 345_600)])
def test_a_day_or_more_passes(seconds: object) -> None:
    assert says(RULE, changed(queue(), SETTING, to=seconds)) is PASS


def test_the_default_passes() -> None:
    assert says(RULE, without(queue(), SETTING)) is PASS


@pytest.mark.parametrize("seconds", [60, 86_399, either(1_209_600, 60)])
def test_work_that_is_deleted_within_an_outage_fails(seconds: object) -> None:
    assert says(RULE, changed(queue(), SETTING, to=seconds)) is FAIL


def test_the_period_is_named() -> None:
    assert "is 60 s; work must outlast an outage, 86400 s or more" in message(RULE, changed(queue(), SETTING, to=60))


def test_dead_letters_have_a_rule_of_their_own() -> None:
    assert verdict_in(RULE, "Dead", alone(pipeline())) is None


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(queue(), SETTING, to=UNKNOWN)) is NOT_EVALUATED
