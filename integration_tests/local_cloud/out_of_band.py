"""Changes that somebody makes by hand to deployed resources: each with the place at which the drift report must show it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from compliance.live.deployed import Deployed

Client: TypeAlias = Any
Change: TypeAlias = Callable[[Deployed], object]

GONE: Final = "(gone)"
UNDECLARED: Final = "(undeclared) "


@dataclass(frozen=True)
class Seed:
    """One change of a resource.

    Attributes:
        resource: The resource.
        place: Property that differs then; GONE, or UNDECLARED and a type.
        change: Makes the change.
    """

    resource: Deployed
    place: str
    change: Change

    def __str__(self) -> str:
        return f"{self.resource} {self.place}"


def seeds(resources: list[Deployed]) -> Iterator[Seed]:
    """Yield the changes: every one of the table on every resource of its type."""
    for one in resources:
        for kind, place, change in _TABLE:
            if one.type == kind:
                yield Seed(one, place, change)


def _queue(**attributes: str) -> Change:
    return lambda one: one.client("sqs").set_queue_attributes(QueueUrl=one.physical_id, Attributes=attributes)


def _function(**settings: Any) -> Change:  # noqa: ANN401 - of Lambda's API
    return lambda one: one.client("lambda").update_function_configuration(FunctionName=one.physical_id, **settings)


def _alarm(**settings: Any) -> Change:  # noqa: ANN401 - of CloudWatch's API
    def change(one: Deployed) -> None:
        cloudwatch = one.client("cloudwatch")
        (held,) = cloudwatch.describe_alarms(AlarmNames=[one.properties["AlarmName"]])["MetricAlarms"]
        names = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        kept = {name: value for name, value in held.items() if name in names}
        if "Metrics" in kept:
            kept.pop("Statistic", None)
        cloudwatch.put_metric_alarm(**{**kept, **settings})

    return change


def _bucket(operation: str, **settings: Any) -> Change:  # noqa: ANN401 - of S3's API
    return lambda one: getattr(one.client("s3"), operation)(Bucket=one.physical_id, **settings)


def _bucket_tags(one: Deployed) -> None:
    tags = one.client("s3").get_bucket_tagging(Bucket=one.physical_id)["TagSet"]
    changed = [{**tag, "Value": "mallory"} if tag["Key"] == "Owner" else tag for tag in tags]
    one.client("s3").put_bucket_tagging(Bucket=one.physical_id, Tagging={"TagSet": changed})


def _bucket_policy(one: Deployed) -> None:
    s3, name = one.client("s3"), one.properties["Bucket"]
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    grant = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({**policy, "Statement": [*policy["Statement"], grant]}))


def _key_policy(one: Deployed) -> None:
    kms = one.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=one.physical_id, PolicyName="default")["Policy"])
    policy["Statement"].append(
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": "kms:Decrypt", "Resource": "*"}
    )
    kms.put_key_policy(KeyId=one.physical_id, PolicyName="default", Policy=json.dumps(policy))


def _trust(one: Deployed) -> None:
    iam = one.client("iam")
    held = iam.get_role(RoleName=one.physical_id)["Role"]["AssumeRolePolicyDocument"]
    document = held if isinstance(held, dict) else json.loads(held)
    # The principal gets a second one beside the declared one, in the same statement.
    document["Statement"][0]["Principal"]["AWS"] = "arn:aws:iam::210987654321:root"
    iam.update_assume_role_policy(RoleName=one.physical_id, PolicyDocument=json.dumps(document))


def _inline(one: Deployed) -> None:
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    one.client("iam").put_role_policy(RoleName=one.physical_id, PolicyName="later", PolicyDocument=json.dumps(allow))


def _widened(one: Deployed) -> None:
    iam, arn = one.client("iam"), one.physical_id
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow), SetAsDefault=True)


def _permission(one: Deployed) -> None:
    one.client("lambda").add_permission(
        FunctionName=one.physical_id, StatementId="later", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )


def _code(one: Deployed) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context): return 'mallory'")
    one.client("lambda").update_function_code(FunctionName=one.physical_id, ZipFile=packed.getvalue())


def _ingress(one: Deployed) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    one.client("ec2").authorize_security_group_ingress(GroupId=one.physical_id, IpPermissions=[rule])


def _subscribed(one: Deployed) -> None:
    one.client("sns").subscribe(TopicArn=one.physical_id, Protocol="https", Endpoint="https://mallory.example.com/")


def _rule(one: Deployed) -> None:
    one.client("events").disable_rule(Name=one.properties["Name"])


def _no_mapping(one: Deployed) -> None:
    one.client("lambda").update_event_source_mapping(UUID=one.physical_id, Enabled=False)


def _table(one: Deployed) -> None:
    one.client("dynamodb").update_table(TableName=one.physical_id, DeletionProtectionEnabled=False)


def _recovery(one: Deployed) -> None:
    one.client("dynamodb").update_continuous_backups(
        TableName=one.physical_id, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def _route(one: Deployed) -> None:
    one.client("apigatewayv2").create_route(ApiId=one.physical_id, RouteKey="GET /later", AuthorizationType="NONE")


_TABLE: Final[list[tuple[str, str, Change]]] = [
    ("AWS::SQS::Queue", "VisibilityTimeout", _queue(VisibilityTimeout="7")),
    ("AWS::SQS::Queue", "MessageRetentionPeriod", _queue(MessageRetentionPeriod="60")),
    ("AWS::SQS::Queue", "DelaySeconds", _queue(DelaySeconds="900")),
    ("AWS::SQS::Queue", "KmsMasterKeyId", _queue(KmsMasterKeyId="alias/aws/sqs")),
    ("AWS::Lambda::Function", "Timeout", _function(Timeout=1)),
    ("AWS::Lambda::Function", "Environment", _function(Environment={"Variables": {"MALLORY": "1"}})),
    ("AWS::Lambda::Function", UNDECLARED + "AWS::Lambda::Permission", _permission),
    ("AWS::Lambda::Function", "Code", _code),
    ("AWS::CloudWatch::Alarm", "Threshold", _alarm(Threshold=1e9)),
    ("AWS::CloudWatch::Alarm", "ActionsEnabled", _alarm(ActionsEnabled=False)),
    ("AWS::S3::Bucket", "Tags", _bucket_tags),
    ("AWS::S3::Bucket", "PublicAccessBlockConfiguration", _bucket("delete_public_access_block")),
    (
        "AWS::S3::Bucket",
        "VersioningConfiguration",
        _bucket("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
    ),
    ("AWS::S3::Bucket", "LifecycleConfiguration", _bucket("delete_bucket_lifecycle")),
    (
        "AWS::S3::Bucket",
        "WebsiteConfiguration",
        _bucket(
            "put_bucket_website",
            WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "mallory.example.com", "Protocol": "https"}},
        ),
    ),
    ("AWS::S3::BucketPolicy", "PolicyDocument", _bucket_policy),
    ("AWS::KMS::Key", "KeyPolicy", _key_policy),
    ("AWS::KMS::Key", "EnableKeyRotation", lambda one: one.client("kms").disable_key_rotation(KeyId=one.physical_id)),
    (
        "AWS::KMS::Key",
        UNDECLARED + "AWS::KMS::Alias",
        lambda one: one.client("kms").create_alias(
            AliasName=f"alias/later-{one.physical_id[:8]}", TargetKeyId=one.physical_id
        ),
    ),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument", _trust),
    ("AWS::IAM::Role", "Policies", _inline),
    ("AWS::IAM::ManagedPolicy", "PolicyDocument", _widened),
    ("AWS::EC2::SecurityGroup", "SecurityGroupIngress", _ingress),
    ("AWS::SNS::Topic", "Subscription", _subscribed),
    ("AWS::Events::Rule", "State", _rule),
    ("AWS::Lambda::EventSourceMapping", "Enabled", _no_mapping),
    ("AWS::DynamoDB::GlobalTable", "Replicas", _table),
    ("AWS::DynamoDB::GlobalTable", "Replicas", _recovery),
    ("AWS::ApiGatewayV2::Api", UNDECLARED + "AWS::ApiGatewayV2::Route", _route),
    (
        "AWS::Logs::LogGroup",
        "RetentionInDays",
        lambda one: one.client("logs").put_retention_policy(logGroupName=one.physical_id, retentionInDays=1),
    ),
    (
        "AWS::Logs::LogGroup",
        "Tags",
        lambda one: one.client("logs").tag_log_group(logGroupName=one.physical_id, tags={"Owner": "mallory"}),
    ),
    (
        "AWS::CloudTrail::Trail",
        "IsLogging",
        lambda one: one.client("cloudtrail").stop_logging(Name=one.properties["TrailName"]),
    ),
    (
        "AWS::CloudWatch::CompositeAlarm",
        GONE,
        lambda one: one.client("cloudwatch").delete_alarms(AlarmNames=[one.properties["AlarmName"]]),
    ),
]
