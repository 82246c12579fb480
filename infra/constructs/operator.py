"""The operator's role: the permissions to inspect both regions, promote one, direct clients to it, and redrive work.

No other role may write the rows for this (`table_policy`). The role exists in advance, because no step of a failover may
create IAM resources, and it is global like all of IAM; STS in a region assumes it.
"""

from typing import Final

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from handlers.shared import schema
from handlers.shared.object_keys import INCOMING
from infra.constructs.bucket import bucket_arn
from infra.constructs.keys import KeyPurpose, alias_statement
from infra.constructs.table import leading_keys, table_arn
from infra.naming import LOGGED
from infra.region import RegionContext

OPERATOR: Final = "operator"
"""Resource word of the role's name."""


class Operator(Construct):
    """The role, its trust policy and its permissions.

    Attributes:
        role: the role.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self.role = iam.Role(
            self,
            "Role",
            role_name=context.naming.role(OPERATOR),
            description="Inspects both regions, promotes one, and sends clients to it",
            assumed_by=iam.CompositePrincipal(*self._trusted()),
        )
        self._policy = iam.ManagedPolicy(self, "Policy", roles=[self.role])
        for region in (context, context.peer):
            self._allow_in(region)

    def _trusted(self) -> list[iam.IPrincipal]:
        """Trust the principals of the settings; without any, each one that IAM allows and that has a second factor.

        The account is the principal and the name is a condition. So a role that is created again stays trusted, and a
        missing one does not fail a deployment
        (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html). So the named ones
        need `sts:AssumeRole` in a policy of their own. A session of a role has no second factor when it assumes
        another role; the sign-in to the first role has to require it.
        """
        named = self._context.settings.operators
        with_second_factor = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        if not named:
            return [iam.AccountRootPrincipal().with_conditions(with_second_factor)]
        trusted: list[iam.IPrincipal] = []
        for account in sorted({arn.split(":")[4] for arn in named}):
            for kind, more in (("role", {}), ("user", with_second_factor)):
                if arns := sorted(arn for arn in named if f"::{account}:{kind}/" in arn):
                    conditions = {"ArnEquals": {"aws:PrincipalArn": arns}, **more}
                    trusted.append(iam.AccountPrincipal(account).with_conditions(conditions))
        return trusted

    def _allow_in(self, region: RegionContext) -> None:
        table, settings = table_arn(self, region), region.settings
        claims = [schema.control_partition_key(each) for each in settings.regions]
        force = schema.force_partition_key(settings.secondary_region)
        reports = [
            of(each)
            for of in (schema.heartbeat_partition_key, schema.digest_partition_key, schema.reconciler_partition_key)
            for each in settings.regions
        ]
        # Both claims in each replica: one at the highest epoch must be lowered, be its own region lost or not.
        self._allow("dynamodb:PutItem", on=[table], conditions=leading_keys(*claims, force))
        self._allow(
            *("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"),
            on=[table],
            conditions=leading_keys(*claims, force, *reports, schema.object_partition_key("*")),
        )
        # To find a file: its objects' states, not their records. The indexes hold the names of files.
        indexes = [f"{table}/index/{index}" for index in (schema.FILE_INDEX, schema.STATE_INDEX)]
        self._allow("dynamodb:Query", on=indexes)
        self._policy.add_statements(alias_statement(self, region, KeyPurpose.DATA, actions=["kms:Decrypt"]))
        queues = [self._arn(region, "sqs", region.naming.queue(word)) for word in ("ingest", "ingest-dlq")]
        self._allow("sqs:GetQueueAttributes", "sqs:GetQueueUrl", on=queues)
        received = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
        self._allow(*received, on=queues[1:])
        # To redrive, replay and reprocess: the objects' names, and messages on the queue that S3's own events go to.
        self._allow("sqs:SendMessage", on=queues[:1])
        queue_key = alias_statement(self, region, KeyPurpose.QUEUE, actions=["kms:Decrypt", "kms:GenerateDataKey"])
        self._policy.add_statements(queue_key)
        ours = {"StringLike": {"s3:prefix": [f"{INCOMING}*"]}}
        self._allow("s3:ListBucketVersions", on=[bucket_arn(self, region, "ingest")], conditions=ours)
        # All that ring are listed, which CloudWatch allows to who may describe any alarm
        # (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html).
        self._allow("cloudwatch:DescribeAlarms", on=[self._arn(region, "cloudwatch", "alarm:*")])
        # Their lines hold names of files and reasons, no records. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
        # iam-access-control-overview-cwl.html: the ARN of a log group ends in :* for its actions on events.
        groups = [f"log-group:{region.naming.log_group(function)}:*" for function in LOGGED]
        self._allow("logs:FilterLogEvents", on=[self._arn(region, "logs", group) for group in groups])
        stack = self._arn(region, "cloudformation", f"stack/{region.naming.stack('regional')}/*")
        self._allow("cloudformation:DescribeStacks", on=[stack])

    def _allow(self, *actions: str, on: list[str], conditions: dict[str, dict[str, list[str]]] | None = None) -> None:
        self._policy.add_statements(iam.PolicyStatement(actions=list(actions), resources=on, conditions=conditions))

    def _arn(self, region: RegionContext, service: str, resource: str) -> str:
        return Stack.of(self).format_arn(
            service=service,
            region=region.region,
            account=Aws.ACCOUNT_ID,
            resource=resource,
            arn_format=ArnFormat.NO_RESOURCE_NAME,
        )
