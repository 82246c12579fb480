"""Log groups: named, encrypted and retained alike."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.removal import removal_policy
from infra.region import RegionContext


def log_group(scope: Construct, construct_id: str, *, context: RegionContext, resource: str, key: kms.IKey) -> logs.LogGroup:
    """Create the log group `serverless-<resource>-<environment>` with the retention of the settings."""
    settings = context.settings
    group = logs.LogGroup(
        scope,
        construct_id,
        log_group_name=context.naming.log_group(resource),
        encryption_key=key,
        removal_policy=removal_policy(settings),
    )
    # CDK has a word for each period and none for a number; the settings admit only the numbers that CloudWatch does.
    group.node.default_child.add_property_override("RetentionInDays", settings.retention.logs_days)  # type: ignore[union-attr]
    return group
