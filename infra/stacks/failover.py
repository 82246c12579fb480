"""Stack 5, in the control region, deployed last: the resources that depend on both regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.dashboard import Dashboard
from infra.constructs.failover import PrivateFailover
from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.keys import KeyPurpose, Keys
from infra.constructs.reverse_replication import BUCKET_REPLICATION, TIMEOUT, ReverseReplication
from infra.constructs.stack_output import stack_output
from infra.constructs.table import table_arn
from infra.constructs.table_policy import PeerTablePolicy
from infra.region import RegionContext, RegionRole


class FailoverStack(Stack):
    """Reverse replication, the policy of the peer's table replica, failover records for client VPCs, and the dashboard."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        keys: Keys,
        asset: Path,
        alarm_digests: Mapping[str, str],
        **kwargs: Any,  # noqa: ANN401 - the arguments of Stack
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._context = context
        surroundings = self._surroundings(keys, asset)
        self._reverse_replication(surroundings, keys)
        self._peer_table_policy(surroundings)
        dashboard = Dashboard(
            self,
            "Dashboard",
            settings=context.settings,
            api_ids={role: self._regional(role, "ApiId") for role in RegionRole},
        )
        CfnOutput(self, "DashboardName", value=dashboard.name)
        # With a domain each region writes its own records, so the secondary does not depend on the primary.
        if context.settings.client_vpcs:
            self._private_failover(alarm_digests)
        has_records = bool(context.settings.client_vpcs or context.settings.domain)
        CfnOutput(
            self,
            "ClientRouting",
            value="failover-records" if has_records else "ordered-endpoints",
            description="Way in which clients find the active region: Route 53, or the two hosts in order",
        )

    def _private_failover(self, alarm_digests: Mapping[str, str]) -> None:
        failover = PrivateFailover(
            self,
            "Failover",
            settings=self._context.settings,
            api_hosts={role: self._regional(role, "ApiHost") for role in RegionRole},
            alarm_digests=alarm_digests,
        )
        for role, check in failover.health_checks.items():
            CfnOutput(self, f"{role.capitalize()}HealthCheckId", value=check.attr_health_check_id)
        CfnOutput(self, "HostedZoneId", value=failover.hosted_zone.attr_id)
        CfnOutput(self, "RecordName", value=failover.record_name)

    def _regional(self, role: RegionRole, output: str) -> str:
        """Return an output of a region's stack by its name, without a reference to the stack."""
        context = RegionContext(settings=self._context.settings, role=role)
        return stack_output(stack_name=context.naming.stack("regional"), output_name=output, region=context.region)

    def _reverse_replication(self, surroundings: FunctionSurroundings, keys: Keys) -> None:
        function = Function(
            self,
            "BucketReplication",
            surroundings=surroundings,
            resource=BUCKET_REPLICATION,
            role_name=self._context.naming.role(BUCKET_REPLICATION),
            description="Sets the reverse replication of the ingest bucket, and replicates older objects",
            timeout=TIMEOUT,
            reserved_concurrency=self._context.settings.limits.maintenance_concurrency,
        )
        function.allow("kms:Decrypt", "kms:GenerateDataKey", on=[keys[KeyPurpose.DATA].key_arn])
        reverse = ReverseReplication(
            self,
            "ReverseReplication",
            context=self._context,
            function=function,
            role_arn=self._regional(RegionRole.SECONDARY, "ReplicationRoleArn"),
            api_hosts={self._context.settings.region_of(role): self._regional(role, "ApiHost") for role in RegionRole},
        )
        CfnOutput(
            self,
            "ExistingObjects",
            value=reverse.existing_objects,
            description="Job that replicated the objects older than the secondary's rule, and its state",
        )

    def _peer_table_policy(self, surroundings: FunctionSurroundings) -> None:
        function = Function(
            self,
            "TablePolicy",
            surroundings=surroundings,
            resource="table-policy",
            description="Sets the resource policy of the table replica in the other region",
            reserved_concurrency=self._context.settings.limits.maintenance_concurrency,
        )
        function.allow(
            "dynamodb:DeleteResourcePolicy",
            "dynamodb:GetResourcePolicy",
            "dynamodb:PutResourcePolicy",
            on=[table_arn(self, self._context.peer)],
        )
        PeerTablePolicy(self, "PeerTablePolicy", context=self._context, function=function.function)

    def _surroundings(self, keys: Keys, asset: Path) -> FunctionSurroundings:
        return FunctionSurroundings(
            context=self._context,
            code=lambda_.Code.from_asset(str(asset)),
            logs_key=keys[KeyPurpose.LOGS],
            queue_key=keys[KeyPurpose.QUEUE],
            dead_letter_queue=self._async_dead_letter_queue(keys[KeyPurpose.QUEUE]),
            network=None,
        )

    def _async_dead_letter_queue(self, key: kms.IKey) -> sqs.IQueue:
        """Return the control region's queue for failed asynchronous invocations, looked up by name."""
        return sqs.Queue.from_queue_attributes(
            self,
            "AsyncDeadLetters",
            queue_arn=self.format_arn(service="sqs", resource=self._context.naming.queue("async-dlq")),
            key_arn=key.key_arn,
        )
