"""The rule about EventBridge rules."""

from unit_tests.compliance.rules.clocks import RULE_ARN, clock, key, permission, queue_policy, scheduled_function
from unit_tests.compliance.rules.corruptions import UNKNOWN, Value, changed, either
from unit_tests.compliance.rules.verdicts import reports, rule_test

ARN = "arn:aws:events:us-west-2:000000000000:rule/serverless-observe-prod"
OTHER = ARN.replace("observe", "other")
DEAD = changed(scheduled_function()["Dead"], "KmsMasterKeyId", to="alias/aws/sqs")


def of(arn: Value) -> dict[str, Value]:
    return {"ArnEquals": {"aws:SourceArn": arn}}


def dead_letters(**changes: Value) -> dict[str, Value]:
    """Return a change of the policy of the dead-letter queue."""
    return {"DeadPolicy": queue_policy(**changes)}


test_rule = rule_test(
    "ActivePassive-EventsRule",
    lambda changes: scheduled_function(**changes),
    of="Clock",
    passes=[
        {},
        {"Clock": clock(State=None)},
        {"Clock": clock(ScheduleExpression=None, EventPattern={"source": ["aws.health"]})},
        {"Clock": clock(Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}])},
        *({"Permission": permission(SourceArn=arn)} for arn in (ARN, None)),
        {"Permission": permission(FunctionName="serverless-observer-prod")},
        dead_letters(Condition=of(ARN)),
        dead_letters(Condition={"ArnLike": {"aws:SourceArn": ARN.replace("observe-prod", "*")}}),
        dead_letters(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}}),
        dead_letters(Action="sqs:*"),
        {"Key": key("kms:*")},
        {"Dead": DEAD, "Key": None},  # a key of AWS's is the concern of another rule
    ],
    fails=[
        *({"Clock": clock(State=state)} for state in ("DISABLED", either("ENABLED", "DISABLED"))),
        *({"Clock": clock(Targets=[])}, {"Clock": clock(Targets=None)}),
        *({"Permission": None}, {"Permission": permission(Principal="s3.amazonaws.com")}),
        {"Permission": permission(Principal=either("events.amazonaws.com", "s3.amazonaws.com"))},
        {"Permission": permission(SourceArn=OTHER)},
        {"Permission": permission(FunctionName="serverless-other-prod")},
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
