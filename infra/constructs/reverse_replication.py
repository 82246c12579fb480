"""The reverse direction of replication, secondary to primary, set when both buckets exist."""

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.replication import replication_configuration
from infra.region import RegionContext, RegionRole
from infra.settings import Settings

RESOURCE_TYPE = "Custom::BucketReplication"


class ReverseReplication(Construct):
    """Has a function put on the secondary's ingest bucket the rule that its template could not hold."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        function: lambda_.IFunction,
        role_arn: str,
    ) -> None:
        """Create the custom resource.

        Args:
            scope: the parent.
            construct_id: the id under it.
            settings: which regions there are.
            function: answers the custom resource; see `handlers/bucket_replication`.
            role_arn: the role in the secondary's stack that S3 takes on to replicate from there.
        """
        super().__init__(scope, construct_id)
        source = RegionContext(settings=settings, role=RegionRole.SECONDARY)
        CustomResource(
            self,
            "Rule",
            service_token=function.function_arn,
            resource_type=RESOURCE_TYPE,
            properties={
                "Bucket": source.naming.bucket_name("ingest", Stack.of(self).account, source.region),
                "BucketRegion": source.region,
                "ReplicationConfiguration": replication_configuration(self, source=source, role_arn=role_arn),
            },
            # The function answers within its own timeout, or never; CloudFormation would wait an hour.
            service_timeout=Duration.minutes(5),
        )
