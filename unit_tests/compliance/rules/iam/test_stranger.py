"""ActivePassive-IAMStranger: nothing outside the templates and their account is named by a setting."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template, verdicts
from unit_tests.compliance.rules.builders import EAST, WEST, bucket
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.verdicts import FAIL, PASS

RULE = "ActivePassive-IAMStranger"
THEM = "999999999999"
US = "000000000000"
PIECES = ["arn:aws:sqs:us-east-1:", THEM, ":a"]


def _says(value: Any, name: str = "Setting", **others: Any) -> Any:  # noqa: ANN401
    """Return the verdict on a resource of any type with that setting, in a system of two regions."""
    resources = {"It": {"Type": "AWS::X::Y", "Properties": {name: value}}, "Bucket": bucket(), **others}
    return verdicts(RULE, template(resources, WEST), template(resources, EAST))["It"]


@pytest.mark.parametrize(
    "value",
    [
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
        "pl-63a5400a",
        {"Ref": "AnyParameter"},
        US,
        "us-east-1",
        "plain text",
        60,
    ],
)
def test_own_account_and_own_resources_pass(value: Any) -> None:  # noqa: ANN401
    assert _says(value) is PASS


@pytest.mark.parametrize(
    "value",
    [
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
        "sg-01234567",
        "ami-0123456789abcdef0",
        "arn:aws:sqs:eu-west-1:000000000000:a",
    ],
)
def test_stranger_fails_wherever_it_stands(value: Any) -> None:  # noqa: ANN401
    assert _says(value) is FAIL
    assert _says([{"Inner": value}]) is FAIL


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DestinationBucketName", "collector", FAIL),
        ("DestinationBucketName", "serverless-ingest-prod", PASS),
        ("ServiceName", "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", FAIL),
        ("ServiceName", "com.amazonaws.us-east-1.s3", PASS),
        ("Region", "eu-west-1", FAIL),
        ("PeerRegion", "us-west-2", PASS),
        ("CanonicalUser", "0123456789abcdef" * 4, FAIL),
        ("GranteeId", "0123456789abcdef" * 4, FAIL),
        ("CodeHash", "0123456789abcdef" * 4, PASS),
        ("Federated", "accounts.google.com", FAIL),
        ("Federated", {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:oidc-provider/a.example.com"}, FAIL),
        ("Federated", {"Ref": "Provider"}, PASS),
        ("Description", f"Replaces arn:aws:sqs:us-east-1:{THEM}:a", None),
        ("AllowedOrigins", ["https://app.example.com"], None),
    ],
)
def test_setting_is_judged_by_its_name(name: str, value: Any, expected: Any) -> None:  # noqa: ANN401
    resources = {"It": {"Type": "AWS::X::Y", "Properties": {name: value}}, "Bucket": bucket()}
    assert verdicts(RULE, template(resources, WEST), template(resources, EAST)).get("It") is expected


def test_default_of_a_parameter_counts() -> None:
    made = template({"It": {"Type": "AWS::X::Y", "Properties": {"Target": {"Ref": "Target"}}}})
    made.body["Parameters"] = {"Target": {"Type": "String", "Default": f"arn:aws:sqs:us-east-1:{THEM}:a"}}
    assert verdicts(RULE, made)["It"] is FAIL


def test_statement_that_denies_a_stranger_passes() -> None:
    def document(effect: str) -> dict[str, Any]:
        return {"Statement": [{"Effect": effect, "Principal": {"AWS": THEM}, "Action": "s3:*", "Resource": "*"}]}

    assert _says({"Version": "2012-10-17", **document("Deny")}, "PolicyDocument") is PASS
    assert _says(document("Allow"), "PolicyDocument") is FAIL
