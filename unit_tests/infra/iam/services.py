"""The permissions that resource policies give to AWS services and to other accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from unit_tests.infra.iam.needs import Place, condition
from unit_tests.infra.iam.statements import Conditions

WITHOUT_TLS = condition("Bool", "aws:SecureTransport", "false")
OLD_TLS = condition("NumericLessThan", "s3:TlsVersion", "1.2")
NO_SERVICE = condition("Bool", "aws:PrincipalIsAWSService", "false")


@dataclass(frozen=True)
class ResourceStatement:
    """One expected statement of the policy on a resource."""

    on: str
    effect: str
    principal: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = frozenset()

    def one_by_one(self) -> Iterator[tuple[str, str, str, str, str, Conditions]]:
        """Yield one grant for each action and resource."""
        for action in self.actions:
            for resource in self.resources:
                yield self.on, self.effect, self.principal, action, resource, self.conditions


def of_a_region(place: Place, api: str, routes: tuple[str, ...], issuer: str) -> Iterator[ResourceStatement]:
    own_account = condition("StringEquals", "aws:SourceAccount", place.account)
    ingest, archive, logs = (place.bucket(word) for word in ("ingest", "archive", "access-logs"))
    for bucket in (ingest, archive, logs):
        yield from _over_tls(bucket)
    for bucket in (ingest, archive):
        yield from _under_key(bucket, place.key("data"))
    for word, bucket in (("ingest", ingest), ("archive", archive)):
        yield _access_log(logs, word, bucket, own_account)
    another = condition("ArnNotEquals", "aws:PrincipalArn", issuer)
    yield ResourceStatement(ingest, "Deny", "*", ("s3:PutObject",), (f"{ingest}/incoming/uploads/canary/*",), another)

    queue = place.queue("ingest")
    for each in (queue, place.queue("ingest-dlq"), place.queue("async-dlq")):
        yield ResourceStatement(each, "Deny", "*", ("sqs:*",), (each,), WITHOUT_TLS)
    from_bucket = own_account | condition("ArnEquals", "aws:SourceArn", ingest)
    yield ResourceStatement(queue, "Allow", "s3.amazonaws.com", ("sqs:SendMessage",), (queue,), from_bucket)

    topic = place.arn("sns", "serverless-alarms-prod")
    yield ResourceStatement(topic, "Deny", "*", ("sns:Publish",), (topic,), WITHOUT_TLS)
    alarms = condition("ArnLike", "aws:SourceArn", place.arn("cloudwatch", "alarm:serverless-*-prod"))
    yield ResourceStatement(topic, "Allow", "cloudwatch.amazonaws.com", ("sns:Publish",), (topic,), own_account | alarms)

    invoke = ("lambda:InvokeFunction",)
    rotates = place.arn("lambda", "function:serverless-rotation-prod")
    of_secret = own_account | condition("ArnLike", "aws:SourceArn", place.secret)
    yield ResourceStatement(rotates, "Allow", "secretsmanager.amazonaws.com", invoke, (rotates,), of_secret)
    failed = place.queue("async-dlq")
    for rule, word in (("observe", "observer"), ("reconcile", "processor")):
        by_the_clock = place.arn("events", f"rule/serverless-{rule}-prod")
        from_rule = own_account | condition("ArnEquals", "aws:SourceArn", by_the_clock)
        yield ResourceStatement(failed, "Allow", "events.amazonaws.com", ("sqs:SendMessage",), (failed,), from_rule)
        runs = place.arn("lambda", f"function:serverless-{word}-prod")
        of_rule = condition("ArnLike", "aws:SourceArn", by_the_clock)
        yield ResourceStatement(runs, "Allow", "events.amazonaws.com", invoke, (runs,), of_rule)
    issues = place.arn("lambda", "function:serverless-issuer-prod")
    for route in routes:
        of_route = condition("ArnLike", "aws:SourceArn", place.arn("execute-api", f"{api}/*/*{route}"))
        yield ResourceStatement(issues, "Allow", "apigateway.amazonaws.com", invoke, (issues,), of_route)


def of_keys(place: Place, trail_home: str) -> Iterator[ResourceStatement]:
    own_account = condition("StringEquals", "aws:SourceAccount", place.account)
    log_groups = condition("ArnLike", "kms:EncryptionContext:aws:logs:arn", place.arn("logs", "log-group:serverless-*"))
    the_trail = condition(
        "StringEquals", "aws:SourceArn", place.arn("cloudtrail", "trail/serverless-audit-prod", trail_home)
    )
    log_actions = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
    trail_actions = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*")
    for purpose in ("data", "queue", "logs", "secret", "trail"):
        # The account's own policies decide, as AWS advises: without this a key cannot be managed by anybody.
        root = f"arn:aws:iam::{place.account}:root"
        yield ResourceStatement(place.key(purpose), "Allow", root, ("kms:*",), ("*",))
    for service in ("s3.amazonaws.com", "events.amazonaws.com", "cloudwatch.amazonaws.com"):
        actions = ("kms:Decrypt", "kms:GenerateDataKey")
        yield ResourceStatement(place.key("queue"), "Allow", service, actions, ("*",), own_account)
    for purpose in ("logs", "trail"):
        service = f"logs.{place.region}.amazonaws.com"
        yield ResourceStatement(place.key(purpose), "Allow", service, log_actions, ("*",), log_groups)
    yield ResourceStatement(place.key("trail"), "Allow", "cloudtrail.amazonaws.com", trail_actions, ("*",), the_trail)


def of_data(place: Place) -> Iterator[ResourceStatement]:
    """Yield the statements of the resource policies in the data stack; the secret's replica has the secret's."""
    trail, logs = place.bucket("trail"), place.bucket("trail-access")
    for bucket in (trail, logs):
        yield from _over_tls(bucket)
    yield from _under_key(trail, place.key("trail"))
    own_account = condition("StringEquals", "aws:SourceAccount", place.account)
    yield _access_log(logs, "trail", trail, own_account)

    service = "cloudtrail.amazonaws.com"
    the_trail = condition("StringEquals", "aws:SourceArn", place.arn("cloudtrail", "trail/serverless-audit-prod"))
    to_owner = condition("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")
    yield ResourceStatement(trail, "Allow", service, ("s3:GetBucketAcl",), (trail,), the_trail)
    log_files = f"{trail}/AWSLogs/{place.account}/*"
    yield ResourceStatement(trail, "Allow", service, ("s3:PutObject",), (log_files,), the_trail | to_owner)

    stranger = condition("StringNotEquals", "aws:PrincipalAccount", place.account)
    for region in (place.region, place.peer):
        secret = place.secret.replace(place.region, region).replace("??????", "AbCdEf")
        for conditions in (WITHOUT_TLS, stranger | NO_SERVICE):
            yield ResourceStatement(secret, "Deny", "*", ("secretsmanager:*",), ("*",), conditions)


WRITES = (
    *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    *("dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"),
)


def of_tables(place: Place, *, home: str, promotes_itself: bool) -> Iterator[ResourceStatement]:
    """Yield the statements of the policy on the table's replica: only their writers may write the rows of a region."""
    role = f"arn:aws:iam::{place.account}:role/"
    service = f"{role}aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"
    operator = f"{role}serverless-operator-prod"
    issuer, observer, processor = (
        f"{role}serverless-{word}-prod-{place.region}" for word in ("issuer", "observer", "processor")
    )
    deployment = (f"{role}serverless-bucket-replication-prod",) if place.region == home else ()
    others_rows = tuple(f"{word}#{place.peer}" for word in ("HEARTBEAT", "DIGEST", "OBSERVER", "HEALTH", "RECONCILER"))
    for rows, writers in (
        (("CONTROL#*",), (operator, observer) if promotes_itself else (operator,)),
        (("FORCE#*", f"CONTROL#{place.peer}"), (operator,)),
        (("HEARTBEAT#*", "DIGEST#*", "OBSERVER#*"), (observer,)),
        (("HEALTH#*",), (issuer,)),
        (("RECONCILER#*",), (processor,)),
        (("REPLICATION#*",), deployment),
        (others_rows, ()),
    ):
        others = condition("ArnNotEquals", "aws:PrincipalArn", *writers, service)
        of_rows = condition("ForAnyValue:StringLike", "dynamodb:LeadingKeys", *rows)
        yield ResourceStatement(place.table, "Deny", "*", WRITES, (place.table,), of_rows | others)


def _over_tls(bucket: str) -> Iterator[ResourceStatement]:
    for conditions in (WITHOUT_TLS, OLD_TLS):
        yield ResourceStatement(bucket, "Deny", "*", ("s3:*",), (bucket, f"{bucket}/*"), conditions)


def _under_key(bucket: str, key: str) -> Iterator[ResourceStatement]:
    """Yield the statement that refuses an upload with another encryption than the bucket's."""
    for header, wanted in (
        ("s3:x-amz-server-side-encryption", "aws:kms"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", key),
    ):
        another = condition("StringNotEquals", header, wanted) | condition("Null", header, "false") | NO_SERVICE
        yield ResourceStatement(bucket, "Deny", "*", ("s3:PutObject",), (f"{bucket}/*",), another)


def _access_log(logs: str, word: str, source: str, own_account: Conditions) -> ResourceStatement:
    from_source = own_account | condition("ArnLike", "aws:SourceArn", source)
    return ResourceStatement(
        logs, "Allow", "logging.s3.amazonaws.com", ("s3:PutObject",), (f"{logs}/{word}/*",), from_source
    )
