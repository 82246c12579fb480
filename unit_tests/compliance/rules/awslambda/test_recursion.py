"""ActivePassive-LambdaRecursion."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, function, pipeline, role
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-LambdaRecursion"
OWN = {"Fn::GetAtt": ["Queue", "Arn"]}
BOUND = {"SHADOW_MAXIMUM_AGE_SECONDS": "345600", "MAXIMUM_RECEIVES": "5"}
SENDING = role("sqs:SendMessage", on=[OWN])
OTHERS = role("sqs:SendMessage", on="arn:aws:sqs:us-east-1:000000000000:serverless-ingest-dlq-prod")


def looping(loop: Any = "Allow", variables: Any = None) -> Resource:  # noqa: ANN401
    made = changed(function(), "Environment", to={"Variables": BOUND if variables is None else variables})
    return changed(made, "RecursiveLoop", to=loop)


def _with(it: Resource, rights: dict[str, Resource] | None = None, **others: Resource) -> Verdict | None:
    return verdict_in(
        RULE, "Function", alone({**pipeline(), **(SENDING if rights is None else rights), **others, "Function": it})
    )


def test_loop_that_is_allowed_and_bounded_passes() -> None:
    assert _with(looping()) is PASS
    assert _with(looping(variables={"maxHops": 1000})) is PASS


def test_function_without_a_loop_may_not_allow_one() -> None:
    assert _with(looping("Terminate"), OTHERS) is PASS
    assert _with(function(), OTHERS) is None
    assert _with(looping(), OTHERS) is FAIL
    assert verdict_in(RULE, "It", alone({"It": looping(), **SENDING})) is FAIL  # no queue invokes it
    assert verdict_in(RULE, "It", alone({"It": function()})) is None


@pytest.mark.parametrize("loop", ["Terminate", ABSENT, either("Allow", "Terminate")])
def test_loop_that_lambda_would_stop_fails(loop: Any) -> None:  # noqa: ANN401
    assert _with(looping(loop)) is FAIL


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"MAXIMUM_RECEIVES": "5"},
        {"SHADOW_MAXIMUM_AGE_SECONDS": "0"},
        {"MAXIMUM_MESSAGE": "5"},
        {"PAGE_MAXIMUM": "5"},
        {"SHADOW_MAXIMUM_AGE_SECONDS": either("345600", "0")},
    ],
)
def test_loop_without_a_bound_fails(variables: dict[str, Any]) -> None:
    it = {**pipeline(), **SENDING, "Function": looping(variables=variables)}
    assert "no environment variable bounds the loop" in message_in(RULE, "Function", alone(it))
    assert _with(without(looping(), "Environment")) is FAIL


@pytest.mark.parametrize(
    "rights",
    [
        role("sqs:*", on=OWN),
        role("*", on="*"),
        role("sqs:SendMessage", on="arn:aws:sqs:us-east-1:000000000000:serverless-ingest-prod"),
        role("sqs:SendMessage", on={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:serverless-*"}),
        role("sqs:SendMessage", on=either("arn:aws:sqs:us-east-1:000000000000:other", OWN)),
    ],
)
def test_right_to_send_makes_a_loop(rights: dict[str, Resource]) -> None:
    assert _with(function(), rights) is FAIL


@pytest.mark.parametrize("kind", ["inline", "Policy", "RolePolicy", "attached", "AWS's own"])
def test_right_counts_wherever_the_role_has_it_from(kind: str) -> None:
    document = SENDING["Policy"]["Properties"]["PolicyDocument"]
    bare = {"Role": SENDING["Role"]}
    rights: dict[str, dict[str, Resource]] = {
        "inline": {"Role": changed(bare["Role"], "Policies", to=[{"PolicyName": "p", "PolicyDocument": document}])},
        "Policy": {**SENDING, "Policy": {**SENDING["Policy"], "Type": "AWS::IAM::Policy"}},
        "RolePolicy": {
            **bare,
            "Policy": {
                "Type": "AWS::IAM::RolePolicy",
                "Properties": {"RoleName": {"Ref": "Role"}, "PolicyDocument": document},
            },
        },
        "attached": {
            "Role": changed(bare["Role"], "ManagedPolicyArns", to=[{"Ref": "Policy"}]),
            "Policy": without(SENDING["Policy"], "Roles"),
        },
        "AWS's own": {
            "Role": changed(bare["Role"], "ManagedPolicyArns", to=["arn:aws:iam::aws:policy/AmazonSQSFullAccess"])
        },
    }
    assert _with(function(), bare) is None
    assert _with(function(), rights[kind]) is FAIL
    assert _with(looping(), rights[kind]) is PASS


def test_denial_or_right_of_another_role_makes_no_loop() -> None:
    denied = {**SENDING, "Policy": changed(SENDING["Policy"], "PolicyDocument", "Statement", 0, "Effect", to="Deny")}
    assert _with(function(), denied) is None
    anothers = {**SENDING, "Policy": changed(SENDING["Policy"], "Roles", to=[{"Ref": "Other"}])}
    assert _with(function(), anothers) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(looping(UNKNOWN)) is NOT_EVALUATED
    assert _with(looping(variables={"MAXIMUM_HOPS": UNKNOWN})) is NOT_EVALUATED
    assert _with(changed(function(), "Role", to="arn:aws:iam::000000000000:role/elsewhere"), {}) is NOT_EVALUATED
    unread = {**SENDING, "Policy": changed(SENDING["Policy"], "PolicyDocument", to=UNKNOWN)}
    assert _with(function(), unread) is NOT_EVALUATED
