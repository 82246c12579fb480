"""Attacks: settings and statements that an intruder or a careless change would add, by kind.

Each is data: where it goes, and the value. CloudFormation accepts all of them, and none removes anything.
"""

import string
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from compliance.cfn.templates import Json, Resource
from compliance.engine.candidates import Pointer, Step, at_or_none
from compliance.mutants.mutant import CONDITIONS, settable

Attack: TypeAlias = tuple[str, Pointer, Json, Json]
"""Operator, pointer, before, after."""

STRANGER: Final = "999999999999"
_EAST: Final = "us-east-1"
_ORGANIZATION: Final = "o-0123456789"
_CANONICAL: Final = "0123456789abcdef" * 4
_QUEUE: Final = f"arn:aws:sqs:{_EAST}:{STRANGER}:collector"
_TOPIC: Final = f"arn:aws:sns:{_EAST}:{STRANGER}:collector"
_FUNCTION: Final = f"arn:aws:lambda:{_EAST}:{STRANGER}:function:collector"
_STREAM: Final = f"arn:aws:kinesis:{_EAST}:{STRANGER}:stream/collector"
_KEY: Final = f"arn:aws:kms:{_EAST}:{STRANGER}:key/11111111-2222-3333-4444-555555555555"
_BUCKET: Final = "arn:aws:s3:::collector"
_CREATED: Final = "s3:ObjectCreated:*"
_EXPORT: Final = {"BucketArn": _BUCKET, "Format": "CSV"}
_INVENTORY: Final = {"Id": "a", "Enabled": True, "IncludedObjectVersions": "All", "ScheduleFrequency": "Daily"}
_HTTPS_TO: Final = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}

# Shapes of secrets, put together here so that no scanner takes them for real ones.
_AWS_SECRET: Final = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzzAb3dEfGh"
TOKENS: Final = {
    "AWS": _AWS_SECRET,
    "STRIPE": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",  # pragma: allowlist secret
    "GOOGLE": "AIza" + "SyD4x8Kq3mZ0aB7cV9nL2wE5rT6yU1iOpQs",  # pragma: allowlist secret
    "GITHUB": "github" + "_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",  # pragma: allowlist secret
    "SLACK": "https://hooks." + "slack.com/services/T01234567/B01234567/aBcDeFgHiJkLmNoPqRsTuVwX",
    "BEARER": "Bearer " + "q7Zx2Lk9VbN4mT8wR1cY6pD3sF5gH0jA",  # pragma: allowlist secret
    "CONNECTION": "Server=db.internal;User Id=app;Pass" + "word=Tr0ub4dor;Database=ledger",
    "SAS": "https://a.blob.core.windows.net/c?sv=2022-11-02&sig=" + "q7Zx2Lk9VbN4mT8wR1cY6pD3sF5gH0jAq7Zx2Lk9VbN%3D",
}
_NAMED: Final = ("PASS", "PGPASSWORD", "DATABASE_PW", "ENCRYPTION_KEY")
_HIDDEN: Final = {
    "SELECT": {"Fn::Select": [0, [_AWS_SECRET]]},
    "BASE64": {"Fn::Base64": TOKENS["STRIPE"]},
    "RESOLVE": "postgres://app:{{resolve:secretsmanager:serverless-receipt-signing-prod}}@db.internal/ledger",
}
_LOADED: Final = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper",
    "LD_PRELOAD": "/mnt/a.so",
    "NODE_OPTIONS": "--require /mnt/a.js",
    "PYTHONHTTPSVERIFY": "0",
    "PYTHONPATH": "/mnt:/var/task",
}
"""Variables that make a runtime load other code, or trust everybody."""

_OWN: Final = "arn:aws:{}:us-east-1:000000000000:{}"
_OWN_ROLE: Final = "arn:aws:iam::000000000000:role/nobody"
_OWN_BUCKET: Final = {"Fn::Sub": "elsewhere-${AWS::AccountId}-${AWS::Region}-an"}
_ESCALATIONS: Final[Mapping[str, str]] = {
    "iam:PutRolePolicy": "arn:aws:iam::000000000000:role/serverless-operator-prod",
    "iam:AttachRolePolicy": "arn:aws:iam::000000000000:role/serverless-operator-prod",
    "iam:UpdateAssumeRolePolicy": "arn:aws:iam::000000000000:role/serverless-operator-prod",
    "iam:CreateAccessKey": "arn:aws:iam::000000000000:user/deploy",
    "iam:CreatePolicyVersion": "arn:aws:iam::000000000000:policy/deploy",
    "sts:AssumeRole": "arn:aws:iam::000000000000:role/Admin",
    "lambda:UpdateFunctionCode": _OWN.format("lambda", "function:serverless-issuer-prod"),
    "lambda:AddPermission": _OWN.format("lambda", "function:serverless-issuer-prod"),
    "kms:PutKeyPolicy": _OWN.format("kms", "key/11111111-2222-3333-4444-555555555555"),
    "kms:CreateGrant": _OWN.format("kms", "key/11111111-2222-3333-4444-555555555555"),
    "kms:ScheduleKeyDeletion": _OWN.format("kms", "key/11111111-2222-3333-4444-555555555555"),
    "s3:PutBucketPolicy": "arn:aws:s3:::serverless-ingest-prod-000000000000-us-east-1-an",
    "s3:PutLifecycleConfiguration": "arn:aws:s3:::serverless-ingest-prod-000000000000-us-east-1-an",
    "s3:PutBucketNotification": "arn:aws:s3:::serverless-ingest-prod-000000000000-us-east-1-an",
    "dynamodb:DeleteTable": _OWN.format("dynamodb", "table/serverless-ledger-prod"),
    "dynamodb:UpdateContinuousBackups": _OWN.format("dynamodb", "table/serverless-ledger-prod"),
    "sqs:PurgeQueue": _OWN.format("sqs", "serverless-ingest-prod"),
    "sqs:SetQueueAttributes": _OWN.format("sqs", "serverless-ingest-prod"),
    "sns:Subscribe": _OWN.format("sns", "serverless-alarms-prod"),
    "cloudwatch:DeleteAlarms": _OWN.format("cloudwatch", "alarm:serverless-queue-age-prod"),
    "cloudwatch:DisableAlarmActions": _OWN.format("cloudwatch", "alarm:serverless-queue-age-prod"),
    "events:DisableRule": _OWN.format("events", "rule/serverless-reconcile-prod"),
    "logs:DeleteLogGroup": _OWN.format("logs", "log-group:serverless-audit-prod"),
    "logs:PutSubscriptionFilter": _OWN.format("logs", "log-group:serverless-audit-prod"),
    "cloudtrail:StopLogging": _OWN.format("cloudtrail", "trail/serverless-audit-prod"),
    "secretsmanager:ReplicateSecretToRegions": _OWN.format(
        "secretsmanager", "secret:serverless-receipt-signing-prod-??????"
    ),
    "dynamodb:ExportTableToPointInTime": _OWN.format("dynamodb", "table/serverless-ledger-prod"),
    "lambda:PutFunctionEventInvokeConfig": _OWN.format("lambda", "function:serverless-issuer-prod"),
    "cloudwatch:PutCompositeAlarm": _OWN.format("cloudwatch", "alarm:serverless-queue-age-prod"),
    "secretsmanager:DeleteSecret": _OWN.format("secretsmanager", "secret:serverless-receipt-signing-prod-??????"),
}
_GITHUB: Final = "token.actions.githubusercontent.com"
_OIDC: Final = {"Federated": f"arn:aws:iam::000000000000:oidc-provider/{_GITHUB}"}
_AUDIENCE: Final = {f"{_GITHUB}:aud": "sts.amazonaws.com"}
_ROOT: Final = {"AWS": "arn:aws:iam::000000000000:root"}


def _web(**conditions: Json) -> dict[str, Json]:
    return {"Effect": "Allow", "Principal": _OIDC, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": conditions}


def _assumes(principal: Json, **conditions: Json) -> dict[str, Json]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": conditions}


_TRUST: Final = (
    _web(StringEquals=_AUDIENCE),
    _web(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "*"}),
    _web(StringEquals=_AUDIENCE, StringLike={f"{_GITHUB}:sub": "repo:*"}),
    _web(StringEquals={f"{_GITHUB}:sub": "repo:stranger/code:ref:refs/heads/main"}),
    _assumes({"Service": "ec2.amazonaws.com"}),
    _assumes({"Service": ["lambda.amazonaws.com", "ssm.amazonaws.com"]}),
    _assumes(_ROOT, Bool={"aws:MultiFactorAuthPresent": "false"}),
    _assumes(_ROOT, BoolIfExists={"aws:MultiFactorAuthPresent": "true"}),
    _assumes(_ROOT, StringLike={"aws:PrincipalArn": "*"}),
)


def _allows(action: str, principal: Json, **conditions: Json) -> dict[str, Json]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return statement | ({"Condition": conditions} if conditions else {})


_READS: Final = {
    "AWS::KMS::Key": "kms:Decrypt",
    "AWS::S3::BucketPolicy": "s3:GetObject",
    "AWS::SNS::TopicPolicy": "sns:Subscribe",
    "AWS::SQS::QueuePolicy": "sqs:ReceiveMessage",
    "AWS::SecretsManager::ResourcePolicy": "secretsmanager:GetSecretValue",
}
_POLICIES: Final = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
}


def _statements(kind: str) -> Iterator[tuple[str, Json]]:
    if kind == "AWS::IAM::ManagedPolicy":
        for action, resource in _ESCALATIONS.items():
            yield "escalate", {"Effect": "Allow", "Action": action, "Resource": resource}
    elif kind == "AWS::IAM::Role":
        yield from (("trust", statement) for statement in _TRUST)
    elif kind in _READS:
        everyone = {"AWS": "*"}
        yield "weaken", {**_allows("*", everyone), "Effect": "Deny"}
        yield "stranger", _allows(_READS[kind], {"CanonicalUser": _CANONICAL})
        yield "stranger", _allows(_READS[kind], {"Federated": "accounts.google.com"})
        yield "stranger", _allows(_READS[kind], everyone, StringEquals={"aws:SourceVpce": "vpce-0123456789abcdef0"})
        yield "stranger", _allows(_READS[kind], everyone, StringEquals={"aws:SourceVpc": "vpc-0123456789abcdef0"})
        yield "stranger", _allows(_READS[kind], everyone, StringEquals={"aws:PrincipalOrgID": _ORGANIZATION})
        paths = {"aws:PrincipalOrgPaths": f"{_ORGANIZATION}/r-ab12/*"}
        yield "stranger", _allows(_READS[kind], everyone, **{"ForAnyValue:StringLike": paths})


_SETTINGS: Final[Mapping[str, tuple[tuple[str, tuple[Step, ...], Json], ...]]] = {
    "AWS::ApiGatewayV2::Stage": (
        ("stranger", ("AccessLogSettings", "DestinationArn"), f"arn:aws:firehose:{_EAST}:{STRANGER}:deliverystream/a"),
        *(("secret", ("StageVariables", name), value) for name, value in TOKENS.items()),
    ),
    "AWS::CloudTrail::Trail": (
        ("stranger", ("S3BucketName",), "collector"),
        ("stranger", ("SnsTopicName",), _TOPIC),
        ("stray", ("SnsTopicName",), "elsewhere"),
        ("stranger", ("CloudWatchLogsLogGroupArn",), f"arn:aws:logs:{_EAST}:{STRANGER}:log-group:a:*"),
        ("stranger", ("KMSKeyId",), _KEY),
    ),
    "AWS::CloudWatch::Alarm": (
        ("weaken", ("Threshold",), 1_000_000_000),
        ("weaken", ("Namespace",), "AWS/Misspelt"),
        ("weaken", ("Namespace",), "Lockstp"),
        ("weaken", ("MetricName",), "Misspelt"),
        ("weaken", ("EvaluateLowSampleCountPercentile",), "ignore"),
        ("weaken", ("Statistic",), "Average"),
        ("weaken", ("Statistic",), "Minimum"),
        ("stranger", ("AlarmActions", 0), _TOPIC),
        ("stranger", ("OKActions", 0), _TOPIC),
        ("secret", ("AlarmDescription",), f"Call {TOKENS['SLACK']}"),
    ),
    "AWS::CloudWatch::CompositeAlarm": (
        ("weaken", ("ActionsSuppressor",), "serverless-queue-age-prod"),
        ("stranger", ("AlarmActions", 0), _TOPIC),
    ),
    "AWS::DynamoDB::GlobalTable": (
        ("weaken", ("WriteOnDemandThroughputSettings",), {"MaxWriteRequestUnits": 1}),
        ("weaken", ("Replicas", 0, "ReadOnDemandThroughputSettings"), {"MaxReadRequestUnits": 1}),
        ("weaken", ("TimeToLiveSpecification", "AttributeName"), "created_at"),
        ("stranger", ("Replicas", 0, "KinesisStreamSpecification"), {"StreamArn": _STREAM}),
        ("stranger", ("Replicas", 0, "SSESpecification", "KMSMasterKeyId"), _KEY),
        ("secret", ("Replicas", 0, "Tags", 0, "Value"), _AWS_SECRET),
    ),
    "AWS::EC2::FlowLog": (
        ("stranger", ("LogDestination",), f"arn:aws:logs:{_EAST}:{STRANGER}:log-group:a"),
        ("stray", ("DeliverLogsPermissionArn",), _OWN_ROLE),
        ("stray", ("LogGroupName",), "elsewhere"),
    ),
    "AWS::EC2::SecurityGroup": (
        *(
            ("public", ("SecurityGroupIngress",), [{**_HTTPS_TO, name: cidr}])
            for name, cidr in (
                ("CidrIp", "52.0.0.0/16"), ("CidrIp", "1.2.0.0/16"), ("CidrIp", "8.8.8.8/32"),
                ("CidrIpv6", "2600:1f00::/40"), ("CidrIpv6", "2001:db8:1:2::/64"),
            )
        ),
        ("public", ("SecurityGroupEgress",), [{**_HTTPS_TO, "CidrIp": "52.0.0.0/16"}]),
        ("public", ("SecurityGroupEgress",), [{**_HTTPS_TO, "CidrIpv6": "2600:1f00::/40"}]),
        ("stranger", ("SecurityGroupEgress",), [{**_HTTPS_TO, "DestinationPrefixListId": "pl-0123456789abcdef0"}]),
        ("stranger", ("SecurityGroupIngress",), [{**_HTTPS_TO, "SourcePrefixListId": "pl-0123456789abcdef0"}]),
        ("stranger", ("SecurityGroupIngress",), [{**_HTTPS_TO, "SourceSecurityGroupId": "sg-0123456789abcdef0"}]),
    ),
    "AWS::EC2::SecurityGroupEgress": (("public", ("CidrIp",), "52.0.0.0/16"),),
    "AWS::EC2::SecurityGroupIngress": (
        ("stranger", ("SourceSecurityGroupOwnerId",), STRANGER),
        ("public", ("CidrIp",), "52.0.0.0/16"),
    ),
    "AWS::EC2::VPCEndpoint": (
        ("stranger", ("ServiceName",), "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"),
    ),
    "AWS::Events::Rule": (
        ("stranger", ("Targets", 0, "Arn"), _FUNCTION),
        ("stranger", ("Targets", 0, "DeadLetterConfig", "Arn"), _QUEUE),
        ("stranger", ("Targets", 1), {"Id": "b", "Arn": f"arn:aws:events:{_EAST}:{STRANGER}:event-bus/default"}),
        ("weaken", ("Targets", 0, "Input"), '{"dryRun": true}'),
        ("weaken", ("ScheduleExpression",), "rate(1 hour)"),
        ("weaken", ("ScheduleExpression",), "rate(365 days)"),
        ("weaken", ("ScheduleExpression",), "cron(0 0 1 1 ? 2099)"),
        ("weaken", ("ScheduleExpression",), "cron(0 3 * * ? *)"),
    ),
    "AWS::KMS::Key": (
        ("weaken", ("MultiRegion",), True),
        ("weaken", ("PendingWindowInDays",), 7),
        ("weaken", ("Origin",), "EXTERNAL"),
        ("weaken", ("RotationPeriodInDays",), 2560),
    ),
    "AWS::Lambda::EventInvokeConfig": (
        ("stranger", ("DestinationConfig", "OnSuccess"), {"Destination": _QUEUE}),
        ("stranger", ("DestinationConfig", "OnSuccess"), {"Destination": "arn:aws:s3:::collector"}),
    ),
    "AWS::Lambda::Function": (
        ("stranger", ("Layers",), [f"arn:aws:lambda:{_EAST}:{STRANGER}:layer:agent:1"]),
        (
            "stranger",
            ("FileSystemConfigs",),
            [{"Arn": f"arn:aws:elasticfilesystem:{_EAST}:{STRANGER}:access-point/fsap-0123456789abcdef0",
              "LocalMountPath": "/mnt/a"}],
        ),
        ("stranger", ("Code",), {"ImageUri": f"{STRANGER}.dkr.ecr.{_EAST}.amazonaws.com/collector:latest"}),
        ("stranger", ("Environment", "Variables", "COLLECTOR"), "https://collector.example.net/"),
        ("stranger", ("KmsKeyArn",), _KEY),
        ("stranger", ("DeadLetterConfig", "TargetArn"), _QUEUE),
        ("weaken", ("ReservedConcurrentExecutions",), 1),
        ("hijack", ("Handler",), "os.system"),
        ("hijack", ("Code",), {"ZipFile": "import os"}),
        ("weaken", ("Environment", "Variables", "POWERTOOLS_METRICS_DISABLED"), "true"),
        ("hijack", ("Code", "S3ObjectVersion"), "1"),
        ("hijack", ("Code", "S3Key"), f"{'0' * 64}.zip"),
        *(("hijack", ("Environment", "Variables", name), value) for name, value in _LOADED.items()),
        *(("secret", ("Environment", "Variables", name), "correct horse battery staple") for name in _NAMED),
        *(("secret", ("Environment", "Variables", f"X_{name}"), value) for name, value in (TOKENS | _HIDDEN).items()),
        *(("secret", ("Description",), f"Deployed with {value}") for value in TOKENS.values()),
    ),
    "AWS::Logs::LogGroup": (
        ("weaken", ("LogGroupClass",), "DELIVERY"),
        ("weaken", ("LogGroupClass",), "INFREQUENT_ACCESS"),
        ("stranger", ("KmsKeyId",), _KEY),
    ),
    "AWS::S3::Bucket": (
        ("stranger", ("InventoryConfigurations",), [{**_INVENTORY, "Destination": _EXPORT | {"BucketAccountId": STRANGER}}]),
        ("stranger", ("InventoryConfigurations",), [{**_INVENTORY, "Destination": _EXPORT}]),
        (
            "stranger",
            ("AnalyticsConfigurations",),
            [{"Id": "a", "StorageClassAnalysis": {"DataExport": {"Destination": _EXPORT, "OutputSchemaVersion": "V_1"}}}],
        ),
        ("stranger", ("LoggingConfiguration", "DestinationBucketName"), "collector"),
        ("weaken", ("ObjectLockConfiguration", "Rule", "DefaultRetention", "Days"), 31),
        ("stray", ("LoggingConfiguration", "DestinationBucketName"), _OWN_BUCKET),
        ("stray", ("ReplicationConfiguration", "Role"), _OWN_ROLE),
        ("stranger", ("NotificationConfiguration", "TopicConfigurations"), [{"Event": _CREATED, "Topic": _TOPIC}]),
        ("stranger", ("NotificationConfiguration", "LambdaConfigurations"), [{"Event": _CREATED, "Function": _FUNCTION}]),
        ("stranger", ("ReplicationConfiguration", "Rules", 0, "Destination", "Bucket"), _BUCKET),
        *(
            ("weaken", ("LifecycleConfiguration", "Rules", 0), {"Status": "Enabled", "ExpirationInDays": 1, **given})
            for given in ({"ObjectSizeGreaterThan": "1"}, {"ObjectSizeLessThan": "1099511627776"})
        ),
        ("stranger", ("WebsiteConfiguration",), {"RedirectAllRequestsTo": {"HostName": "collector.example.net"}}),
        ("secret", ("Tags", 0, "Value"), TOKENS["STRIPE"]),
    ),
    "AWS::Route53::RecordSet": (
        ("stranger", ("AliasTarget", "DNSName"), "collector.example.net"),
        ("stranger", ("ResourceRecords",), ["collector.example.net"]),
    ),
    "AWS::SNS::Subscription": (("stranger", ("Endpoint",), "spy@example.net"),),
    "AWS::SNS::Topic": (
        ("stranger", ("Subscription",), [{"Protocol": "email", "Endpoint": "spy@example.net"}]),
        ("stranger", ("Subscription",), [{"Protocol": "sqs", "Endpoint": _QUEUE}]),
        ("stranger", ("Subscription",), [{"Protocol": "https", "Endpoint": "https://collector.example.net/"}]),
        ("stranger", ("DeliveryStatusLogging",), [{"Protocol": "sqs", "SuccessFeedbackRoleArn":
                                                   f"arn:aws:iam::{STRANGER}:role/a"}]),
        ("stranger", ("KmsMasterKeyId",), _KEY),
    ),
    "AWS::SQS::Queue": (
        ("weaken", ("DelaySeconds",), 900),
        ("weaken", ("MaximumMessageSize",), 1024),
        ("stranger", ("KmsMasterKeyId",), _KEY),
        ("stranger", ("RedrivePolicy", "deadLetterTargetArn"), _QUEUE),
    ),
    "AWS::SecretsManager::RotationSchedule": (("stranger", ("RotationLambdaARN",), _FUNCTION),),
    "AWS::SecretsManager::Secret": (
        ("stranger", ("ReplicaRegions", 1), {"Region": "eu-west-1", "KmsKeyId": "alias/a"}),
        (
            "weaken",
            ("GenerateSecretString",),
            {"ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludePunctuation": True, "PasswordLength": 16},
        ),
        (
            "weaken",
            ("GenerateSecretString",),
            {"ExcludeCharacters": string.ascii_letters + string.punctuation, "PasswordLength": 20},
        ),
        ("secret", ("Description",), _AWS_SECRET),
    ),
    "Custom::BucketReplication": (("stranger", ("ServiceToken",), _FUNCTION),),
}  # fmt: skip
"""The attacks on settings by type: the kind, a place below Properties, and the value."""


def attacks_on(resource: Resource) -> Iterator[Attack]:
    """Yield the attacks on one resource: its settings, the statements of its policy, its metadata and its presence."""
    given = resource.properties
    for kind, place, after in _SETTINGS.get(resource.type, ()):
        *way, last = place
        before, parent = at_or_none(given, place), at_or_none(given, way)
        if isinstance(parent, list) and isinstance(last, int):  # a list is replaced whole: an entry may be added at its end
            yield kind, ("Properties", *way), parent, [*parent[:last], after, *parent[last + 1 :]]
        elif before != after and (parent is not None or len(way) <= 1):
            pointer, value = settable(resource, place, after)
            yield kind, pointer, before, value
    document = (_POLICIES.get(resource.type, "PolicyDocument"), "Statement")
    statements = at_or_none(given, document)
    if isinstance(statements, list):
        for kind, statement in _statements(resource.type):
            before = None if kind in {"escalate", "trust"} else statements
            yield kind, ("Properties", *document), before, [*statements, statement]
    rule = at_or_none(given, ("AlarmRule",))
    if resource.type == "AWS::CloudWatch::CompositeAlarm" and rule is not None:
        for first, last, was, now in (("FALSE AND (", ")", "", ""), ("NOT (", ")", "", ""), ("", "", " OR ", " AND ")):
            yield "weaken", ("Properties", "AlarmRule"), rule, _wrapped(rule, first, last, was, now)
    if "Metadata" in resource.template.body["Resources"][resource.logical_id]:
        yield "secret", ("Metadata", "Token"), None, TOKENS["STRIPE"]
    for condition in CONDITIONS:
        yield "condition", ("Condition",), resource.path_in_stack, condition


def _wrapped(rule: Json, first: str, last: str, was: str, now: str) -> Json:
    if isinstance(rule, str):
        return f"{first}{rule.replace(was, now) if was else rule}{last}"
    separator, parts = rule["Fn::Join"]
    changed = [part.replace(was, now) if was and isinstance(part, str) else part for part in parts]
    return {"Fn::Join": [separator, [first, *changed, last]]}


BESIDE: Final[tuple[tuple[str, str, str, Mapping[str, Json]], ...]] = (
    ("stranger", "Subscription", "AWS::SNS::Subscription", {"Protocol": "sqs", "Endpoint": _QUEUE}),
    ("stranger", "Webhook", "AWS::SNS::Subscription", {"Protocol": "https", "Endpoint": "https://collector.example.net/"}),
    ("stranger", "Mailbox", "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "spy@example.net"}),
    ("stranger", "Maker", "Custom::Maker", {"ServiceToken": _FUNCTION}),
    ("stranger", "Filter", "AWS::Logs::SubscriptionFilter",
     {"LogGroupName": "serverless-audit-prod", "FilterPattern": "", "DestinationArn": f"arn:aws:logs:{_EAST}:{STRANGER}:d"}),
    ("stranger", "Copier", "AWS::Scheduler::Schedule",
     {"FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpression": "rate(1 hour)",
      "Target": {"Arn": _QUEUE, "RoleArn": "arn:aws:iam::000000000000:role/serverless-operator-prod",
                 "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:serverless-async-dlq-prod"}}}),
    ("stranger", "Stream", "AWS::CloudWatch::MetricStream",
     {"FirehoseArn": f"arn:aws:firehose:{_EAST}:{STRANGER}:deliverystream/a", "OutputFormat": "json",
      "RoleArn": f"arn:aws:iam::{STRANGER}:role/a"}),
    ("stranger", "Record", "AWS::Route53::RecordSet",
     {"Name": "api.collector.example.org", "Type": "CNAME", "TTL": "60", "ResourceRecords": ["collector.example.net"],
      "HostedZoneId": "Z0123456789ABCDEFGHIJ"}),
    ("stranger", "Bus", "AWS::Events::EventBusPolicy",
     {"StatementId": "everybody", "Principal": "*", "Action": "events:PutEvents"}),
    ("stranger", "Provider", "AWS::IAM::OIDCProvider", {"Url": f"https://{_GITHUB}", "ClientIdList": ["sts.amazonaws.com"]}),
)  # fmt: skip
"""Resources that an attack adds: the kind, a logical id, the type and the properties."""

SECTIONS: Final[tuple[tuple[tuple[str, str], Json], ...]] = (
    (("Outputs", "Token"), {"Value": _AWS_SECRET}),
    (("Outputs", "Password"), {"Value": "correct horse battery staple"}),
    (("Parameters", "Token"), {"Type": "String", "Default": TOKENS["STRIPE"]}),
    (("Parameters", "DatabasePassword"), {"Type": "String", "Default": "correct horse battery staple"}),
    (("Mappings", "Tokens"), {"a": {"b": TOKENS["GOOGLE"]}}),
    (("Metadata", "Token"), TOKENS["GITHUB"]),
    (("Description", ""), f"Deployed with {TOKENS['STRIPE']}"),
)
"""Secrets that an attack adds to a template beside its resources: the section, the name in it, and the value."""
