"""ActivePassive-KMSAlias."""

from typing import Any

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-KMSAlias"


def _keys(name: Any = "alias/serverless-data-prod", target: Any = None) -> dict[str, Any]:  # noqa: ANN401
    target = target or {"Fn::GetAtt": ["Key", "Arn"]}
    return {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        "Alias": {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": name, "TargetKeyId": target}},
    }


def test_same_alias_in_each_region_passes() -> None:
    for logical_id in ("Key", "Alias"):
        assert verdict_in(RULE, logical_id, template(_keys(), EAST), template(_keys(), WEST)) is PASS
        assert verdict_in(RULE, logical_id, template(_keys(), EAST)) is PASS


def test_alias_that_one_region_lacks_fails() -> None:
    west = _keys("alias/serverless-other-prod")

    assert verdict_in(RULE, "Alias", template(_keys(), EAST), template(west, WEST)) is FAIL
    text = message_in(RULE, "Alias", template(_keys(), EAST), template(west, WEST))
    assert text == "alias alias/serverless-data-prod is in us-east-1 and not in us-west-2"
    assert verdict_in(RULE, "Alias", template(_keys(), EAST), template({"Key": west["Key"]}, WEST)) is FAIL


def test_key_without_an_alias_fails() -> None:
    assert verdict_in(RULE, "Key", template({"Key": _keys()["Key"]})) is FAIL
    assert verdict_in(RULE, "Key", template(_keys(target="another-key"))) is FAIL
    assert verdict_in(RULE, "Key", template({"Key": _keys()["Key"]}, EAST), template(_keys(), WEST)) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    for name in (UNKNOWN, {"Fn::Sub": "alias/${Name}"}, None):
        assert verdict_in(RULE, "Alias", template(_keys(name), EAST), template(_keys(name), WEST)) is NOT_EVALUATED


def test_each_name_that_a_condition_allows_must_be_there() -> None:
    both = _keys(either("alias/serverless-data-prod", "alias/serverless-other-prod"))

    assert verdict_in(RULE, "Alias", template(both, EAST), template(_keys(), WEST)) is FAIL
