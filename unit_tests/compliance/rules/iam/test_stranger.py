"""ActivePassive-IAMStranger: nothing outside the templates and their account is named by a setting."""

from typing import Any

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, bucket
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.verdicts import FAIL, PASS, rule_test, verdict_in

THEM = "999999999999"
US = "000000000000"
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "ours"}}
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
    "https://dynamodb.eu-west-1.amazonaws.com",
)


BARE = ("collector.example.net", "collector.example.net:443", "203.0.113.5", "203.0.113.5:80", "spy@collector.example.net")
UNDECLARED: tuple[Any, ...] = (
    *(f"arn:aws:sqs:us-east-1:{US}:{name}" for name in ("b", "aa", "a-dlq")),
    {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:elsewhere"},
    f"arn:aws:lambda:us-east-1:{US}:layer:agent:1",
    f"arn:aws:iam::{US}:role/nobody",
    f"arn:aws:iam::{US}:policy/elsewhere",
    f"arn:aws:kms:us-east-1:{US}:key/11111111-2222-3333-4444-555555555555",
    f"arn:aws:logs:us-east-1:{US}:log-group:elsewhere:*",
    f"arn:aws:events:us-east-1:{US}:event-bus/elsewhere",
    f"arn:aws:firehose:us-east-1:{US}:deliverystream/elsewhere",
    f"https://sqs.us-east-1.amazonaws.com/{US}/elsewhere",
)


def function_with(**variables: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the properties of a function with these variables."""
    return {"Environment": {"Variables": variables}}


def test_single_template_may_name_what_another_stack_declares() -> None:
    for value in UNDECLARED:
        it = {"Type": "AWS::X::Y", "Properties": {"Setting": value}}
        assert verdict_in("ActivePassive-IAMStranger", "It", template({"It": it})) is PASS


def test_bare_name_in_one_template_fails_where_anybody_may_own_it() -> None:
    for name, expected in (("BUCKET", FAIL), ("QUEUE", PASS)):
        it = {"Type": "AWS::X::Y", "Properties": function_with(**{name: "elsewhere"})}
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a"}}
        assert verdict_in("ActivePassive-IAMStranger", "It", template({"It": it, "Queue": queue})) is expected


def _system(properties: dict[str, Any]) -> tuple[Template, ...]:
    """Return a system of two regions with a resource of any type that has these properties."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a"}}
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "ours.example.com"}}
    made = {"Type": "AWS::X::Y", "Properties": properties}
    resources = {"It": made, "Bucket": bucket(), "Queue": queue, "Zone": zone, "Role": ROLE}
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
        {"Environment": {"Variables": dict.fromkeys(("A", "B"), "api.ours.example.com:443")}},
        {
            "Environment": {
                "Variables": {"A": "10.0.0.5", "B": "handlers.io.read", "C": "1.2.3", "D": "sqs.us-east-1.amazonaws.com"}
            }
        },
        {"Setting": "collector.example.net"},  # prose, unless a function is given it
        {"Environment": {"Variables": {"CALLERS": f"a=arn:aws:iam::{US}:role/caller"}}},
        *(
            {"Setting": f"arn:aws:iam::{US}:role/{name}"}
            for name in ("ours", "path/ours", "cdk-deploy", "aws-service-role/x/Y")
        ),
        {"Principal": {"AWS": f"arn:aws:iam::{US}:root"}},
        {
            "Statement": [
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:us-east-1:{US}:undeclared"}
            ]
        },
        {"ServiceName": "com.amazonaws.us-east-1.s3"},
        *({"DNSName": host} for host in ("api.ours.example.com.", "s3-website-us-east-1.amazonaws.com", {"Ref": "Host"})),
        *({"Type": kind, "ResourceRecords": ["collector.example.net"]} for kind in ("TXT", "CAA")),
        {"Type": "CNAME", "ResourceRecords": ["_a.b.acm-validations.aws."]},
        {"Type": "A", "ResourceRecords": ["10.0.0.5"]},
        {"SnsTopicName": {"Ref": "Topic"}},
        *(
            function_with(INGEST_BUCKET=name)
            for name in ("serverless-ingest-prod", {"Ref": "Bucket"}, {"Ref": "AnyParameter"})
        ),
        function_with(WORK_QUEUE="a", workQueueName="a", TABLE_NAME="users", SECRET="a", BUCKET_COUNT="many", TOPIC=""),
        {"TABLE_NAME": "elsewhere"},
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
        *({"Environment": {"Variables": {"A": host}}} for host in BARE),
        {"StageVariables": {"backend": "collector.example.net"}},
        {"AliasTarget": {"DNSName": "collector.example.net"}},
        {"DNSName": "evilours.example.com"},
        *({"Type": kind, "ResourceRecords": ["collector.example.net"]} for kind in ("CNAME", "NS", {"Ref": "Type"})),
        {"Type": "MX", "ResourceRecords": ["10 mail.example.net"]},
        {"RecordSets": [{"Type": "TXT", "ResourceRecords": ["a"]}, {"Type": "A", "ResourceRecords": ["203.0.113.5"]}]},
        {"Type": "AAAA", "ResourceRecords": ["2600:1f00::1"]},
        {"WebsiteConfiguration": {"RedirectAllRequestsTo": {"HostName": "collector.example.net"}}},
        {"WebsiteConfiguration": {"RoutingRules": [{"RedirectRule": {"HostName": "collector.example.net"}}]}},
        {"HealthCheckConfig": {"IPAddress": "203.0.113.5"}},
        {"SnsTopicName": "elsewhere"},
        *({"Setting": value} for value in UNDECLARED),
        *(function_with(**{name: "elsewhere"}) for name in ("INGEST_BUCKET", "bucketName", "WORK_QUEUE", "queueUrl")),
        *(
            function_with(BUCKET={"Fn::Sub": f"elsewhere-{account}"})
            for account in ("${AWS::AccountId}", US, "${AWS::Region}")
        ),
        function_with(BUCKET=either({"Ref": "Bucket"}, "elsewhere")),
        {"Statement": [{"Effect": "Allow", "Action": "a:b", "Principal": {"AWS": f"arn:aws:iam::{US}:role/nobody"}}]},
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
    ignored=[{"Description": f"Replaces arn:aws:sqs:us-east-1:{THEM}:a"}, {"AllowedOrigins": ["https://app.example.com"]}],
)


def test_prefix_list_of_a_region_outside_the_table_is_accepted() -> None:
    it = {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {"DestinationPrefixListId": "pl-0123456789abcdef0"}}
    assert verdict_in("ActivePassive-IAMStranger", "It", template({"It": it}, "ap-southeast-1")) is PASS
    assert verdict_in("ActivePassive-IAMStranger", "It", template({"It": it}, EAST)) is FAIL
