"""Template-Secrets: secrets by shape and by name, everywhere text can stand."""

from typing import Any

import pytest

from compliance.aws.secrets import looks_secret
from compliance.cfn.templates import Template
from compliance.mutants.attacks import TOKENS
from unit_tests.compliance.fixtures import template, verdicts
from unit_tests.compliance.rules.builders import EAST, function, queue
from unit_tests.compliance.rules.corruptions import changed, either
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message, says

RULE = "Template-Secrets"
TOKEN = TOKENS["STRIPE"]
QUIET = (
    "NetworkVpcIsolatedSubnet1Subnet0400477EA",  # 40 characters of a logical id
    "0123456789abcdef" * 2 + "01234567",  # a commit
    "serverless/ingest/prod/us-east-1/a/b/c/d",
    "Bearer ${Token}",
    "password=${Password};user=app",
    "https://sqs.us-east-1.amazonaws.com/000000000000/serverless-ingest-prod",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
)


@pytest.mark.parametrize("kind", sorted(TOKENS))
def test_shape_of_a_secret_is_seen_inside_other_text(kind: str) -> None:
    assert looks_secret(TOKENS[kind])
    assert looks_secret(f"see {TOKENS[kind]} there")


@pytest.mark.parametrize("text", QUIET)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        {"Fn::Select": [0, [TOKEN, "b"]]},
        {"Fn::Base64": TOKEN},
        {"Fn::Join": ["", [TOKEN[:12], TOKEN[12:]]]},
        {"Fn::Sub": ["x ${T}", {"T": TOKEN}]},
        {"Fn::Split": [",", TOKEN]},
        either("a", TOKEN),
        f'{{"token": ["{TOKEN}"]}}',
    ],
)
@pytest.mark.parametrize("place", [("Description",), ("Environment", "Variables", "MODE"), ("Tags", 0, "Value")])
def test_secret_in_a_property_fails_however_it_is_made(value: Any, place: tuple[Any, ...]) -> None:  # noqa: ANN401
    it = changed(function(), "Tags", to=[{"Key": "Owner", "Value": "a"}])
    it["Properties"]["Environment"] = {"Variables": {}}

    assert says(RULE, it) is PASS
    assert says(RULE, changed(it, *place, to=value)) is FAIL
    assert TOKEN not in message(RULE, changed(it, *place, to=value))


@pytest.mark.parametrize(
    "section",
    [
        {"Description": f"Deployed with {TOKEN}"},
        {"Metadata": {"Notes": [TOKEN]}},
        {"Mappings": {"A": {"B": {"C": TOKEN}}}},
        {"Outputs": {"A": {"Value": TOKEN}}},
        {"Outputs": {"DbPassword": {"Value": "correct horse"}}},
        {"Parameters": {"A": {"Type": "String", "Default": TOKEN}}},
        {"Parameters": {"DbPassword": {"Type": "String", "Default": "correct horse"}}},
        {"Parameters": {"ApiKey": {"Type": "String", "AllowedValues": ["abcdef"]}}},
    ],
)
def test_secret_beside_the_resources_fails(section: dict[str, Any]) -> None:
    body = {"Resources": {"It": queue()}, **section}
    assert verdicts(RULE, Template(name="it", body=body, region=EAST)) == {"": FAIL, "It": PASS}


def test_secret_in_the_metadata_of_a_resource_fails() -> None:
    assert says(RULE, {**queue(), "Metadata": {"note": TOKEN}}) is FAIL


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"MasterUserPassword": "correct horse"}, FAIL),
        ({"Environment": [{"Name": "DB_PASSWORD", "Value": "correct horse"}]}, FAIL),
        ({"OptionSettings": [{"OptionName": "DB_PASSWORD", "Value": "correct horse"}]}, FAIL),
        ({"MasterUserPassword": "{{resolve:secretsmanager:db}}"}, PASS),
        ({"MasterUserPassword": {"Ref": "Password"}}, PASS),
        ({"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:a"}, PASS),
        ({"GenerateSecret": True, "RequireToken": "true", "SecretArn": "a", "TokenTable": "b"}, PASS),
    ],
)
def test_property_named_like_a_secret_is_judged_by_its_value(properties: dict[str, Any], expected: Any) -> None:  # noqa: ANN401
    assert verdicts(RULE, template({"It": {"Type": "AWS::X::Y", "Properties": properties}}))["It"] is expected
