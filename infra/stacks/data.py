"""Stack 2, in the control region: the resources that both regions share: global table, secret, trail, operator's role."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.bucket import Bucket, expire
from infra.constructs.keys import KeyPurpose, Keys
from infra.constructs.operator import Operator
from infra.constructs.secret import ReceiptSecret
from infra.constructs.table import LedgerTable
from infra.constructs.table_policy import rows_policy
from infra.constructs.trail import AuditTrail
from infra.region import RegionContext


class DataStack(Stack):
    """The table, the secret, the trail and the operator's role."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        keys: Keys,
        **kwargs: Any,  # noqa: ANN401 - the arguments of Stack
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        table = LedgerTable(self, "Ledger", context=context, key=keys[KeyPurpose.DATA], policy=rows_policy(self, context))
        operator = Operator(self, "Operator", context=context)
        secret = ReceiptSecret(self, "ReceiptSecret", context=context, key=keys[KeyPurpose.SECRET])
        access_logs = Bucket(
            self,
            "TrailAccessLogs",
            context=context,
            # Not the regional access-log bucket: its stack is deployed after this one.
            resource="trail-access",
            key=None,
            lifecycle_rules=[expire("expire", after_days=context.settings.retention.access_logs_days)],
        )
        trail = AuditTrail(self, "Audit", context=context, key=keys[KeyPurpose.TRAIL], access_logs=access_logs.bucket)
        # Last: a protected environment's table refuses deletion, so a creation that fails later could not be rolled back.
        table.table.node.add_dependency(secret, access_logs, trail, operator)
        CfnOutput(self, "TableName", value=table.table.table_name)
        CfnOutput(self, "OperatorRoleArn", value=operator.role.role_arn)
        CfnOutput(self, "SecretArn", value=secret.arn)
        CfnOutput(self, "TrailArn", value=trail.arn)
        CfnOutput(self, "TrailBucketName", value=trail.bucket.name)
