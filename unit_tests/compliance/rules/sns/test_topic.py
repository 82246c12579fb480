"""The rule about SNS topics."""

from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, Value, either, given, resource
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import reports, rule_test

KEY, TOPIC = {"Fn::GetAtt": ["Key", "Arn"]}, {"Ref": "It"}
ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}
S3 = {"Service": "s3.amazonaws.com"}


def admits(**changes: Value) -> dict[str, Value]:
    """Return a statement that admits CloudWatch to a key."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        **changes,
    }


def topic(key: Value = KEY, *statements: Value, **others: Value) -> dict[str, Resource]:
    """Return a topic, its key with a policy of the statements, and an alarm that notifies it."""
    resources = {
        "It": resource("SNS::Topic", TopicName="serverless-alarms-prod", KmsMasterKeyId=key),
        "Key": resource("KMS::Key", KeyPolicy={"Statement": [ROOT, *(statements or (admits(),))]}),
        "Alias": resource("KMS::Alias", AliasName="alias/serverless-queue-prod", TargetKeyId={"Ref": "Key"}),
        "Alarm": alarm(AlarmActions=[TOPIC]),
    }
    return given(**{**resources, **others})


def admitting(**changes: Value) -> dict[str, Resource]:
    """Return a topic whose key has one statement beside the account's."""
    return topic(KEY, admits(**changes))


def published(**changes: Value) -> dict[str, Resource]:
    """Return a topic with a policy of its own."""
    statement = admits(Action="sns:Publish", Resource=TOPIC, **changes)
    return topic(Policy=resource("SNS::TopicPolicy", Topics=[TOPIC], PolicyDocument={"Statement": [statement]}))


OTHERS_ALARMS = (
    alarm(AlarmActions=[], OKActions=[TOPIC]),
    alarm(AlarmActions=["arn:aws:sns:us-west-2:000000000000:serverless-alarms-prod"]),
)

test_topic = rule_test(
    "ActivePassive-SNSTopic",
    lambda resources: resources,
    passes=[
        *(topic(), topic("alias/serverless-queue-prod"), topic({"Ref": "Alias"}), {"It": topic()["It"]}),
        topic(KEY, admits(Action="kms:Decrypt"), admits(Action="kms:GenerateDataKey", Condition={})),
        admitting(Action="kms:*"),
        published(),
        topic(KEY, admits(Principal=S3), Alarm=None),
        topic("arn:aws:kms:us-west-2:000000000000:key/unknown", Alarm=None),
    ],
    fails=[
        *(topic(key) for key in (ABSENT, "alias/aws/sns", either(KEY, ABSENT))),
        *(topic(key, Alarm=None) for key in (None, "alias/aws/sns")),
        {"It": topic(ABSENT)["It"]},
        *(admitting(Principal=S3), admitting(Effect="Deny")),
        reports("does not let cloudwatch.amazonaws.com do kms:GenerateDataKey,", admitting(Action="kms:Decrypt")),
        admitting(Condition={"StringEquals": {"kms:ViaService": "sqs.us-west-2.amazonaws.com"}}),
        *(topic(KEY, admits(Principal=S3), Alarm=it) for it in OTHERS_ALARMS),
        topic(Key=resource("KMS::Key")),
        *(published(Principal=S3), published(Effect="Deny")),
    ],
    unresolved=[
        *(topic(key) for key in (UNKNOWN, "alias/somebody-elses", {"Fn::ImportValue": "x"})),
        topic(Key=resource("KMS::Key", KeyPolicy=UNKNOWN)),
        topic(Policy=resource("SNS::TopicPolicy", Topics=[UNKNOWN], PolicyDocument={})),
    ],
)
