"""Replication of the ingest bucket to the other region: the role that S3 assumes, and the rule.

S3 refuses a rule whose destination does not exist, so both directions cannot be in templates: primary to secondary is
in the primary's, and a custom resource (`reverse_replication.py`) sets the reverse last, with the same
configuration.
"""

from typing import Any

from aws_cdk import Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.constructs.bucket import Bucket, bucket_arn
from infra.constructs.keys import KeyPurpose, alias_arn, alias_statement
from infra.region import RegionContext

RULE_ID = "everything-to-the-other-region"
"""The rule's id, the same both ways; the replication metrics have it as a dimension."""
REPLICATION_TIME_MINUTES = 15
"""The only time that S3 Replication Time Control offers."""


class ReplicationRole(Construct):
    """The role with which S3 replicates this region's ingest bucket to the other region.

    Attributes:
        role: the role.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        source = bucket_arn(self, context, "ingest")
        destination = bucket_arn(self, context.peer, "ingest")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("s3.amazonaws.com"))
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            roles=[self.role],
            statements=[
                iam.PolicyStatement(actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=[source]),
                iam.PolicyStatement(
                    actions=[
                        "s3:GetObjectVersionForReplication",
                        "s3:GetObjectVersionAcl",
                        "s3:GetObjectVersionTagging",
                    ],
                    resources=[f"{source}/*"],
                ),
                iam.PolicyStatement(
                    actions=["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                    resources=[f"{destination}/*"],
                ),
                iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn]),
                alias_statement(self, context.peer, KeyPurpose.DATA, actions=["kms:Encrypt", "kms:GenerateDataKey"]),
            ],
        )


def replication_configuration(scope: Construct, *, source: RegionContext, role_arn: str) -> dict[str, Any]:
    """Return the ReplicationConfiguration of a region's ingest bucket, with CloudFormation's names.

    Args:
        scope: a construct of the stack that uses it.
        source: the region that is replicated from.
        role_arn: the role of that region that S3 assumes.
    """
    on = {"Status": "Enabled"}
    minutes = {"Minutes": REPLICATION_TIME_MINUTES}
    rule = {
        "Id": RULE_ID,
        **on,
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": on,
        "SourceSelectionCriteria": {"ReplicaModifications": on, "SseKmsEncryptedObjects": on},
        "Destination": {
            "Bucket": bucket_arn(scope, source.peer, "ingest"),
            "EncryptionConfiguration": {"ReplicaKmsKeyID": alias_arn(scope, source.peer, KeyPurpose.DATA)},
            "ReplicationTime": {**on, "Time": minutes},
            "Metrics": {**on, "EventThreshold": minutes},
        },
    }
    return {"Role": role_arn, "Rules": [rule]}


def replicate_to_peer(bucket: Bucket, *, context: RegionContext, role: ReplicationRole) -> None:
    """Set the rule on this region's ingest bucket; the peer's bucket must exist at the deployment."""
    configuration = replication_configuration(bucket, source=context, role_arn=role.role.role_arn)
    bucket.resource.replication_configuration = Token.as_any(_as_cdk_spells(configuration))
    # The rule takes effect with the bucket; the role must be able to replicate by then.
    bucket.resource.node.add_dependency(role.policy)


def _as_cdk_spells(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return CloudFormation's JSON with the names of the CDK's level 1: a small letter first, and `Id` for `ID`."""
    if isinstance(value, dict):
        return {f"{name[0].lower()}{name[1:]}".replace("ID", "Id"): _as_cdk_spells(item) for name, item in value.items()}
    return [_as_cdk_spells(item) for item in value] if isinstance(value, list) else value
