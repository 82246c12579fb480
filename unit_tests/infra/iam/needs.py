"""The needs of each role, written from the calls in its code. A template may allow no more and no less.

Add an action that a handler begins to call here first, and then in `infra`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from unit_tests.infra.iam.statements import Conditions, Grant

EVERYWHERE = {
    "cloudwatch:GetMetricData": "CloudWatch knows no resource of a metric",
    "ec2:AssignPrivateIpAddresses": "Lambda attaches a function to a VPC; EC2 knows no resource for it in advance",
    "ec2:CreateNetworkInterface": "likewise",
    "ec2:DeleteNetworkInterface": "likewise; AWS documents it with `*` only",
    "ec2:DescribeNetworkInterfaces": "EC2's Describe calls take no resource",
    "ec2:DescribeSecurityGroups": "likewise",
    "ec2:DescribeSubnets": "likewise",
    "ec2:UnassignPrivateIpAddresses": "as AssignPrivateIpAddresses",
    "s3:CreateJob": "S3 knows no resource of a job before it is made; the role that may be passed bounds it",
    "xray:PutTelemetryRecords": "X-Ray takes no resource",
    "xray:PutTraceSegments": "likewise",
}
"""The only actions that may be allowed on `*`, each with the reason why it cannot be narrower."""

ATTACH_TO_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def condition(operator: str, key: str, *values: str) -> Conditions:
    """Return one condition, in the form of a statement's conditions."""
    return frozenset({(operator, key, values)})


@dataclass(frozen=True)
class Need:
    """Actions that a role needs on resources.

    Attributes:
        actions: actions of one service.
        on: patterns of ARNs.
        own: whether the function's own code makes the call, through the endpoint of its VPC, if any; otherwise an AWS
            service calls with the role.
        conditions: the conditions of the permission.
    """

    actions: tuple[str, ...]
    on: tuple[str, ...]
    own: bool = True
    conditions: Conditions = frozenset()

    def grants(self) -> Iterator[Grant]:
        for action in self.actions:
            for resource in self.on:
                yield Grant("Allow", action, resource, self.conditions)


@dataclass(frozen=True)
class Place:
    """A region, with the ARNs of its resources."""

    account: str
    region: str
    peer: str

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        return f"arn:aws:{service}:{region or self.region}:{self.account}:{resource}"

    def bucket(self, word: str, region: str | None = None) -> str:
        return f"arn:aws:s3:::serverless-{word}-prod-{self.account}-{region or self.region}-an"

    def queue(self, word: str) -> str:
        return self.arn("sqs", f"serverless-{word}-prod")

    def key(self, purpose: str) -> str:
        return self.arn("kms", f"key/serverless-{purpose}-prod")

    def logs(self, word: str) -> str:
        """Return the ARN of a log group and its streams."""
        return self.arn("logs", f"log-group:serverless-{word}-prod:*")

    @property
    def table(self) -> str:
        """The ARN of the table's replica here."""
        return self.arn("dynamodb", "table/serverless-ledger-prod")

    @property
    def secret(self) -> str:
        """The ARN of the secret here, without the six characters that Secrets Manager chooses."""
        return self.arn("secretsmanager", "secret:serverless-receipt-signing-prod-??????")


def of_every_function(place: Place, word: str) -> Iterator[Need]:
    """Yield the calls that Lambda makes with the role of every function."""
    yield Need(("logs:CreateLogStream", "logs:PutLogEvents"), (place.logs(word),), own=False)
    if word not in {"issuer", "observer"}:  # called day and night, and each call would be a trace
        yield Need(("xray:PutTelemetryRecords", "xray:PutTraceSegments"), ("*",), own=False)
    yield Need(("sqs:SendMessage",), (place.queue("async-dlq"),), own=False)
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("queue"),), own=False)


def processor(place: Place) -> Iterator[Need]:
    """Yield the processor's needs: read objects, archive rejected ones, write the ledger, put messages back."""
    queue, archive = place.queue("ingest"), place.bucket("archive")
    yield Need(("s3:GetObject", "s3:GetObjectVersion"), (f"{place.bucket('ingest')}/incoming/*",))
    yield Need(("s3:ListBucket",), (place.bucket("ingest"),))  # without it a version that is gone is a 403, not a 404
    yield Need(("s3:ListBucketVersions",), (place.bucket("ingest"),))  # another version stands in for one that is gone
    yield Need(("s3:PutObject",), (f"{archive}/rejected/*", f"{archive}/quarantined/*"))
    yield Need(("s3:GetObject",), (f"{archive}/rejected/*.part",))  # of an object that takes several invocations to read
    yield Need(("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"), (place.table,))  # the reconciler scans
    yield Need(("dynamodb:BatchWriteItem", "dynamodb:DeleteItem"), (place.table,), conditions=of_rows_like("REC#*"))
    written = of_rows_like("OBJ#*", f"RECONCILER#{place.region}")
    yield Need(("dynamodb:PutItem", "dynamodb:UpdateItem"), (place.table,), conditions=written)
    yield Need(("sqs:SendMessage",), (queue, place.queue("ingest-dlq")))
    yield Need(("sqs:ChangeMessageVisibility",), (queue,))  # a failed message is visible again after seconds
    polls = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    yield Need(polls, (queue,), own=False)
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("data"),), own=False)


def issuer(place: Place) -> Iterator[Need]:
    """Yield the issuer's needs: presign uploads as its role, check whether they arrived, answer from the ledger."""
    bucket = place.bucket("ingest")
    yield Need(("s3:GetObject", "s3:PutObject"), (f"{bucket}/incoming/uploads/*",))
    # Which parts have arrived; the parts of a file that another request has stored are removed.
    multipart = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    yield Need(multipart, (f"{bucket}/incoming/uploads/*",))
    yield Need(("s3:ListBucketMultipartUploads",), (bucket,))
    yield Need(("s3:ListBucket",), (bucket,), conditions=condition("StringLike", "s3:prefix", "incoming/uploads/*"))
    yield Need(("dynamodb:GetItem", "dynamodb:Query"), (place.table,))
    mine = of_rows_like("OBJ#*", "CLAIM#*#*", f"HEALTH#{place.region}")
    yield Need(("dynamodb:PutItem",), (place.table,), conditions=mine)
    yield Need(("dynamodb:Query",), (f"{place.table}/index/by_file",))
    yield Need(("secretsmanager:GetSecretValue",), (place.secret,))
    yield Need(("sqs:GetQueueAttributes",), (place.queue("ingest"),))
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("data"),), own=False)
    yield Need(("kms:Decrypt",), (place.key("secret"),), own=False)


def observer(place: Place, api: str) -> Iterator[Need]:
    """Yield the observer's needs: upload a canary, check both regions, and write its own rows."""
    own = tuple(f"{word}#{place.region}" for word in ("HEARTBEAT", "DIGEST", "OBSERVER"))
    yield Need(("dynamodb:GetItem", "dynamodb:Query"), (place.table,))
    yield Need(("dynamodb:PutItem",), (place.table,), conditions=of_rows(*own))
    yield Need(("dynamodb:Query",), (f"{place.table}/index/by_state_hour",))
    routes = tuple(place.arn("execute-api", f"{api}/$default/{route}") for route in ("POST/uploads", "GET/uploads/*"))
    yield Need(("execute-api:Invoke",), routes)
    yield Need(("sqs:GetQueueAttributes",), (place.queue("ingest"), place.queue("ingest-dlq")))
    # Which version is current in each region; no value, and so no key.
    yield Need(("secretsmanager:DescribeSecret",), (place.secret, place.secret.replace(place.region, place.peer)))
    yield Need(("cloudwatch:GetMetricData",), ("*",))
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("data"),), own=False)
    there = place.table.replace(place.region, place.peer)
    yield Need(
        ("dynamodb:GetItem",),
        (there,),
        conditions=of_rows(*(f"{word}#{place.peer}" for word in ("HEARTBEAT", "CONTROL")), f"CONTROL#{place.region}"),
    )
    by_alias = condition("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/serverless-data-prod")
    yield Need(("kms:Decrypt",), (place.arn("kms", "key/*", place.peer),), own=False, conditions=by_alias)


def of_rows(*partition_keys: str) -> Conditions:
    """Return the condition that a call names rows of these partition keys only."""
    return condition("ForAllValues:StringEquals", "dynamodb:LeadingKeys", *partition_keys)


def of_rows_like(*patterns: str) -> Conditions:
    """Return the condition that a call names rows of partition keys that match these patterns only."""
    return condition("ForAllValues:StringLike", "dynamodb:LeadingKeys", *patterns)


def rotation(place: Place) -> Iterator[Need]:
    """Yield the needs of a rotation's four steps.

    A new value is encrypted for the replica too, under the caller's identity. "To encrypt the replicated secret with a KMS
    key other than aws/secretsmanager, you need kms:GenerateDataKey and kms:Encrypt to the key", and kms:Decrypt for the
    primary's: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html
    The replica's data key is read again when a label moves, which needs kms:Decrypt there.
    """
    reads = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    writes = ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage")
    yield Need((*reads, *writes), (place.secret,))
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("secret"),), own=False)
    by_alias = condition("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/serverless-secret-prod")
    there = (place.arn("kms", "key/*", place.peer),)
    yield Need(("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"), there, own=False, conditions=by_alias)


def default_security_group(place: Place, group: str) -> Iterator[Need]:
    """Yield the needs to read and remove the rules of the VPC's default group."""
    yield Need(("ec2:DescribeSecurityGroups",), ("*",))
    revokes = ("ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress")
    yield Need(revokes, (place.arn("ec2", f"security-group/{group}"),))


def bucket_replication(place: Place, secondary: Place, replication_role: str, batch_role: str) -> Iterator[Need]:
    """Yield the needs to set the secondary's rule, start the job for older objects, and note that both are done.

    S3 assumes a role for each of the two, and the creator of a job must be allowed to pass its role:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
    """
    yield Need(("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"), (secondary.bucket("ingest"),))
    for role, service in ((replication_role, "s3.amazonaws.com"), (batch_role, "batchoperations.s3.amazonaws.com")):
        yield Need(("iam:PassRole",), (role,), conditions=condition("StringEquals", "iam:PassedToService", service))
    yield Need(("s3:CreateJob",), ("*",))
    yield Need(("s3:DescribeJob",), (secondary.arn("s3", "job/*"),))
    yield Need(("dynamodb:PutItem",), (place.table,), conditions=of_rows_like(f"REPLICATION#{secondary.region}"))
    yield Need(("kms:Decrypt", "kms:GenerateDataKey"), (place.key("data"),), own=False)


def batch_replication(bucket: str) -> Iterator[Need]:
    """Yield the needs to list `incoming/` and start its replication; S3 copies with the rule's own role.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html
    """
    yield Need(("s3:InitiateReplication",), (f"{bucket}/incoming/*",), own=False)
    yield Need(("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"), (bucket,), own=False)


def table_policy(place: Place) -> Iterator[Need]:
    """Yield the needs to set the policy of the other region's replica, which that replica's template cannot hold."""
    verbs = ("Delete", "Get", "Put")
    there = place.table.replace(place.region, place.peer)
    yield Need(tuple(f"dynamodb:{verb}ResourcePolicy" for verb in verbs), (there,))


def operator(place: Place) -> Iterator[Need]:
    """Yield the operator's needs: read both regions, claim for either, and force clients to the secondary."""
    pair = sorted((place.region, place.peer))
    claims, force = [f"CONTROL#{region}" for region in pair], "FORCE#us-west-2"
    published = [f"{word}#{region}" for word in ("HEARTBEAT", "DIGEST", "RECONCILER") for region in pair]
    for region in pair:
        table = place.table.replace(place.region, region)
        yield Need(("dynamodb:PutItem",), (table,), own=False, conditions=of_rows_like(*claims, force))
        reads = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
        yield Need(reads, (table,), own=False, conditions=of_rows_like(*claims, force, *published, "OBJ#*"))
        yield Need(("dynamodb:Query",), (f"{table}/index/by_file", f"{table}/index/by_state_hour"), own=False)
        by_alias = condition("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/serverless-data-prod")
        yield Need(("kms:Decrypt",), (place.arn("kms", "key/*", region),), own=False, conditions=by_alias)
        for word in ("ingest", "ingest-dlq"):
            queue = place.queue(word).replace(place.region, region)
            yield Need(("sqs:GetQueueAttributes", "sqs:GetQueueUrl"), (queue,), own=False)
        received = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
        yield Need(received, (place.queue("ingest-dlq").replace(place.region, region),), own=False)
        # To redrive, replay and reprocess.
        yield Need(("sqs:SendMessage",), (place.queue("ingest").replace(place.region, region),), own=False)
        of_queues = condition("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/serverless-queue-prod")
        use = ("kms:Decrypt", "kms:GenerateDataKey")
        yield Need(use, (place.arn("kms", "key/*", region),), own=False, conditions=of_queues)
        listed = condition("StringLike", "s3:prefix", "incoming/*")
        yield Need(("s3:ListBucketVersions",), (place.bucket("ingest", region),), own=False, conditions=listed)
        yield Need(("cloudwatch:DescribeAlarms",), (place.arn("cloudwatch", "alarm:*", region),), own=False)
        for word in ("processor", "issuer", "observer", "rotation"):
            group = place.arn("logs", f"log-group:serverless-{word}-prod:*", region)
            yield Need(("logs:FilterLogEvents",), (group,), own=False)
        stack = place.arn("cloudformation", "stack/serverless-regional-prod/*", region)
        yield Need(("cloudformation:DescribeStacks",), (stack,), own=False)


def replication(place: Place) -> Iterator[Need]:
    """Yield the needs of replication: S3 reads here and writes there; only an alias names the key of the other region."""
    source, destination = place.bucket("ingest"), place.bucket("ingest", place.peer)
    yield Need(("s3:GetReplicationConfiguration", "s3:ListBucket"), (source,), own=False)
    versions = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging")
    yield Need(versions, (f"{source}/*",), own=False)
    yield Need(("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"), (f"{destination}/*",), own=False)
    yield Need(("kms:Decrypt",), (place.key("data"),), own=False)
    yield Need(
        ("kms:Encrypt", "kms:GenerateDataKey"),
        (place.arn("kms", "key/*", place.peer),),
        own=False,
        conditions=condition("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/serverless-data-prod"),
    )


def flow_logs(place: Place) -> Iterator[Need]:
    actions = ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
    yield Need(actions, (place.logs("flow-logs"),), own=False)


def trail(place: Place) -> Iterator[Need]:
    """Yield the needs of CloudTrail, which writes its log group."""
    yield Need(("logs:CreateLogStream", "logs:PutLogEvents"), (place.logs("audit"),), own=False)
