"""ActivePassive-SQSDeadLetters."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import WEST, alone, dead_letter_queue, pipeline, queue
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-SQSDeadLetters"
POLICY = "RedrivePolicy"
RECEIVES = (POLICY, "maxReceiveCount")


def _with(resource: Resource) -> Verdict | None:
    return verdict_in(RULE, "Queue", alone({**pipeline(), "Queue": resource}))


def test_five_receives_and_a_queue_beside_it_pass() -> None:
    assert _with(queue()) is PASS
    assert _with(changed(queue(), *RECEIVES, to="5")) is PASS
    by_arn = "arn:aws:sqs:us-east-1:000000000000:serverless-ingest-dlq-prod"
    assert _with(changed(queue(), POLICY, "deadLetterTargetArn", to=by_arn)) is PASS


def test_dead_letter_queue_itself_is_not_judged() -> None:
    assert verdict_in(RULE, "Dead", alone(pipeline())) is None
    unsaid = {**pipeline(), "Dead": without(dead_letter_queue(), "RedriveAllowPolicy")}
    assert verdict_in(RULE, "Dead", alone(unsaid)) is None


def test_queue_alone_fails() -> None:
    assert says(RULE, {"Type": "AWS::SQS::Queue"}) is FAIL
    denying = {"Type": "AWS::SQS::Queue", "Properties": {"RedriveAllowPolicy": {"redrivePermission": "denyAll"}}}
    assert says(RULE, denying) is FAIL


@pytest.mark.parametrize(
    "broken",
    [
        without(queue(), POLICY),
        changed(queue(), POLICY, to={}),
        changed(queue(), POLICY, to=either(queue()["Properties"][POLICY], ABSENT)),
        without(queue(), POLICY, "deadLetterTargetArn"),
        changed(queue(), POLICY, "deadLetterTargetArn", to="arn:aws:sqs:us-west-2:000000000000:serverless-ingest-dlq-prod"),
        changed(queue(), POLICY, "deadLetterTargetArn", to={"Fn::GetAtt": ["Queue", "Arn"]}),
        without(queue(), *RECEIVES),
        changed(queue(), *RECEIVES, to=1),
        changed(queue(), *RECEIVES, to=4),
        changed(queue(), *RECEIVES, to=either(5, 1)),
        changed(queue(), *RECEIVES, to=1000),
        changed(queue(), "VisibilityTimeout", to=43_200),
        changed(queue(), "FifoQueue", to=True),
    ],
)
def test_redrive_that_loses_messages_fails(broken: dict[str, Any]) -> None:
    assert _with(broken) is FAIL


def test_queue_in_another_stack_or_region_is_not_beside_it() -> None:
    elsewhere = alone({"Dead": dead_letter_queue()}, WEST)
    arn = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-dlq-prod"
    here = alone({"Queue": changed(queue(), POLICY, "deadLetterTargetArn", to=arn)})
    assert "must be a queue of the same template" in message_in(RULE, "Queue", here, elsewhere)


def test_without_a_function_two_receives_are_enough() -> None:
    unread = {name: each for name, each in pipeline().items() if name != "Mapping"}
    for receives, verdict in ((2, PASS), (1, FAIL)):
        resources = {**unread, "Queue": changed(queue(), *RECEIVES, to=receives)}
        assert verdict_in(RULE, "Queue", alone(resources)) is verdict


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(changed(queue(), POLICY, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(queue(), POLICY, to='{"maxReceiveCount": 5}')) is NOT_EVALUATED
    assert _with(changed(queue(), *RECEIVES, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(queue(), "VisibilityTimeout", to=UNKNOWN)) is NOT_EVALUATED
