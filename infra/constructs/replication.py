"""Replication of the ingest bucket to the other region: the role that S3 takes on, and the rule.

S3 refuses a rule whose destination does not exist, so both directions cannot be in templates: primary to secondary is
in the primary's, and the reverse is set last by a custom resource (`reverse_replication.py`) to the same terms.
"""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.bucket import Bucket, bucket_arn
from infra.constructs.keys import KeyPurpose, alias_arn, alias_statement
from infra.region import RegionContext

RULE_ID = "everything-to-the-other-region"
"""The rule's id, the same both ways; the replication metrics have it as a dimension."""
REPLICATION_TIME_MINUTES = 15
"""The only time that S3 Replication Time Control offers."""


class ReplicationRole(Construct):
    """What S3 may do to replicate this region's ingest bucket to the other region.

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


def replicate_to_peer(bucket: Bucket, *, context: RegionContext, role: ReplicationRole) -> None:
    """Put the rule on this region's ingest bucket; the peer's bucket must exist when this is deployed."""
    on = "Enabled"
    minutes = s3.CfnBucket.ReplicationTimeValueProperty(minutes=REPLICATION_TIME_MINUTES)
    bucket.resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
        role=role.role.role_arn,
        rules=[
            s3.CfnBucket.ReplicationRuleProperty(
                id=RULE_ID,
                status=on,
                priority=1,
                filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=""),
                delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status=on),
                source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                    replica_modifications=s3.CfnBucket.ReplicaModificationsProperty(status=on),
                    sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status=on),
                ),
                destination=s3.CfnBucket.ReplicationDestinationProperty(
                    bucket=bucket_arn(bucket, context.peer, "ingest"),
                    encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                        replica_kms_key_id=alias_arn(bucket, context.peer, KeyPurpose.DATA)
                    ),
                    replication_time=s3.CfnBucket.ReplicationTimeProperty(status=on, time=minutes),
                    metrics=s3.CfnBucket.MetricsProperty(status=on, event_threshold=minutes),
                ),
            )
        ],
    )
    # The rule takes effect with the bucket; the role must be able to replicate by then.
    bucket.resource.node.add_dependency(role.policy)
