"""The rotation function: what it may do to the one secret, and who may call it."""

from aws_cdk import Stack

from infra.constructs.rotation import Rotation
from unit_tests.infra.constructs.permissions import allowed, statements
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

SECRET = f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:serverless-receipt-signing-prod-??????"


def rotation_stack() -> Stack:
    of = context()
    stack = stack_in(of)
    key = key_in(stack)
    Rotation(stack, "Rotation", surroundings=surroundings_in(stack, of, key), secret_key=key)
    return stack


def test_it_may_take_the_four_steps_on_the_one_secret() -> None:
    may = allowed(rotation_stack(), "RotationFunctionPolicy")
    assert {action: resources for action, resources in may.items() if action.startswith("secretsmanager:")} == {
        f"secretsmanager:{action}": {SECRET}
        for action in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
    }


def test_it_may_use_the_key_of_the_secret_and_of_its_replica() -> None:
    stack = rotation_stack()
    (key,) = of_type(stack, "AWS::KMS::Key")
    may = allowed(stack, "RotationFunctionPolicy")
    here, there = f'{{"Fn::GetAtt":["{key}","Arn"]}}', f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"
    assert may["kms:Decrypt"] == may["kms:GenerateDataKey"] == {here, there}
    assert may["kms:Encrypt"] == {there}


def test_the_replica_s_key_is_known_by_its_alias() -> None:
    (statement,) = (
        each for each in statements(rotation_stack(), "RotationFunctionPolicy") if "ResourceAliases" in str(each)
    )
    assert statement["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-secret-prod"}}


def test_secrets_manager_may_call_it_for_that_secret_and_nobody_else_may() -> None:
    permission = only(rotation_stack(), "AWS::Lambda::Permission")
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["SourceAccount"] == ACCOUNT
    assert permission["SourceArn"] == SECRET


def test_it_stands_in_the_vpc_and_its_endpoint_admits_it() -> None:
    stack = rotation_stack()
    assert "VpcConfig" in only(stack, "AWS::Lambda::Function")
    (policy,) = (
        each["PolicyDocument"] for each in of_type(stack, "AWS::EC2::VPCEndpoint").values() if "PolicyDocument" in each
    )
    (statement,) = policy["Statement"]
    assert statement["Resource"] == SECRET
    assert "secretsmanager:PutSecretValue" in statement["Action"]
