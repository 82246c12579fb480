"""The global table: one ledger, a replica in each region."""

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from handlers.shared import schema
from infra.constructs.keys import KeyPurpose, alias_arn
from infra.constructs.removal import removal_policy
from infra.region import RegionContext


class LedgerTable(Construct):
    """The table of both regions, declared once in the control region.

    Attributes:
        table: the table.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        key: kms.IKey,
        policy: iam.PolicyDocument | None = None,
    ) -> None:
        """Create the table.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the control region.
            key: key of the replica there.
            policy: resource policy of the replica there; the other replica's cannot be in this template.
        """
        super().__init__(scope, construct_id)
        settings = context.settings
        strong = settings.consistency == "strong"
        self.table = dynamodb.TableV2(
            self,
            "Table",
            table_name=context.naming.table("ledger"),
            partition_key=_text(schema.PARTITION_KEY),
            sort_key=_text(schema.SORT_KEY),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(
                key, {context.peer.region: alias_arn(self, context.peer, KeyPurpose.DATA)}
            ),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=settings.is_protected,
            time_to_live_attribute=None if strong else schema.TIME_TO_LIVE,
            dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=schema.FILE_INDEX,
                    partition_key=_text(schema.FILE_INDEX_PARTITION_KEY),
                    sort_key=_text(schema.FILE_INDEX_SORT_KEY),
                ),
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=schema.STATE_INDEX,
                    partition_key=_text(schema.STATE_INDEX_PARTITION_KEY),
                    sort_key=_text(schema.STATE_INDEX_SORT_KEY),
                ),
            ],
            resource_policy=policy,
            replicas=[dynamodb.ReplicaTableProps(region=context.peer.region)],
            multi_region_consistency=dynamodb.MultiRegionConsistency.STRONG if strong else None,
            witness_region=settings.witness_region,
            removal_policy=removal_policy(settings),
        )


def table_arn(scope: Construct, context: RegionContext) -> str:
    """Return the ARN of the replica in the region of `context`, by name: regional stacks refer to no other stack."""
    return Stack.of(scope).format_arn(
        service="dynamodb",
        region=context.region,
        resource="table",
        resource_name=context.naming.table("ledger"),
    )


def index_arn(scope: Construct, context: RegionContext, index: str) -> str:
    """Return the ARN of one index of the replica in the region of `context`."""
    return f"{table_arn(scope, context)}/index/{index}"


def leading_keys(*patterns: str) -> dict[str, dict[str, list[str]]]:
    """Return the condition that a call names rows of these partition keys only; `*` matches any text.

    Every data-plane call carries the partition keys of the rows or queries that it names
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
    """
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(patterns)}}


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
