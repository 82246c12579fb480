"""The rotation function: it gives the receipt-signing secret a new key in the four steps of Secrets Manager."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.keys import KeyPurpose, alias_statement
from infra.constructs.secret import secret_arn


class Rotation(Construct):
    """The function and its permissions; it exists in both regions, so that a promoted replica can be rotated too.

    Attributes:
        function: the function.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, surroundings: FunctionSurroundings, secret_key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        secret = secret_arn(self, surroundings.context)
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
        # A new value is encrypted again for the replica, in its region and in this function's name. Without this the
        # rotation succeeds here and the replica keeps the old key. No kms:ViaService: AWS does not say which it would be.
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html
        self.function.policy.add_statements(
            alias_statement(
                self,
                surroundings.context.peer,
                KeyPurpose.SECRET,
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            )
        )
        self.function.function.add_permission(
            "SecretsManager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=stack.account,
            source_arn=secret,
        )
