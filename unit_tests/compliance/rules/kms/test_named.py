"""ActivePassive-KMSNamed."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import EAST, WEST, alone, key_arn, replicating, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message_in, verdict_in

RULE = "ActivePassive-KMSNamed"


def _alias(name: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": name, "TargetKeyId": "1"}}


def _says(it: dict[str, Any], west: Any = "alias/serverless-data-prod") -> Verdict | None:  # noqa: ANN401
    here = {"Data": _alias("alias/serverless-data-prod"), "Other": _alias("alias/data")}
    keys = (alone(here, EAST), alone({"Data": _alias(west)}, WEST))
    return verdict_in(RULE, "It", alone({"It": it}, EAST), *keys)


def test_alias_that_its_region_declares_passes() -> None:
    assert _says(replicating()) is PASS
    assert _says(secret()) is PASS
    assert _says({"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": "alias/serverless-data-prod"}}) is PASS


@pytest.mark.parametrize("key", ["alias/serverless-data-other", key_arn(WEST).replace("data", "dota")])
def test_alias_that_no_template_declares_fails(key: str) -> None:
    assert _says({"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key}}) is FAIL
    assert _says(changed(secret(), "ReplicaRegions", 0, "KmsKeyId", to=key)) is FAIL


def test_other_region_has_aliases_of_its_own() -> None:
    assert _says(replicating(), west="alias/serverless-other-prod") is FAIL


def test_alias_and_its_region_are_reported() -> None:
    it = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key_arn(WEST)}}
    text = message_in(RULE, "It", alone({"It": it}), alone({"A": _alias("alias/a")}, WEST))
    assert text == "it names alias/serverless-data-prod in us-west-2, and no template declares that alias there"


@pytest.mark.parametrize("key", ["alias/aws/sqs", "1234-5678", UNKNOWN, {"Fn::GetAtt": ["Key", "Arn"]}])
def test_other_ways_to_name_a_key_are_not_judged(key: Any) -> None:  # noqa: ANN401
    assert _says({"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key}}) is None


def test_region_without_readable_aliases_is_not_judged() -> None:
    assert verdict_in(RULE, "It", alone({"It": replicating()}, EAST)) is None
    it = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key_arn(WEST)}}
    assert _says(it, west=UNKNOWN) is None
