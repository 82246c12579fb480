"""ActivePassive-SNSUndelivered."""

from typing import Any

from compliance.aws.admission import KEY_ACTIONS
from unit_tests.compliance.rules.clocks import key
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, conditional, either, resource
from unit_tests.compliance.rules.verdicts import reports, rule_test

SNS = "sns.amazonaws.com"
DEAD, OTHER = ({"Fn::GetAtt": [name, "Arn"]} for name in ("Dead", "Other"))


def _policy(queue: str = "Dead", **changes: Value) -> Resource:
    admits = {"Effect": "Allow", "Principal": {"Service": SNS}, "Action": "sqs:SendMessage", "Resource": "*"}
    document = {"Statement": [{**admits, **changes}]}
    return resource("SQS::QueuePolicy", Queues=[{"Ref": queue}], PolicyDocument=document)


def _stack(redrive: Value, policy: Resource | None = None) -> dict[str, Any]:
    it = resource("SNS::Subscription", TopicArn={"Ref": "Topic"}, Protocol="email", RedrivePolicy=redrive)
    queues = dict.fromkeys(("Dead", "Other"), resource("SQS::Queue"))
    return {"It": it, "Policy": policy or _policy(), **queues}


def _to(target: Value, policy: Resource | None = None) -> dict[str, Any]:
    return _stack({"deadLetterTargetArn": target}, policy)


test_undelivered = rule_test(
    "ActivePassive-SNSUndelivered",
    lambda stack: stack,
    passes=[
        _to(DEAD),
        _to(DEAD, _policy(Condition={"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}})),
        _to(DEAD, _policy(Action="sqs:*")),
        _to(DEAD)
        | {
            "Dead": resource("SQS::Queue", KmsMasterKeyId={"Ref": "Key"}),
            "Key": key(*KEY_ACTIONS, service=SNS),
        },
    ],
    fails=[
        reports("has no deadLetterTargetArn", _stack({})),
        reports("does not let sns.amazonaws.com do sqs:SendMessage", _to(OTHER)),
        _to(either(DEAD, OTHER)),
        *(
            _to(DEAD) | {"Dead": resource("SQS::Queue", KmsMasterKeyId={"Ref": "Key"}), "Key": key(it, service=SNS)}
            for it in KEY_ACTIONS
        ),
        *(_to(DEAD, _policy(**it)) for it in ({"Effect": "Deny"}, {"Principal": {"Service": "s3.amazonaws.com"}})),
        reports("is in none of the templates", _to("arn:aws:sqs:us-west-2:000000000000:elsewhere")),
    ],
    unresolved=[_to(UNKNOWN), _to(DEAD, conditional(_policy()))],
    ignored=[_stack(None)],
)
