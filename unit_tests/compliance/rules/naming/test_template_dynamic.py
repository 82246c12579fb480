"""Template-Dynamic."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.verdicts import NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "Template-Dynamic"
SSM = "{{resolve:ssm:/prod/value}}"
SECRET = "{{resolve:secretsmanager:database:SecretString:password}}"


def _world(properties: dict[str, Any], **body: Any) -> Template:  # noqa: ANN401
    found = template({"Thing": {"Type": "AWS::RDS::DBInstance", "Properties": properties}})
    found.body.update(body)
    return found


@pytest.mark.parametrize(
    "properties",
    [
        {"KmsKeyId": SSM},
        {"Policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": SSM}}]}},
        {"Endpoint": f"https://{SSM}/x"},
        {"Endpoint": {"Fn::Sub": "https://{{resolve:ssm:/prod/${AWS::Region}}}"}},
        {"Endpoint": {"Fn::Join": ["", ["{{res", "olve:ssm:/prod/value}}"]]}},
        {"Endpoint": {"Fn::Sub": ["${A}:ssm:x}}", {"A": "{{resolve"}]}},
        {"Endpoint": either("https://example.com", SSM)},
        {"Endpoint": {"Fn::FindInMap": ["Table", "a", "b"]}},
        {"Endpoint": {"Ref": "Stored"}},
        {"Endpoint": {"Fn::Sub": "https://${Stored}"}},
        {"Endpoint": {"Fn::If": ["A", "x", {"Ref": "Stored"}]}},
        {"MasterUserPassword": SSM},
        {"MasterUserPassword": f"x{SECRET}"},
        {"MasterUsername": SECRET},
        {"Endpoint": "{{resolve:ssm-secure:/prod/value}}"},
    ],
)
def test_value_that_is_read_on_deployment_is_not_evaluated(properties: dict[str, Any]) -> None:
    world = _world(
        properties,
        Mappings={"Table": {"a": {"b": SSM}}},
        Parameters={"Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"}},
    )
    assert verdict_in(RULE, "Thing", world) is NOT_EVALUATED
    assert "it is read when the stack is deployed" in message_in(RULE, "Thing", world)


@pytest.mark.parametrize(
    "properties",
    [{"MasterUserPassword": SECRET}, {"MasterUserPassword": either(SECRET, "{{resolve:ssm-secure:/prod/value}}")}],
)
def test_secret_that_stays_in_its_store_passes(properties: dict[str, Any]) -> None:
    assert verdict_in(RULE, "Thing", _world(properties)) is PASS


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"Endpoint": "https://example.com"},
        {"Endpoint": {"Ref": "Plain"}},
        {"Endpoint": {"Fn::FindInMap": ["Table", "a", "b"]}},
        {"Endpoint": {"Fn::Join": ["", [{"Fn::GetAtt": ["Thing", "Arn"]}, {"Fn::Select": [0, []]}]]}},
    ],
)
def test_resource_without_such_a_value_is_not_judged(properties: dict[str, Any]) -> None:
    world = _world(properties, Mappings={"Table": {"a": {"b": "x"}}}, Parameters={"Plain": {"Type": "String"}})
    assert verdict_in(RULE, "Thing", world) is None
