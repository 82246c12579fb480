"""Test the receipt secret: its generated value and its rotation."""

import base64
import json

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from infra.constructs.secret import ReceiptSecret, ReceiptSecretRotation
from unit_tests.infra.constructs.small_stack import context, function_in, key_in, only, stack_in

SECRET = "AWS::SecretsManager::Secret"


def secret_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    ReceiptSecret(stack, "ReceiptSecret", context=of, key=key_in(stack))
    return stack


def test_secret_value_is_generated_as_a_key_and_never_in_a_template() -> None:
    secret = only(secret_stack(), SECRET)
    assert "SecretString" not in secret
    generated = secret["GenerateSecretString"]
    assert json.loads(generated["SecretStringTemplate"]) == {}
    assert generated["GenerateStringKey"] == "key"
    assert generated["ExcludePunctuation"] is True
    # Letters and digits of this length are base64 of more than the 32 bytes that HS256 wants.
    assert len(base64.b64decode("x" * generated["PasswordLength"], validate=True)) >= 32


def test_rotation_names_the_secret_and_depends_on_its_permission() -> None:
    of = context()
    stack = stack_in(of)
    function = function_in(stack)
    function.add_permission("SecretsManager", principal=_secrets_manager())
    ReceiptSecretRotation(stack, "Rotation", context=of, function=function)
    template = Template.from_stack(stack)
    (permission,) = template.find_resources("AWS::Lambda::Permission")
    template.has_resource(
        "AWS::SecretsManager::RotationSchedule",
        {
            "Properties": {
                "SecretId": "serverless-receipt-signing-prod",
                "RotationRules": {"AutomaticallyAfterDays": 30},
                "RotateImmediatelyOnUpdate": True,
            },
            "DependsOn": Match.array_with([permission]),
        },
    )


def _secrets_manager() -> iam.ServicePrincipal:
    return iam.ServicePrincipal("secretsmanager.amazonaws.com")
