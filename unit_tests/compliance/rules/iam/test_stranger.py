"""ActivePassive-IAMStranger: nothing outside the templates and their account is named by a setting."""

from typing import Any

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, bucket
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.verdicts import rule_test

THEM = "999999999999"
US = "000000000000"
PIECES = ["arn:aws:sqs:us-east-1:", THEM, ":a"]
OWN: tuple[Any, ...] = (
    f"arn:aws:sqs:us-east-1:{US}:a",
    {"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:a"},
    {"Fn::GetAtt": ["Bucket", "Arn"]},
    {"Fn::Join": ["", ["arn:aws:sqs:us-east-1:", {"Ref": "AWS::AccountId"}, ":a"]]},
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "arn:aws:s3:::serverless-ingest-prod/*",
    "arn:aws:s3:::serverless-ingest-*",
    f"arn:aws:s3:::anything-{US}-us-east-1",
    f"https://sqs.us-east-1.amazonaws.com/{US}/a",
    {"Fn::Sub": "https://${Api}.execute-api.us-east-1.amazonaws.com/"},
    "http://www.w3.org/2001/XMLSchema",
    "pl-68a54001",  # AWS's own, of S3 in the west
    {"Ref": "AnyParameter"},
    US,
    "us-east-1",
    "plain text",
    60,
)
STRANGE: tuple[Any, ...] = (
    f"arn:aws:sqs:us-east-1:{THEM}:a",
    f"arn:aws-us-gov:iam::{THEM}:role/a",
    {"Fn::Join": ["", PIECES]},
    {"Fn::Sub": ["arn:aws:sqs:us-east-1:${A}:a", {"A": THEM}]},
    {"Fn::Select": [0, ["".join(PIECES)]]},
    {"Fn::If": ["C", {"Ref": "AWS::NoValue"}, "".join(PIECES)]},
    either("a", [{"Deep": "".join(PIECES)}]),
    '{"States": {"A": {"Resource": "arn:aws:lambda:us-east-1:999999999999:function:a"}}}',
    THEM,
    999999999999,
    f"{THEM}.dkr.ecr.us-east-1.amazonaws.com/a:latest",
    f"https://sqs.us-east-1.amazonaws.com/{THEM}/a",
    "https://collector.example.net/",
    "https://abcdef1234.execute-api.us-east-1.amazonaws.com/",
    "https://collector.s3.us-east-1.amazonaws.com/a",
    "https://abc.lambda-url.us-east-1.on.aws/",
    "wss://user:@collector.example.net:8443/a",
    "arn:aws:s3:::collector",
    "arn:aws:s3:::collector/logs/*",
    "o-0123456789",
    "o-0123456789/r-ab12/*",
    "ou-ab12-01234567",
    "vpce-0123456789abcdef0",
    "pl-0123456789abcdef0",
    "pl-6ba54002",  # of another region
    "sg-01234567",
    "ami-0123456789abcdef0",
    "arn:aws:sqs:eu-west-1:000000000000:a",
)


def _system(properties: dict[str, Any]) -> tuple[Template, ...]:
    """Return a system of two regions with a resource of any type that has these properties."""
    resources = {"It": {"Type": "AWS::X::Y", "Properties": properties}, "Bucket": bucket()}
    return (template(resources, WEST), template(resources, EAST))


def _policy(effect: str) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"AWS": THEM}, "Action": "s3:*", "Resource": "*"}
    return {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _default(value: str) -> Template:
    made = template({"It": {"Type": "AWS::X::Y", "Properties": {"Target": {"Ref": "Target"}}}})
    made.body["Parameters"] = {"Target": {"Type": "String", "Default": value}}
    return made


def _zone(name: str) -> Template:
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"VPCs": [{name: "vpc-0123456789abcdef0"}]}}
    return template({"It": zone})


test_stranger = rule_test(
    "ActivePassive-IAMStranger",
    _system,
    passes=[
        *({"Setting": value} for value in OWN),
        {"DestinationBucketName": "serverless-ingest-prod"},
        {"ServiceName": "com.amazonaws.us-east-1.s3"},
        {"PeerRegion": "us-west-2"},
        {"GlobalTableWitnesses": [{"Region": "us-east-2"}]},
        {"CodeHash": "0123456789abcdef" * 4},
        {"Federated": {"Ref": "Provider"}},
        _policy("Deny"),
        _zone("VPCId"),
    ],
    fails=[
        *({"Setting": value} for value in STRANGE),
        *({"Setting": [{"Inner": value}]} for value in STRANGE),
        {"DestinationBucketName": "collector"},
        {"ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"},
        {"Region": "eu-west-1"},
        {"CanonicalUser": "0123456789abcdef" * 4},
        {"GranteeId": "0123456789abcdef" * 4},
        {"Federated": "accounts.google.com"},
        {"Federated": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:oidc-provider/a.example.com"}},
        _policy("Allow"),
        _zone("Other"),
        _default(f"arn:aws:sqs:us-east-1:{THEM}:a"),
    ],
    ignored=[
        {"Description": f"Replaces arn:aws:sqs:us-east-1:{THEM}:a"},
        {"AllowedOrigins": ["https://app.example.com"]},
    ],
)
