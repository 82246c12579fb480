"""Removal policy of resources that hold data."""

from aws_cdk import RemovalPolicy

from infra.settings import Settings


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return RETAIN_ON_UPDATE_OR_DELETE in a protected environment, whose data outlives its stacks; else DESTROY.

    A creation that is rolled back is the exception (`RetainExceptOnCreate`): the resource holds no data yet, and its
    name would block the next attempt.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.is_protected else RemovalPolicy.DESTROY
