"""The rule about EventBridge rules."""

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, table
from unit_tests.compliance.rules.clocks import RULE_ARN, clock, key, permission, queue_policy, scheduled_function
from unit_tests.compliance.rules.corruptions import UNKNOWN, Value, changed, either, resource
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

ARN = "arn:aws:events:us-west-2:000000000000:rule/serverless-observe-prod"
OTHER = ARN.replace("observe", "other")
DEAD = changed(scheduled_function()["Dead"], "KmsMasterKeyId", to="alias/aws/sqs")


def of(arn: Value) -> dict[str, Value]:
    return {"ArnEquals": {"aws:SourceArn": arn}}


def dead_letters(**changes: Value) -> dict[str, Value]:
    """Return a change of the policy of the dead-letter queue."""
    return {"DeadPolicy": queue_policy(**changes)}


def in_several_regions(expression: str, bus: Value = None, **more: Value) -> Value:
    """Return a schedule in one region of a system that keeps a table in two."""
    target = {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}, **more}
    targets = (
        {"Targets": [{"Id": "a", "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}, **target}]} if more else {}
    )
    resources = scheduled_function(Clock=clock(ScheduleExpression=expression, EventBusName=bus, **targets))
    resources["Schedule"] = resource("Scheduler::Schedule", ScheduleExpression=expression, Target=target)
    return template(resources, WEST), template({"Table": table()}, EAST, "serverless-data-prod")


OFTEN = [in_several_regions(each) for each in ("rate(15 minutes)", "cron(0/5 * * * ? *)")]
GIVEN = [
    in_several_regions("rate(5 minutes)", **{name: value})
    for name, value in (
        ("Input", '{"dryRun": true}'),
        ("InputPath", "$.detail"),
        ("InputTransformer", {"InputTemplate": "1"}),
    )
]
RARE = [
    in_several_regions(each)
    for each in ("rate(1 hour)", "cron(0 3 * * ? *)", "cron(0 0 1 1 ? 2099)", "at(2099-01-01T00:00:00)")
]

test_rule = rule_test(
    "ActivePassive-EventsRule",
    lambda changes: scheduled_function(**changes),
    of="Clock",
    passes=[
        {},
        {"Clock": clock(State=None)},
        in_several_regions("rate(5 minutes)", bus="arn:aws:events:us-west-2:000000000000:event-bus/default"),
        {"Clock": clock(ScheduleExpression=None, EventPattern={"source": ["aws.health"]})},
        {"Clock": clock(Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}])},
        *({"Permission": permission(SourceArn=arn)} for arn in (ARN, None)),
        {"Permission": permission(FunctionName="serverless-observer-prod")},
        dead_letters(Condition=of(ARN)),
        dead_letters(Condition={"ArnLike": {"aws:SourceArn": ARN.replace("observe-prod", "*")}}),
        dead_letters(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}}),
        dead_letters(Action="sqs:*"),
        *(*OFTEN, *(on("Schedule", each) for each in OFTEN)),
        {"Clock": clock(ScheduleExpression="rate(1 day)")},  # one region: nothing to fail over
        {"Key": key("kms:*")},
        {"Dead": DEAD, "Key": None},  # a key of AWS's is the concern of another rule
    ],
    fails=[
        *({"Clock": clock(State=state)} for state in ("DISABLED", "disabled", either("ENABLED", "DISABLED"))),
        reports("EventBusName is", in_several_regions("rate(5 minutes)", bus="other")),
        *({"Clock": clock(Targets=[])}, {"Clock": clock(Targets=None)}),
        *({"Permission": None}, {"Permission": permission(Principal="s3.amazonaws.com")}),
        {"Permission": permission(Principal=either("events.amazonaws.com", "s3.amazonaws.com"))},
        {"Permission": permission(SourceArn=OTHER)},
        {"Permission": permission(FunctionName="serverless-other-prod")},
        *(*RARE, *(on("Schedule", each) for each in RARE)),
        *(*GIVEN, *(on("Schedule", each) for each in GIVEN)),
        {"DeadPolicy": None},
        dead_letters(Principal={"Service": "s3.amazonaws.com"}),
        *(dead_letters(Action="sqs:ReceiveMessage"), dead_letters(Effect="Deny"), dead_letters(Condition=of(OTHER))),
        dead_letters(Condition={**of(RULE_ARN), "Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        reports("does not let events.amazonaws.com do kms:GenerateDataKey", {"Key": key("kms:Decrypt")}),
        {"Key": key("kms:GenerateDataKey")},
        {"Key": key("kms:Decrypt", "kms:GenerateDataKey", service="s3.amazonaws.com")},
    ],
    unresolved=[{"Clock": clock(State=UNKNOWN)}, {"Clock": clock(Targets=UNKNOWN)}, {"Key": None}],
)
