"""ActivePassive-SQSRedriveAllow."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, dead_letter_queue, function, pipeline, queue
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-SQSRedriveAllow"
POLICY = "RedriveAllowPolicy"
ARNS = (POLICY, "sourceQueueArns")
DENY = {"redrivePermission": "denyAll"}


def _with(dead: Resource) -> Verdict | None:
    return verdict_in(RULE, "Dead", alone({**pipeline(), "Dead": dead}))


def test_its_own_sources_pass() -> None:
    assert _with(dead_letter_queue()) is PASS
    assert _with(changed(dead_letter_queue(), *ARNS, to=[{"Fn::GetAtt": ["Queue", "Arn"]}])) is PASS


def test_denying_all_passes_where_only_a_function_sends() -> None:
    denying = changed(dead_letter_queue(), POLICY, to=DENY)
    assert verdict_in(RULE, "Dead", alone({"Function": function(), "Dead": denying})) is PASS
    assert _with(denying) is FAIL


@pytest.mark.parametrize(
    "broken",
    [
        without(dead_letter_queue(), POLICY),
        changed(dead_letter_queue(), POLICY, to={"redrivePermission": "allowAll"}),
        changed(dead_letter_queue(), POLICY, to=either(dead_letter_queue()["Properties"][POLICY], ABSENT)),
        without(dead_letter_queue(), *ARNS),
        changed(dead_letter_queue(), *ARNS, to=[]),
        changed(dead_letter_queue(), *ARNS, to=["arn:aws:sqs:us-east-1:000000000000:serverless-other-prod"]),
        changed(
            dead_letter_queue(),
            *ARNS,
            to=[{"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:us-east-1:000000000000:serverless-other-prod"],
        ),
        changed(dead_letter_queue(), *ARNS, to=["arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod"]),
    ],
)
def test_other_sources_or_a_refused_own_source_fails(broken: dict[str, Any]) -> None:
    assert _with(broken) is FAIL


def test_queue_of_work_is_not_judged() -> None:
    assert verdict_in(RULE, "Queue", alone(pipeline())) is None
    hardened = {**pipeline(), "Queue": changed(queue(), POLICY, to=DENY)}
    assert verdict_in(RULE, "Queue", alone(hardened)) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(changed(dead_letter_queue(), POLICY, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(dead_letter_queue(), POLICY, "redrivePermission", to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(dead_letter_queue(), *ARNS, to=UNKNOWN)) is NOT_EVALUATED
