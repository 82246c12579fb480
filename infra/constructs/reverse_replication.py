"""The reverse direction of replication, secondary to primary, set when both buckets exist."""

from collections.abc import Mapping

from aws_cdk import Aws, CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from handlers.shared import schema
from handlers.shared.object_keys import INCOMING
from infra.constructs.bucket import bucket_arn
from infra.constructs.function import Function
from infra.constructs.replication import replication_configuration
from infra.constructs.table import leading_keys, table_arn
from infra.region import RegionContext, RegionRole

BUCKET_REPLICATION = "bucket-replication"
"""Resource word of the function's name and of its role's name; the role is global, so it exists once."""
RESOURCE_TYPE = "Custom::BucketReplication"
TIMEOUT = Duration.minutes(15)
"""The function's timeout, Lambda's maximum: it mostly waits for a job of S3 Batch Operations.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_SERVICE_TIMEOUT = Duration.minutes(16)
"""Seconds that CloudFormation waits, instead of an hour: the function answers within its own timeout or never."""
_BATCH_OPERATIONS = "batchoperations.s3.amazonaws.com"


class ReverseReplication(Construct):
    """Custom resource that sets the replication rule of the secondary's ingest bucket, which its template cannot hold.

    Attributes:
        existing_objects: state of the objects that are older than the rule, as text.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        function: Function,
        role_arn: str,
        api_hosts: Mapping[str, str],
    ) -> None:
        """Create the custom resource, and grant its function the needed permissions.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the control region, where the function is.
            function: answers the custom resource; see `handlers/bucket_replication`.
            role_arn: the role in the secondary's stack that S3 assumes to replicate from there.
            api_hosts: host of each region's API, by the region.
        """
        super().__init__(scope, construct_id)
        source = RegionContext(settings=context.settings, role=RegionRole.SECONDARY)
        batch = _BatchReplicationRole(self, "Batch", source=source)
        self._allow(function, context=context, source=source, role_arn=role_arn, batch_role_arn=batch.role.role_arn)
        rule = CustomResource(
            self,
            "Rule",
            service_token=function.function.function_arn,
            resource_type=RESOURCE_TYPE,
            properties={
                "Bucket": source.naming.bucket_name("ingest", Stack.of(self).account, source.region),
                "BucketRegion": source.region,
                "ReplicationConfiguration": replication_configuration(self, source=source, role_arn=role_arn),
                "AccountId": Stack.of(self).account,
                "BatchRole": batch.role.role_arn,
                "TableName": context.naming.table("ledger"),
                "ApiHosts": dict(api_hosts),
            },
            service_timeout=_SERVICE_TIMEOUT,
        )
        # The job begins with the rule; its role must be able to replicate by then.
        rule.node.add_dependency(batch.policy)
        self.existing_objects = rule.get_att_string("ExistingObjects")

    def _allow(
        self, function: Function, *, context: RegionContext, source: RegionContext, role_arn: str, batch_role_arn: str
    ) -> None:
        rule = ["s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"]
        function.allow(*rule, on=[bucket_arn(self, source, "ingest")])
        # A job has no ARN before it exists. What it may do is its role's, and no other role can be handed to it.
        function.allow("s3:CreateJob", on=["*"])
        # The account as CloudFormation knows it, so that the gate's decision holds in any.
        jobs = Stack.of(self).format_arn(
            service="s3", region=source.region, account=Aws.ACCOUNT_ID, resource="job", resource_name="*"
        )
        function.allow("s3:DescribeJob", on=[jobs])
        for role, service in ((role_arn, "s3.amazonaws.com"), (batch_role_arn, _BATCH_OPERATIONS)):
            function.allow("iam:PassRole", on=[role], conditions={"StringEquals": {"iam:PassedToService": service}})
        row = leading_keys(schema.replication_partition_key(source.region))
        function.allow("dynamodb:PutItem", on=[table_arn(self, context)], conditions=row)


class _BatchReplicationRole(Construct):
    """The role with which S3 Batch Operations replicates the objects that are older than a bucket's rule.

    S3 copies the objects with the rule's own role.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html

    Attributes:
        role: the role.
        policy: its permissions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, source: RegionContext) -> None:
        super().__init__(scope, construct_id)
        bucket = bucket_arn(self, source, "ingest")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal(_BATCH_OPERATIONS))
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            roles=[self.role],
            statements=[
                iam.PolicyStatement(actions=["s3:InitiateReplication"], resources=[f"{bucket}/{INCOMING}*"]),
                iam.PolicyStatement(
                    # The second is for the list of objects, which S3 makes itself.
                    actions=["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"],
                    resources=[bucket],
                ),
            ],
        )
