"""The rotation function: gives the receipt-signing secret a new key, by the four steps of Secrets Manager."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.secret import RECEIPT_SECRET


class Rotation(Construct):
    """The function and what it may do; it stands in both regions, so that a promoted replica can be rotated too.

    Attributes:
        function: the function.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, surroundings: FunctionSurroundings, secret_key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        secret = stack.format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{surroundings.context.naming.secret(RECEIPT_SECRET)}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.function = Function(
            self,
            "Function",
            surroundings=surroundings,
            resource="rotation",
            description="Rotates the receipt-signing secret",
            reserved_concurrency=surroundings.context.settings.limits.maintenance_concurrency,
        )
        self.function.allow(
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
            on=[secret],
        )
        self.function.allow("kms:Decrypt", "kms:GenerateDataKey", on=[secret_key.key_arn])
        self.function.function.add_permission(
            "SecretsManager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=stack.account,
            source_arn=secret,
        )
