"""The rules about what one region may name of the other, and what must outlive its stack."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from compliance.rules.cross_region.references import DECLARED
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, Value, either, resource
from unit_tests.compliance.rules.corruptions import given as parts
from unit_tests.compliance.rules.verdicts import PASS, reports, rule_test, verdict_in

OUTPUT = {"StackName": "serverless-keys-prod", "OutputName": "Key"}


def keys(region: str, name: str) -> Template:
    """Return a stack that exports a value."""
    made = template({}, region, "serverless-keys-prod")
    made.body["Outputs"] = {name: {"Value": "x", "Export": {"Name": name}}}
    return made


def reading(value: Value, kind: str = "AWS::SQS::Queue") -> tuple[Template, ...]:
    """Return a resource of the west that reads a value, beside the same stack in the east."""
    west = template({"It": {"Type": kind, "Properties": {"KmsMasterKeyId": value}}}, WEST)
    return west, template({}, EAST), keys(WEST, "here"), keys(EAST, "there")


def output(region: Value) -> Value:
    return {"Fn::GetStackOutput": {**OUTPUT, "Region": region}}


test_outputs = rule_test(
    "ActivePassive-CrossRegionOutputs",
    reading,
    passes=[
        *("alias/a", {"Fn::ImportValue": "here"}, {"Fn::GetStackOutput": OUTPUT}),
        *map(output, ({"Ref": "AWS::Region"}, WEST)),
    ],
    fails=[
        reports("exported in us-east-1 and not in us-west-2", {"Fn::ImportValue": "there"}),
        *(output(EAST), output(either(WEST, EAST)), {"Fn::Join": ["", ["a", output(EAST)]]}),
        reading("x", "Custom::CrossRegionExportReader"),
    ],
    unresolved=[{"Fn::ImportValue": "nowhere"}, {"Fn::ImportValue": UNKNOWN}, output(UNKNOWN)],
    ignored=[reading(output(EAST))[0]],  # a stack of one region
)

THERE = "arn:aws:sqs:us-east-1:000000000000:serverless-ingest-prod"
KEY = f"arn:aws:kms:{EAST}:0:key/1"
COPIES = f"arn:aws:s3:::a-{EAST}-an/*"


def function(**variables: Value) -> Resource:
    return resource("Lambda::Function", Environment={"Variables": variables})


def policy(action: Value, arn: Value) -> Resource:
    statement = {"Effect": "Allow", "Action": action, "Resource": arn}
    return resource("IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]})


def beside(it: Resource, parameters: Value = None) -> tuple[Template, Template]:
    """Return a stack of the west with the resource, and the same stack in the east."""
    west = template({"It": it, "Queue": resource("SQS::Queue")}, WEST)
    west.body["Parameters"] = parameters or {}
    return west, template({"Queue": resource("SQS::Queue")}, EAST)


def of_parameter(**settings: Value) -> tuple[Template, Template]:
    return beside(function(REGION={"Ref": "R"}), {"R": settings})


def text(*values: str) -> dict[str, Value]:
    return {"Type": "String", "AllowedValues": list(values)}


test_references = rule_test(
    "ActivePassive-CrossRegionReferences",
    beside,
    passes=[
        function(QUEUE="arn:aws:sqs:us-west-2:000000000000:a", URL={"Ref": "Queue"}),
        function(ARN={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:a"}),
        *(function(PRIMARY_REGION=EAST), function(ZONE="us-east-11", OTHER="xus-east-1")),
        resource("Lambda::Function", Description="The passive one; us-east-1 is active"),
        resource("SQS::Queue", Tags=[{"Key": "Note", "Value": "like us-east-1"}]),
        resource("S3::Bucket", ReplicationConfiguration={"Rules": [{"Destination": {"Bucket": COPIES[:-2]}}]}),
        resource("DynamoDB::GlobalTable", Replicas=[{"Region": EAST}, {"Region": WEST}]),
        resource("SecretsManager::Secret", ReplicaRegions=[{"Region": EAST}]),
        resource(
            "CloudWatch::Alarm", AlarmDescription=f"to {EAST}", Dimensions=[{"Name": "ReceivingRegion", "Value": EAST}]
        ),
        resource("Route53::HealthCheck", HealthCheckConfig={"AlarmIdentifier": {"Name": "a", "Region": EAST}}),
        resource("CloudWatch::Dashboard", DashboardBody=f'{{"region": "{EAST}"}}'),
        resource("KMS::Key", KeyPolicy={"Statement": [{"Condition": {"StringEquals": {"aws:SourceArn": THERE}}}]}),
        policy(["s3:ReplicateObject", "s3:ReplicateDelete"], COPIES),
        policy("kms:Encrypt", KEY),
        policy(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], f"arn:aws:kms:{EAST}:0:key/*"),  # of a replica secret
        *(of_parameter(**text(WEST, "eu-west-1")), of_parameter(Type="Number")),
    ],
    fails=[
        reports(f"Environment.Variables.QUEUE names us-east-1: {THERE}", function(QUEUE=THERE)),
        function(QUEUE_URL="https://sqs.us-east-1.amazonaws.com/0/a"),
        *(function(**{name: EAST}) for name in ("REGION", "PEER_REGION")),
        *(function(BUCKET={"Fn::Join": joined}) for joined in (["-", ["a", EAST, "an"]], ["", ["a-us-", "east-1"]])),
        *(function(BUCKET=it) for it in ({"Fn::Sub": ["${B}", {"B": EAST}]}, {"Fn::Select": [1, ["a", EAST]]})),
        *(function(BUCKET=either(WEST, EAST)), function(ZONE="us-east-1a"), function(**{EAST: "x"})),
        function(PEER_INGEST_BUCKET=f"serverless-ingest-prod-000000000000-{EAST}-an"),
        resource("Route53::HealthCheck", HealthCheckConfig={"FullyQualifiedDomainName": f"{EAST}.example.com"}),
        policy("dynamodb:GetItem", f"arn:aws:dynamodb:{EAST}:0:table/a"),
        resource("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": THERE}),
        resource("S3::Bucket", NotificationConfiguration={"QueueConfigurations": [{"Queue": THERE}]}),
        resource("S3::Bucket", ReplicationConfiguration={"Role": f"arn:aws:iam::0:role/{EAST}"}),
        resource("CloudWatch::Alarm", AlarmActions=[THERE]),
        resource("KMS::Key", KeyPolicy={"Statement": [{"Principal": {"Service": f"logs.{EAST}.amazonaws.com"}}]}),
        *(policy("sqs:SendMessage", THERE), policy(["s3:ReplicateObject", "s3:GetObject"], COPIES)),
        *(policy("kms:Decrypt", KEY), policy(["kms:Decrypt", "kms:Encrypt"], KEY)),
        policy(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"], KEY),
        policy("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:{EAST}:0:secret:a-??????"),
        of_parameter(**text(WEST, EAST)),
    ],
    unresolved=[
        beside(function(QUEUE={"Ref": "Queue2"}), {"Queue2": {"Type": "String"}}),
        beside(function(QUEUE={"Fn::Sub": "arn:aws:sqs:${R}:0:a"}), {"R": {"Type": "String", "Default": WEST}}),
        function(QUEUE={"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Peer"]}),
    ],
    ignored=[
        template({"It": function(QUEUE=THERE)}, WEST),
        (template({"It": function(QUEUE=THERE)}, WEST), template({}, EAST, "serverless-data-prod")),
    ],
)


def test_each_declared_place_has_a_reason_and_is_narrow() -> None:
    for declared in DECLARED:
        assert declared.reason
        assert re.compile(declared.type)
        assert re.fullmatch(declared.path, "Anything") is None


RETENTION = "ActivePassive-CrossRegionRetention"
DATA = "DynamoDB::GlobalTable KMS::Key Logs::LogGroup S3::Bucket SQS::Queue SecretsManager::Secret"
KINDS = [f"AWS::{kind}" for kind in DATA.split()]
ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy")


def retained(kind: str = "AWS::S3::Bucket", **attributes: Value) -> Resource:
    """Return a resource with both policies on Retain, or others."""
    return parts(**{"Type": kind, "Properties": {}, **dict.fromkeys(ATTRIBUTES, "Retain"), **attributes})


UNREADABLE: tuple[Value, ...] = (UNKNOWN, {"Fn::FindInMap": ["A", "B", "C"]}, ["Retain"], True)
BOTH = retained(DeletionPolicy="Delete", UpdateReplacePolicy=None)

test_retention = rule_test(
    RETENTION,
    passes=[it for kind in KINDS for it in (retained(kind), retained(kind, DeletionPolicy="RetainExceptOnCreate"))],
    fails=[
        *(
            retained(kind, **{attribute: policy})
            for kind in KINDS
            for attribute in ATTRIBUTES
            for policy in ("Delete", None, ABSENT, "Snapshot", "retain", "")
        ),
        retained(UpdateReplacePolicy="RetainExceptOnCreate"),
        reports("DeletionPolicy is Delete; in a protected environment it must be Retain or RetainExceptOnCreate", BOTH),
        reports("UpdateReplacePolicy is not set, which means Delete; in a protected environment it must be Retain", BOTH),
    ],
    unresolved=[retained(**{attribute: policy}) for attribute in ATTRIBUTES for policy in UNREADABLE],
    ignored=[retained("AWS::Lambda::Function", DeletionPolicy="Delete")],
)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod-like"])
def test_elsewhere_data_goes_with_its_stack(environment: str) -> None:
    assert ask(RETENTION, template({"It": retained(DeletionPolicy="Delete")}), environment=environment) == []


@pytest.mark.property
@given(st.sampled_from(KINDS), *[st.sampled_from(["Retain", "RetainExceptOnCreate", "Snapshot", "Delete", None])] * 2)
@example("AWS::KMS::Key", "Retain", "RetainExceptOnCreate")
def test_resource_retained_by_both_policies_passes(kind: str, deleted: str | None, replaced: str | None) -> None:
    survives = deleted in {"Retain", "RetainExceptOnCreate"} and replaced == "Retain"
    it = template({"It": retained(kind, DeletionPolicy=deleted, UpdateReplacePolicy=replaced)})
    assert (verdict_in(RETENTION, "It", it) is PASS) is survives
