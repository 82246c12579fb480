"""A log group: named, encrypted, and kept for as long as is set."""

import pytest
from aws_cdk import Stack

from infra.constructs.log_group import log_group
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in


def group_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    log_group(stack, "Logs", context=of, resource="processor", key=key_in(stack))
    return stack


def test_it_is_named_and_encrypted() -> None:
    stack = group_stack()
    (key,) = of_type(stack, "AWS::KMS::Key")
    group = only(stack, "AWS::Logs::LogGroup")
    assert group["LogGroupName"] == "serverless-processor-prod"
    assert group["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}


@pytest.mark.parametrize("days", [1, 400, 3653])
def test_it_is_kept_for_as_long_as_is_set(days: int) -> None:
    assert only(group_stack(retention={"logs_days": days}), "AWS::Logs::LogGroup")["RetentionInDays"] == days
