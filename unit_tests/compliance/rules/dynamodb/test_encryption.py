"""ActivePassive-DynamoDBEncryption."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from unit_tests.compliance.rules.builders import (
    EAST,
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    WEST,
    alone,
    changed,
    either,
    message,
    says,
    table,
    verdict_in,
    without,
)

RULE = "ActivePassive-DynamoDBEncryption"
KEY = ("Replicas", 1, "SSESpecification", "KMSMasterKeyId")
OF_EAST = "arn:aws:kms:us-east-1:000000000000:alias/serverless-data-prod"
IMPORTED = {"Fn::ImportValue": "keys:Data"}


def _keys(region: str) -> Template:
    body = {
        "Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}},
        "Outputs": {"Data": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "keys:Data"}}},
    }
    return Template(name="keys", body=body, region=region, stack_name="serverless-keys-prod")


def test_a_key_of_each_region_passes() -> None:
    assert says(RULE, table()) is PASS
    own = {"Key": {"Type": "AWS::KMS::Key"}, "It": changed(table(), *KEY, to={"Fn::GetAtt": ["Key", "Arn"]})}
    assert verdict_in(RULE, "It", alone(own, WEST)) is PASS


def test_a_key_is_followed_through_an_export() -> None:
    imported = alone({"It": changed(table(), *KEY, to=IMPORTED)}, WEST)

    assert verdict_in(RULE, "It", imported, _keys(WEST)) is PASS
    assert verdict_in(RULE, "It", imported, _keys(EAST)) is NOT_EVALUATED
    assert verdict_in(RULE, "It", imported) is NOT_EVALUATED


@pytest.mark.parametrize(
    "broken",
    [
        without(table(), "SSESpecification"),
        changed(table(), "SSESpecification", "SSEEnabled", to=False),
        changed(table(), "SSESpecification", "SSEType", to="AES256"),
        without(table(), "Replicas", 0, "SSESpecification"),
        without(table(), *KEY),
        changed(table(), *KEY, to="alias/aws/dynamodb"),
        changed(table(), *KEY, to="arn:aws:kms:us-west-2:000000000000:alias/aws/dynamodb"),
        changed(table(), *KEY, to=either(OF_EAST.replace(EAST, WEST), "alias/aws/dynamodb")),
    ],
)
def test_each_way_of_losing_the_key_fails(broken: dict[str, Any]) -> None:
    assert says(RULE, broken) is FAIL


def test_a_key_of_the_other_region_fails() -> None:
    crossed = changed(table(), *KEY, to=OF_EAST)
    assert message(RULE, crossed) == "the key of the replica in us-west-2 is a key of us-east-1; it must be one of us-west-2"


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(table(), *KEY, to=UNKNOWN)) is NOT_EVALUATED
    assert says(RULE, changed(table(), *KEY, to="0f6b1d7e")) is PASS  # an id alone is one of the replica's region
    assert says(RULE, changed(table(), "SSESpecification", to=UNKNOWN)) is NOT_EVALUATED
