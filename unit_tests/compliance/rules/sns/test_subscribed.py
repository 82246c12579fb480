"""ActivePassive-SNSSubscribed."""

from dataclasses import replace
from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-SNSSubscribed"
ALARM = alarm(AlarmActions=[{"Ref": "Topic"}])


def _subscription(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    given = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "on-call@example.com", **changes}
    return {"Type": "AWS::SNS::Subscription", "Properties": given}


def _stack(*subscriptions: Any, **topic: Any) -> dict[str, Any]:  # noqa: ANN401
    others = {f"Subscription{number}": each for number, each in enumerate(subscriptions)}
    return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": topic}, "Alarm": ALARM, **others}


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (_stack(_subscription()), PASS),
        (_stack(Subscription=[{"Protocol": "email", "Endpoint": "on-call@example.com"}]), PASS),
        (_stack(), FAIL),
        (_stack(Subscription=[]), FAIL),
        (_stack(_subscription(TopicArn="arn:aws:sns:us-east-1:000000000000:other")), FAIL),
        (_stack(_subscription(TopicArn=either({"Ref": "Topic"}, "arn:aws:sns:us-east-1:000000000000:other"))), FAIL),
        (_stack({**_subscription(), "Condition": "Sometimes"}), FAIL),
        (_stack(_subscription(FilterPolicy={"never": ["x"]})), FAIL),
        (_stack(_subscription(FilterPolicy={"a": ["b"]}), _subscription()), PASS),
        *((_stack(_subscription(Endpoint=endpoint)), FAIL) for endpoint in ("", " ", None, "nobody@example.invalid")),
        (_stack(Subscription=[{"Protocol": "email", "Endpoint": ""}]), FAIL),
        (_stack(Subscription=UNKNOWN), NOT_EVALUATED),
    ],
)
def test_topic_of_alarms_in_prod_has_a_subscription(stack: dict[str, Any], expected: Verdict) -> None:
    assert verdict_in(RULE, "Topic", template(stack)) is expected


def test_topic_without_alarms_or_outside_prod_is_not_judged() -> None:
    assert verdict_in(RULE, "Topic", template({**_stack(), "Alarm": alarm(AlarmActions=[])})) is None
    assert not ask(RULE, template(_stack()), environment="dev")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([_subscription()], PASS),
        ([_subscription(Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:a")], PASS),
        ([_subscription(Endpoint="spy@example.net")], FAIL),
        ([_subscription(Protocol="sms", Endpoint="+15555550100")], FAIL),
        ([_subscription(Endpoint=either("on-call@example.com", "spy@example.net"))], FAIL),
        ([_subscription(Endpoint={"Ref": "Somebody"})], FAIL),
    ],
)
def test_messages_to_people_go_to_one_address(others: list[Any], expected: Verdict) -> None:
    rule = "ActivePassive-SNSRecipients"
    assert verdict_in(rule, "Subscription0", template(_stack(_subscription(), *others))) is expected
    inline = [{"Protocol": each["Properties"]["Protocol"], "Endpoint": each["Properties"]["Endpoint"]} for each in others]
    if not any(isinstance(each["Endpoint"], dict) for each in inline):
        assert verdict_in(rule, "Subscription0", template(_stack(_subscription(), Subscription=inline))) is expected


@pytest.mark.parametrize(
    ("declared", "endpoint", "expected"),
    [
        ({"AlarmsEmail": "on-call@example.com"}, "on-call@example.com", PASS),
        ({"AlarmsEmail": "on-call@example.com"}, "spy@example.net", FAIL),
        ({"Prefix": "serverless"}, "spy@example.net", FAIL),
        ({}, "spy@example.net", PASS),  # a template of others declares nothing
    ],
)
def test_sole_address_is_the_one_that_the_templates_declare(declared: Any, endpoint: str, expected: Verdict) -> None:  # noqa: ANN401
    judged = template(_stack(_subscription(Endpoint=endpoint)))
    elsewhere = template({}, "us-west-2")
    judged, elsewhere = (replace(it, body={**it.body, "Metadata": {"Lockstep": declared}}) for it in (judged, elsewhere))
    rule = "ActivePassive-SNSRecipients"
    assert verdict_in(rule, "Subscription0", judged) is expected
    assert verdict_in(rule, "Subscription0", replace(judged, body={**judged.body, "Metadata": {}}), elsewhere) is expected
