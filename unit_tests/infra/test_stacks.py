"""Test the stacks: their order, their regions, their resources and their outputs."""

from collections import Counter
from collections.abc import Mapping
from unittest.mock import Mock

import pytest

from handlers.issuer.presign import Presigner
from handlers.issuer.settings import Settings as IssuerSettings
from handlers.observer.settings import Settings as ObserverSettings
from handlers.processor.settings import Settings as ProcessorSettings
from handlers.shared.environment import FunctionSettings
from handlers.shared.object_keys import Upload
from infra.settings import Settings
from unit_tests.infra.synthesis import REGIONAL, STACKS, Synthesis, Template, everywhere, named, of_type, only, synthesize

PLACES = {
    "PrimaryKeys": ("serverless-keys-prod", "us-east-1"),
    "SecondaryKeys": ("serverless-keys-prod", "us-west-2"),
    "Data": ("serverless-data-prod", "us-west-2"),
    "SecondaryRegional": ("serverless-regional-prod", "us-west-2"),
    "PrimaryRegional": ("serverless-regional-prod", "us-east-1"),
    "Failover": ("serverless-failover-prod", "us-west-2"),
}

OUTPUTS = {
    "Keys": {"DataKeyArn", "QueueKeyArn", "LogsKeyArn", "SecretKeyArn", "TrailKeyArn"},
    "Data": {"TableName", "SecretArn", "TrailArn", "TrailBucketName", "OperatorRoleArn"},
    "Regional": {
        *("IngestBucketName", "ArchiveBucketName", "AccessLogsBucketName"),
        *("IngestQueueUrl", "DeadLetterQueueUrl", "AsyncDeadLetterQueueUrl"),
        *("TableName", "SecretName", "ProcessorFunctionName", "IssuerFunctionName"),
        "ObserverFunctionName",
        *("ApiId", "ApiHost", "ApiEndpoint", "AlarmTopicArn", "VpcId", "ReplicationRoleArn"),
    },
    "Failover": {"ClientRouting", "ExistingObjects", "DashboardName"},
}
"""The outputs that the end-to-end test, the drill and the failover stack read by name. Do not rename one."""

HELD = {
    "Keys": {"AWS::KMS::Key": 5, "AWS::KMS::Alias": 5},
    "Data": {
        "AWS::DynamoDB::GlobalTable": 1,
        "AWS::SecretsManager::Secret": 1,
        "AWS::SecretsManager::ResourcePolicy": 1,
        "AWS::CloudTrail::Trail": 1,
        "AWS::S3::Bucket": 2,
        "AWS::Logs::LogGroup": 1,
    },
    "Regional": {
        "AWS::S3::Bucket": 3,
        "AWS::SQS::Queue": 3,
        "AWS::Lambda::Function": 5,
        "AWS::Lambda::EventSourceMapping": 1,
        "AWS::Events::Rule": 2,
        "AWS::Logs::LogGroup": 7,
        "AWS::ApiGatewayV2::Api": 1,
        "AWS::ApiGatewayV2::Route": 7,
        "AWS::EC2::VPC": 1,
        "AWS::EC2::Subnet": 2,
        "AWS::EC2::VPCEndpoint": 4,
        "AWS::EC2::SecurityGroup": 2,
        "AWS::EC2::FlowLog": 1,
        "AWS::SNS::Topic": 1,
        "AWS::CloudWatch::CompositeAlarm": 2,
        "Custom::VpcRestrictDefaultSG": 1,
    },
    "Failover": {
        "AWS::Lambda::Function": 2,
        "AWS::Logs::LogGroup": 2,
        "AWS::Route53::HealthCheck": 0,
        "AWS::Route53::HostedZone": 0,
        "AWS::Route53::RecordSet": 0,
        "AWS::CloudWatch::Dashboard": 1,
        "Custom::BucketReplication": 1,
        "Custom::TablePolicy": 1,
    },
}

EVERY_FUNCTION = {"ENVIRONMENT": "prod", "POWERTOOLS_METRICS_NAMESPACE": "Lockstep", "POWERTOOLS_LOG_LEVEL": "INFO"}
DECLARED: dict[str, type[FunctionSettings] | None] = {
    "processor": ProcessorSettings,
    "issuer": IssuerSettings,
    "observer": ObserverSettings,
    "rotation": None,
    "default-security-group": None,
    "bucket-replication": None,
    "table-policy": None,
}
"""Each function's own declaration of its variables; None for one that reads none."""


def kind_of(stack: str) -> str:
    return stack.removeprefix("Primary").removeprefix("Secondary")


def test_stacks_are_in_their_regions(prod: Synthesis) -> None:
    assert {name: (stack.name, stack.region) for name, stack in prod.stacks.items()} == PLACES


def test_missing_account_is_the_documented_placeholder(prod: Synthesis) -> None:
    assert {stack.account for stack in prod.stacks.values()} == {"000000000000"}


def test_stacks_deploy_in_the_right_order(prod: Synthesis) -> None:
    keys = {"PrimaryKeys", "SecondaryKeys"}
    assert {name: set(stack.after) for name, stack in prod.stacks.items()} == {
        "PrimaryKeys": set(),
        "SecondaryKeys": set(),
        "Data": keys,
        "SecondaryRegional": {"Data", "SecondaryKeys"},
        "PrimaryRegional": {"SecondaryRegional", "PrimaryKeys"},
        "Failover": {"PrimaryRegional", "SecondaryKeys"},
    }


@pytest.mark.parametrize("stack", STACKS)
def test_stack_has_its_required_resources(stack: str, templates: Mapping[str, Template]) -> None:
    found = Counter(resource["Type"] for resource in templates[stack]["Resources"].values())
    assert {kind: found[kind] for kind in HELD[kind_of(stack)]} == HELD[kind_of(stack)]


@pytest.mark.parametrize("stack", STACKS)
def test_stack_outputs_are_those_that_others_read(stack: str, templates: Mapping[str, Template]) -> None:
    outputs = {name for name, output in templates[stack]["Outputs"].items() if "Export" not in output}
    assert outputs == OUTPUTS[kind_of(stack)]


def test_functions_get_the_variables_that_they_read_and_no_other(templates: Mapping[str, Template]) -> None:
    seen = set()
    for where, function in everywhere(templates, "AWS::Lambda::Function"):
        word = function["FunctionName"].removeprefix("serverless-").removesuffix("-prod")
        variables = function["Environment"]["Variables"]
        expected = {**EVERY_FUNCTION, "POWERTOOLS_SERVICE_NAME": word}
        assert {key: variables.get(key) for key in expected} == expected, where
        if declared := DECLARED[word]:
            set_here = {"AWS_REGION": "x", **{key: str(value) for key, value in variables.items()}}
            declared.read(set_here)
            assert set(set_here) - {*expected, *declared.variables()} == set(), where
        else:
            assert set(variables) == set(expected), where
        assert function["LoggingConfig"]["LogFormat"] == "JSON", where
        assert function["Handler"] == f"handlers.{word.replace('-', '_')}.handler.handler", where
        seen.add(word)
    assert seen == set(DECLARED)


def test_messages_are_kept_for_the_maximum_and_tried_five_times(templates: Mapping[str, Template]) -> None:
    for where, queue in everywhere(templates, "AWS::SQS::Queue"):
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, where
        assert queue.get("RedrivePolicy", {}).get("maxReceiveCount", 5) == 5, where


def test_trail_delivers_to_its_own_log_group(templates: Mapping[str, Template]) -> None:
    (group,) = of_type(templates["Data"], "AWS::Logs::LogGroup")
    assert only(templates["Data"], "AWS::CloudTrail::Trail")["CloudWatchLogsLogGroupArn"] == {"Fn::GetAtt": [group, "Arn"]}


def test_all_functions_of_a_region_run_from_one_asset(templates: Mapping[str, Template]) -> None:
    keys = {function["Code"]["S3Key"] for _, function in everywhere(templates, "AWS::Lambda::Function")}
    assert len(keys) == 1


def test_permissions_are_managed_policies_of_ours_and_nothing_else(templates: Mapping[str, Template]) -> None:
    assert not list(everywhere(templates, "AWS::IAM::Policy")), "an inline policy"
    assert not list(everywhere(templates, "Custom::AWS")), "its policy would be the construct library's"
    roles = list(everywhere(templates, "AWS::IAM::Role"))
    assert roles
    for where, role in roles:
        assert not role.keys() & {"Policies", "ManagedPolicyArns"}, where
    # Only what a policy or a function must name before it exists has a name: names are what a failed deployment trips over.
    named = {str(role["RoleName"]) for _, role in roles if "RoleName" in role}
    writers = {
        f"serverless-{word}-prod-{region}"
        for word in ("issuer", "observer", "processor")
        for region in ("us-east-1", "us-west-2")
    }
    assert named == {*writers, "serverless-bucket-replication-prod", "serverless-operator-prod"}


def test_browser_may_send_what_a_presigned_put_binds() -> None:
    made = synthesize(Settings(environment="dev", cors_origins=("https://a.example",)))
    upload = Upload(source="s", upload_id="u", content_sha256="ab" * 32, file_key="a.csv")
    presigner = Presigner(s3=Mock(), bucket="b", key_arn="k", expiry_seconds=60)
    # Content-Length is a browser's own to send, and needs no leave.
    bound = {header.lower() for header in presigner.presign(upload, 10, 0).headers} - {"content-length"}
    assert bound
    for stack in REGIONAL:
        bucket = named(made.templates[stack], "AWS::S3::Bucket", BucketNamePrefix="serverless-ingest-dev")
        (rule,) = bucket["CorsConfiguration"]["CorsRules"]
        assert rule["AllowedMethods"] == ["PUT"]
        assert rule["AllowedOrigins"] == ["https://a.example"]
        assert set(rule["AllowedHeaders"]) == bound | {"content-type"}
