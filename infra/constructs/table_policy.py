"""Resource policy of each table replica: it denies writes to the rows of a region, except by the roles that own them.

The functions' own policies already limit them to their rows. This policy also limits all other principals, such as an
administrator: only the operator's role can move the active region.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from handlers.shared import schema
from infra.constructs.function import role_arn
from infra.constructs.issuer import ISSUER
from infra.constructs.observer import OBSERVER
from infra.constructs.operator import OPERATOR
from infra.constructs.processor import PROCESSOR
from infra.constructs.reverse_replication import BUCKET_REPLICATION
from infra.constructs.table import table_arn
from infra.region import RegionContext

RESOURCE_TYPE: Final = "Custom::TablePolicy"
WRITES: Final = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
"""The actions that change a row; a transaction needs those of its parts. All have the condition key `dynamodb:LeadingKeys`
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html)."""


def rows_policy(scope: Construct, context: RegionContext) -> iam.PolicyDocument:
    """Return the resource policy of the replica in the region of `context`.

    It denies and grants nothing: the roles' own policies grant the writes.
    """
    return iam.PolicyDocument(
        statements=[_only(scope, context, rows, writers) for rows, writers in _writers(scope, context)],
        # As it is: the custom resource hands the same document on.
        minimize=False,
    )


class PeerTablePolicy(Construct):
    """Custom resource that sets the policy of the replica in the other region, which no template can hold."""

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, function: lambda_.IFunction) -> None:
        """Create the custom resource.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the region of the stack that homes the table; the replica is its peer's.
            function: answers the custom resource; see `handlers/table_policy`.
        """
        super().__init__(scope, construct_id)
        CustomResource(
            self,
            "Policy",
            service_token=function.function_arn,
            resource_type=RESOURCE_TYPE,
            properties={
                "TableArn": table_arn(self, context.peer),
                "Policy": Stack.of(self).resolve(rows_policy(self, context.peer)),
            },
            # The function answers within its own timeout, or never; CloudFormation would wait an hour.
            service_timeout=Duration.minutes(5),
        )


def _writers(scope: Construct, context: RegionContext) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield patterns of partition keys, with the only roles that may write such rows through this replica.

    If two patterns match a row, both lists of roles must contain its writer.
    """
    operator = role_arn(scope, context, context.naming.role(OPERATOR))
    issuer, observer, processor = (
        role_arn(scope, context, context.naming.role(word, context.region)) for word in (ISSUER, OBSERVER, PROCESSOR)
    )
    yield [schema.control_partition_key("*")], [operator, *([observer] if context.promotes_itself else [])]
    yield [schema.force_partition_key("*"), schema.control_partition_key(context.peer.region)], [operator]
    by_observer = (schema.heartbeat_partition_key, schema.digest_partition_key, schema.observer_partition_key)
    yield [of("*") for of in by_observer], [observer]
    yield [schema.health_partition_key("*")], [issuer]
    yield [schema.reconciler_partition_key("*")], [processor]
    deployment = role_arn(scope, context, context.naming.role(BUCKET_REPLICATION))
    yield [schema.replication_partition_key("*")], [deployment] if context.is_control else []
    owned = (*by_observer, schema.health_partition_key, schema.reconciler_partition_key)
    yield [of(context.peer.region) for of in owned], []


def _only(scope: Construct, context: RegionContext, rows: Sequence[str], writers: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.StarPrincipal()],
        actions=list(WRITES),
        resources=[table_arn(scope, context)],
        conditions={
            "ForAnyValue:StringLike": {"dynamodb:LeadingKeys": list(rows)},
            # Rows of the other region come by DynamoDB's own role; refused, they would never arrive.
            "ArnNotEquals": {"aws:PrincipalArn": [*writers, _replication_role_arn(scope)]},
        },
    )


def _replication_role_arn(scope: Construct) -> str:
    """Return the ARN of the role by which DynamoDB replicates.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html
    """
    return Stack.of(scope).format_arn(
        service="iam",
        region="",
        resource="role",
        resource_name="aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication",
    )
