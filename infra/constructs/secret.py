"""The secret that signs receipts: one value, replicated to both regions and encrypted with a key of each."""

import json
from typing import Final

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.keys import KeyPurpose, alias_arn, alias_statement
from infra.constructs.removal import removal_policy
from infra.region import RegionContext

RECEIPT_SECRET: Final = "receipt-signing"  # noqa: S105 - the word in the secret's name, not its value
"""Resource word of the secret's name."""
ROTATION_PERIOD: Final = Duration.days(30)
"""Time for which a key signs. As the previous version it verifies for as long again."""

_FIRST_KEY_CHARACTERS: Final = 64
"""Characters of the value, from 62 letters and digits: 381 bits, and base64 that decodes without padding."""


class ReceiptSecret(Construct):
    """The secret, created in the control region and replicated to the other one.

    Its first value is random text from Secrets Manager, which no template and no person sees. The first rotation
    replaces it with a key that the rotation function makes.

    Attributes:
        arn: the secret's ARN, with the suffix that Secrets Manager chose.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            name=context.naming.secret(RECEIPT_SECRET),
            description="Signs the receipts of accepted uploads",
            kms_key_id=key.key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template=json.dumps({}),
                generate_string_key="key",
                password_length=_FIRST_KEY_CHARACTERS,
                exclude_punctuation=True,
            ),
            replica_regions=[
                secretsmanager.CfnSecret.ReplicaRegionProperty(
                    region=context.peer.region,
                    # By alias: the other region's key has an id that this region cannot know.
                    kms_key_id=alias_arn(self, context.peer, KeyPurpose.SECRET),
                )
            ],
        )
        secret.apply_removal_policy(removal_policy(context.settings))
        self.arn = secret.ref
        self._refuse_strangers()

    def _refuse_strangers(self) -> None:
        """Deny every request without TLS or from another account."""
        secretsmanager.CfnResourcePolicy(
            self,
            "Policy",
            secret_id=self.arn,
            block_public_policy=True,
            resource_policy=iam.PolicyDocument(
                statements=[
                    _refuse("RefuseWithoutTls", {"Bool": {"aws:SecureTransport": "false"}}),
                    _refuse(
                        "RefuseOtherAccounts",
                        {
                            "StringNotEquals": {"aws:PrincipalAccount": Stack.of(self).account},
                            # Secrets Manager itself replicates and rotates, and has no account.
                            "Bool": {"aws:PrincipalIsAWSService": "false"},
                        },
                    ),
                ]
            ).to_json(),
        )


class ReceiptSecretRotation(Construct):
    """The schedule of the secret's rotation.

    It is in the secret's own region, because replicas cannot be rotated, and beside the rotation function. It refers
    to the secret by name, because another stack creates the secret.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=context.naming.secret(RECEIPT_SECRET),
            rotation_lambda_arn=function.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=ROTATION_PERIOD.to_days()
            ),
            # The first rotation proves the function, and replaces the generated first key.
            rotate_immediately_on_update=True,
        )
        # With all that is under the function: its permission for Secrets Manager is what the schedule is
        # refused without.
        schedule.node.add_dependency(function)


def secret_arn(scope: Construct, context: RegionContext) -> str:
    """Return the pattern of the secret's ARN in the region of `context`: Secrets Manager adds six characters to the name."""
    return Stack.of(scope).format_arn(
        service="secretsmanager",
        region=context.region,
        resource="secret",
        resource_name=f"{context.naming.secret(RECEIPT_SECRET)}-??????",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def _refuse(sid: str, conditions: dict[str, dict[str, str]]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["secretsmanager:*"],
        resources=["*"],
        conditions=conditions,
    )


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
