"""A policy that admits another account fails; only scheduled functions may name the other region."""

import json
from dataclasses import replace

import pytest

from compliance.aws.accounts import is_unknown_principal
from compliance.cfn.templates import Template, TemplateSet
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, function, role
from unit_tests.compliance.rules.clocks import clock, permission, scheduled_function
from unit_tests.compliance.rules.corruptions import Resource, Value, changed, given, resource
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

OURS, THEIRS = "000000000000", "999999999999"
OURS_ARN, THEIRS_ARN = (f"arn:aws:iam::{account}:role/a" for account in (OURS, THEIRS))
HOME = resource("CloudWatch::Alarm", AlarmActions=[f"arn:aws:sns:us-east-1:{OURS}:alarm"])
PSEUDO = resource("CloudWatch::Alarm", AlarmName={"Fn::Sub": "a-${AWS::AccountId}"})
S3 = {"Service": "s3.amazonaws.com"}


def home(it: Resource, alarm: Resource = HOME, **others: Resource) -> Template:
    """Return the resource beside an alarm that shows the account."""
    return template({"It": it, "Home": alarm, **others})


def allows(principal: Value, action: str = "sqs:SendMessage", **condition: Value) -> dict[str, Value]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"Statement": [given(**statement, Condition=condition or None)]}


def policy(document: Value, kind: str = "SQS::QueuePolicy", name: str = "PolicyDocument") -> Resource:
    return resource(kind, **{name: document})


def invoked_by(principal: str) -> Resource:
    return resource("Lambda::Permission", Action="lambda:InvokeFunction", FunctionName="f", Principal=principal)


KINDS = ("S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy")
FORMS = ("{}", "arn:aws:iam::{}:root", "arn:aws:sts::{}:assumed-role/a/b")
CONDITIONS: tuple[tuple[Value, str, str], ...] = (
    ("*", "aws:PrincipalAccount", "{}"),
    ("*", "AWS:principalarn", "arn:aws:iam::{}:role/a"),
    ({"AWS": "*"}, "aws:PrincipalAccount", "{}"),
    (S3, "aws:SourceAccount", "{}"),
    (S3, "aws:SourceArn", "arn:aws:sns:us-east-1:{}:a"),
)
STRANGER = policy(allows({"AWS": THEIRS_ARN}))


def named(times: int) -> Value:
    """Return a row of a policy in JSON text, where `times` other resources name the stranger too."""
    it = resource("SNS::Subscription", Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{THEIRS}:q")
    others = {f"S{number}": it for number in range(times)}
    return template({"It": STRANGER, "Text": policy(json.dumps(allows({"AWS": THEIRS_ARN}))), **others})


test_policy = rule_test(
    "ActivePassive-IAMPolicy",
    home,
    passes=[
        *(policy(allows({"AWS": form.format(OURS)}), kind) for kind in KINDS for form in FORMS),
        invoked_by(OURS),
        *(policy(allows(who, StringEquals={key: form.format(OURS)})) for who, key, form in CONDITIONS),
        policy(allows("*", StringEquals={"aws:PrincipalAccount": OURS}, StringNotEquals={"aws:PrincipalAccount": THEIRS})),
        home(policy(allows({"AWS": {"Ref": "AWS::AccountId"}})), PSEUDO),
    ],
    fails=[
        *(policy(allows({"AWS": form.format(THEIRS)}), kind) for kind in KINDS for form in FORMS),
        *(policy(allows({"AWS": [form.format(OURS), form.format(THEIRS)]}), kind) for kind in KINDS for form in FORMS),
        policy(allows({"AWS": THEIRS_ARN}), "SecretsManager::ResourcePolicy", "ResourcePolicy"),
        policy(allows({"AWS": THEIRS_ARN}), "KMS::Key", "KeyPolicy"),
        *map(invoked_by, (THEIRS, THEIRS_ARN)),
        *(policy(allows(who, StringLike={key: form.format(THEIRS)})) for who, key, form in CONDITIONS),
        *(
            policy(allows(who, StringEquals={key: [form.format(OURS), form.format(THEIRS)]}))
            for who, key, form in CONDITIONS
        ),
        home(STRANGER, PSEUDO),
        reports(f"admits account {THEIRS}, which is not the account of these templates", STRANGER),
        *(on(name, named(times)) for name in ("It", "Text") for times in (1, 50)),
    ],
)


def ruling(account: str) -> Resource:
    return policy(allows({"AWS": f"arn:aws:iam::{account}:root"}, "kms:*"), "KMS::Key", "KeyPolicy")


test_only_the_own_account_rules_a_key = rule_test(
    "ActivePassive-KMSPolicy", home, passes=[ruling(OURS)], fails=[ruling(THEIRS)]
)


def reaching(arn: Value, action: str = "sts:AssumeRole") -> Resource:
    return policy({"Statement": [{"Effect": "Allow", "Action": action, "Resource": arn}]}, "IAM::ManagedPolicy")


test_no_role_reaches_into_another_account = rule_test(
    "ActivePassive-IAMResource",
    home,
    passes=[reaching(OURS_ARN)],
    fails=[
        *map(reaching, (THEIRS_ARN, [OURS_ARN, THEIRS_ARN])),
        reaching(f"arn:aws:sqs:us-east-1:{THEIRS}:q", "sqs:SendMessage"),
    ],
)


def trusting(arn: str) -> Resource:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn}}
    return resource("IAM::Role", AssumeRolePolicyDocument={"Statement": [statement]})


test_no_role_trusts_another_account = rule_test(
    "ActivePassive-IAMTrust", home, passes=[trusting(OURS_ARN)], fails=[trusting(THEIRS_ARN)]
)


@pytest.mark.parametrize("accounts", [("",), (OURS, THEIRS), (OURS, "")])
def test_own_account_unknown_or_ambiguous_makes_every_account_a_stranger(accounts: tuple[str, ...]) -> None:
    stacks = tuple(replace(template({"Home": HOME}), account=account) for account in accounts)
    world = TemplateSet(templates=stacks, environment="prod")

    assert is_unknown_principal(OURS, world)
    assert is_unknown_principal(THEIRS, world)


THERE = f"arn:aws:dynamodb:{EAST}:000000000000:table/serverless-ledger-prod"
FUNCTION_ARN: dict[str, Value] = {"Fn::GetAtt": ["Function", "Arn"]}
FUNCTION = {"Ref": "Function"}
HARMLESS: dict[str, Value] = {
    "Other": resource("Lambda::EventInvokeConfig", FunctionName=FUNCTION),
    "Watched": resource("CloudWatch::Alarm", Dimensions=[{"Name": "FunctionName", "Value": FUNCTION}]),
    "Scheduled": resource("Scheduler::Schedule", Target={"Arn": FUNCTION_ARN}),
    "Logs": resource("Logs::LogGroup", LogGroupName="serverless-observer-prod"),
    "FunctionRole": resource("IAM::Role", Description="FunctionRole"),
}
CALLERS: tuple[Resource, ...] = (
    resource("ApiGatewayV2::Integration", IntegrationUri=FUNCTION_ARN),
    resource("Lambda::EventSourceMapping", FunctionName=FUNCTION),
    {"Type": "Custom::Thing", "Properties": {"ServiceToken": FUNCTION_ARN}},
    resource("Lambda::Url", TargetFunctionArn=FUNCTION_ARN),
    resource("Lambda::Alias", FunctionName=FUNCTION),
    resource("IAM::ManagedPolicy", X={"Fn::Sub": "${Function.Arn}:*"}),
    resource("IAM::ManagedPolicy", X="arn:aws:lambda:us-west-2:0:function:serverless-observer-prod"),
    permission(Principal="apigateway.amazonaws.com", SourceArn=None),
    clock(ScheduleExpression=None, EventPattern={"source": ["aws.s3"]}),
    clock(EventPattern={"source": ["aws.s3"]}),
)
READING = role("dynamodb:GetItem", on=THERE)["Policy"]


def looking(**variables: str) -> Resource:
    """Return the observer with these environment variables."""
    return changed(function("observer"), "Environment", to={"Variables": variables or {"PEER_REGION": EAST}})


def scheduled(changes: dict[str, Value]) -> tuple[Template, Template]:
    """Return the west, with a function that a schedule runs and its role, and the same stack in the east."""
    made = {**role("dynamodb:GetItem", "kms:Decrypt", on=THERE), **scheduled_function(Function=looking()), **changes}
    return template(given(**made), WEST), template({}, EAST)


def of_both(*changes: dict[str, Value]) -> list[Value]:
    """Return a row about the function and one about its policy for each change."""
    return [on(it, each) for each in changes for it in ("Function", "Policy")]


test_scheduled_functions = rule_test(
    "ActivePassive-CrossRegionReferences",
    scheduled,
    of="Policy",
    passes=of_both({}, HARMLESS, {"Clock": None, "Scheduled": HARMLESS["Scheduled"]}),
    fails=[
        *of_both(*({"Caller": caller} for caller in CALLERS), {"Clock": None}),
        *(
            role("dynamodb:GetItem", action, on=THERE)
            for action in ("dynamodb:PutItem", "dynamodb:*", "dynamodb:Scan", "sqs:SendMessage", "s3:GetObject")
        ),
        {"Second": function("issuer")},  # shares the role
        {"Policy": changed(READING, "Roles", to=[])},
        {"Policy": changed(READING, "Roles", to=[{"Ref": "Role"}, {"Ref": "Idle"}]), "Idle": resource("IAM::Role")},
        *(on("Function", {"Function": looking(**{name: EAST})}) for name in ("QUEUE_URL", "PRIMARY_PEER", "peer_region")),
        reports("Environment.Variables.PEER_REGION names us-east-1: us-east-1", {"Caller": CALLERS[0]}, "Function"),
    ],
)
