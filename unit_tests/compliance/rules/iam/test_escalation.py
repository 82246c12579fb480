"""ActivePassive-IAMEscalation."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import role
from unit_tests.compliance.rules.corruptions import changed
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message_in, verdict_in

RULE = "ActivePassive-IAMEscalation"
STATEMENT = ("PolicyDocument", "Statement", 0)


def _says(*actions: str, on: Any = "arn:aws:s3:::named", **condition: Any) -> Any:  # noqa: ANN401
    stack = role(*actions, on=on)
    stack["Policy"] = changed(stack["Policy"], *STATEMENT, "Condition", to=condition)
    stack["Operator"] = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "operator"}}
    return verdict_in(RULE, "Policy", template(stack))


@pytest.mark.parametrize(
    "action",
    [
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "dynamodb:DeleteItem", "sqs:DeleteMessage", "kms:Decrypt",
        "ec2:DeleteNetworkInterface", "logs:PutLogEvents", "lambda:InvokeFunction", "sns:Publish", "states:StopExecution",
        "dynamodb:UpdateItem", "events:PutEvents", "cloudwatch:PutMetricData", "sqs:ChangeMessageVisibility",
        "ec2:CreateNetworkInterface", "secretsmanager:UpdateSecretVersionStage", "states:StartExecution", "s3:RestoreObject",
    ],
)  # fmt: skip
def test_action_on_data_passes(action: str) -> None:
    assert _says(action) is PASS


@pytest.mark.parametrize(
    "action",
    [
        "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:UpdateAssumeRolePolicy",
        "iam:SetDefaultPolicyVersion", "iam:AddUserToGroup", "lambda:UpdateFunctionCode", "lambda:AddPermission",
        "lambda:UpdateFunctionConfiguration", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:DisableKey",
        "kms:ScheduleKeyDeletion", "s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutLifecycleConfiguration",
        "dynamodb:DeleteTable", "dynamodb:DeleteBackup", "sqs:PurgeQueue", "sqs:SetQueueAttributes", "sns:Subscribe",
        "cloudwatch:DeleteAlarms", "events:DisableRule", "events:PutTargets", "cloudtrail:StopLogging",
        "logs:DeleteLogGroup", "secretsmanager:PutResourcePolicy", "ssm:SendCommand", "CLOUDWATCH:deletealarms",
        "iam:Put*", "sqs:Purge?ueue", "lambda:PutFunctionEventInvokeConfig", "lambda:PublishLayerVersion",
        "lambda:CreateFunctionUrlConfig", "kms:ImportKeyMaterial", "s3:PutBucketCORS", "s3:PutAnalyticsConfiguration",
        "dynamodb:ExportTableToPointInTime", "dynamodb:EnableKinesisStreamingDestination", "sns:SetSubscriptionAttributes",
        "cloudwatch:PutCompositeAlarm", "cloudwatch:PutMetricStream", "scheduler:UpdateSchedule", "logs:Unmask",
        "logs:CreateExportTask", "secretsmanager:CancelRotateSecret", "secretsmanager:ReplicateSecretToRegions",
        "route53:UpdateHealthCheck", "apigateway:PATCH", "ec2:CreateVpcPeeringConnection", "ec2:ModifySecurityGroupRules",
        "ec2:ReplaceRouteTableAssociation", "guardduty:UpdateDetector", "organizations:LeaveOrganization",
    ],
)  # fmt: skip
def test_action_that_escalates_or_hides_fails_on_a_named_resource(action: str) -> None:
    assert _says(action) is FAIL


def test_pass_role_is_for_a_named_service() -> None:
    service = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert _says("iam:PassRole", **service) is PASS
    assert _says("iam:PassRole") is FAIL
    assert _says("iam:PassRole", StringLike={"iam:PassedToService": "*"}) is FAIL


def test_grant_is_for_services_that_act_for_the_caller() -> None:
    assert _says("kms:CreateGrant", Bool={"kms:GrantIsForAWSResource": "true"}) is PASS
    assert _says("kms:CreateGrant", Bool={"kms:GrantIsForAWSResource": "false"}) is FAIL


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"Fn::GetAtt": ["Operator", "Arn"]}, PASS),
        ("arn:aws:iam::000000000000:role/operator", PASS),
        ("arn:aws:iam::000000000000:role/Admin", FAIL),
        ({"Ref": "AnyRole"}, FAIL),
        ("*", FAIL),
    ],
)
def test_role_that_may_be_assumed_is_declared_here(resource: Any, expected: Any) -> None:  # noqa: ANN401
    assert _says("sts:AssumeRole", on=resource) is expected


def test_reason_is_in_the_message() -> None:
    assert "changes who may do what" in message_in(RULE, "Policy", template(role("kms:PutKeyPolicy")))
    assert "deletes or switches off" in message_in(RULE, "Policy", template(role("sqs:PurgeQueue")))
