"""ActivePassive-IAMDeputy."""

from typing import Any

import pytest

from compliance.rules.iam.deputy import SENDS, SILENT, UNVERIFIED
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-IAMDeputy"
FLOW_LOGS = "vpc-flow-logs.amazonaws.com"
OURS = {"StringEquals": {"aws:SourceAccount": "000000000000"}}
OUR_LOGS = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:aws:ec2:us-west-2:${AWS::AccountId}:vpc-flow-log/*"}}}


def _statement(service: Any = FLOW_LOGS, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}, "Condition": OURS, **changes}
    return {key: part for key, part in whole.items() if part is not None}


def _role(*statements: Any) -> dict[str, Any]:  # noqa: ANN401
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}


@pytest.mark.parametrize(
    "role",
    [
        _role(_statement()),
        _role(_statement(Condition=OUR_LOGS)),
        _role(_statement(Condition={**OURS, **OUR_LOGS})),
        _role(_statement(Condition={"StringLike": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}}})),
        _role(_statement(Condition={"StringEquals": {"aws:SourceOrgID": "o-1"}})),
        _role(_statement(["lambda.amazonaws.com", FLOW_LOGS])),
        _role(_statement(), _statement("lambda.amazonaws.com", Condition=None)),
        _role(_statement("unheard-of.amazonaws.com")),
        _role(_statement(Condition=either(OURS, OUR_LOGS))),
        *(_role(_statement(service, Condition=None)) for service in SILENT),
        *(_role(_statement(service)) for service in SENDS),
    ],
)
def test_service_that_acts_for_a_named_account_passes(role: dict[str, Any]) -> None:
    assert says(RULE, role) is PASS


@pytest.mark.parametrize(
    "role",
    [
        *(_role(_statement(service, Condition=None)) for service in SENDS),
        _role(_statement(Condition={})),
        _role(_statement(Condition={"StringEquals": {"sts:ExternalId": "x"}})),
        _role(_statement(Condition={"StringEquals": {"aws:PrincipalAccount": "000000000000"}})),
        _role(_statement(Condition={"StringEqualsIfExists": {"aws:SourceAccount": "000000000000"}})),
        _role(_statement(Condition={"StringNotEquals": {"aws:SourceAccount": "000000000000"}})),
        _role(_statement(Condition={"ForAllValues:StringEquals": {"aws:SourceAccount": "000000000000"}})),
        _role(_statement(Condition={"Null": {"aws:SourceAccount": "false"}})),
        _role(_statement(Condition={"StringLike": {"aws:SourceAccount": "*"}})),
        _role(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:ec2:*:*:vpc-flow-log/*"}})),
        _role(_statement(Condition={"ArnLike": {"aws:SourceArn": "*"}})),
        _role(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::a"}})),
        _role(_statement(Condition=either(OURS, {"Ref": "AWS::NoValue"}))),
        _role(_statement(["lambda.amazonaws.com", FLOW_LOGS], Condition=None)),
        _role(_statement("lambda.amazonaws.com", Condition=None), _statement(Condition=None)),
        _role(_statement(either("lambda.amazonaws.com", FLOW_LOGS), Condition=None)),
        _role(_statement(Action="sts:*", Condition=None)),
    ],
)
def test_service_that_acts_for_any_account_fails(role: dict[str, Any]) -> None:
    assert says(RULE, role) is FAIL


def test_message_names_the_service_and_its_source() -> None:
    found = message(RULE, _role(_statement(Sid="Trust", Condition=None)))
    assert found.startswith(f"Trust lets {FLOW_LOGS} assume the role on behalf of any account")
    assert SENDS[FLOW_LOGS] in found


@pytest.mark.parametrize(
    "role",
    [
        _role(_statement("unheard-of.amazonaws.com", Condition=None)),
        _role(_statement(UNKNOWN, Condition=None)),
        _role(_statement(Condition=UNKNOWN)),
        {"Type": "AWS::IAM::Role", "Properties": {}},
    ],
)
def test_unknown_service_or_condition_is_not_evaluated(role: dict[str, Any]) -> None:
    assert says(RULE, role) is NOT_EVALUATED


@pytest.mark.parametrize(
    "role",
    [
        _role(_statement(Effect="Deny", Condition=None)),
        _role(_statement(Principal={"AWS": "arn:aws:iam::000000000000:role/deployer"}, Condition=None)),
    ],
)
def test_role_that_no_service_takes_on_is_not_judged(role: dict[str, Any]) -> None:
    assert says(RULE, role) is None


def test_message_says_where_the_source_is_unverified() -> None:
    assert "unverified: the page was read" in message(RULE, _role(_statement("codebuild.amazonaws.com", Condition=None)))
    assert "unverified" not in message(RULE, _role(_statement(Condition=None)))
    assert set(UNVERIFIED) <= {*SENDS, *SILENT}


def test_each_service_has_a_source_of_aws_and_one_answer() -> None:
    assert not set(SENDS) & set(SILENT)
    for service, source in {**SENDS, **SILENT}.items():
        assert service.endswith(".amazonaws.com")
        assert source.startswith("https://docs.aws.amazon.com/")
