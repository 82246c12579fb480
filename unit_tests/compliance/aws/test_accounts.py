"""Every policy that admits another account than the system's own fails."""

import json
from dataclasses import replace

import pytest

from compliance.aws.accounts import is_unknown_principal
from compliance.cfn.templates import Template, TemplateSet
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import Resource, Value, given, resource
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
