"""ActivePassive-CrossRegionRetention."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message

RULE = "ActivePassive-CrossRegionRetention"
KINDS = [
    "AWS::DynamoDB::GlobalTable",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
]
ATTRIBUTES = ["DeletionPolicy", "UpdateReplacePolicy"]


def _kept(kind: str = "AWS::S3::Bucket", **attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    made = {"Type": kind, "Properties": {}, **dict.fromkeys(ATTRIBUTES, "Retain"), **attributes}
    return {name: value for name, value in made.items() if value is not None}


def _says(resource: dict[str, Any], environment: str = "prod") -> Verdict | None:
    rows = [row for row in ask(RULE, template({"It": resource}), environment=environment) if row.logical_id == "It"]
    return rows[0].verdict if rows else None


@pytest.mark.parametrize("kind", KINDS)
def test_retained_resource_passes(kind: str) -> None:
    assert _says(_kept(kind)) is PASS
    assert _says(_kept(kind, DeletionPolicy="RetainExceptOnCreate")) is PASS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("policy", ["Delete", None, ABSENT, "Snapshot", "retain", ""])
def test_each_attribute_must_keep_each_type(kind: str, attribute: str, policy: Any) -> None:  # noqa: ANN401
    assert _says(_kept(kind, **{attribute: policy})) is FAIL


def test_replaced_resource_is_kept_by_nothing_less_than_retain() -> None:
    assert _says(_kept(UpdateReplacePolicy="RetainExceptOnCreate")) is FAIL


@pytest.mark.parametrize("environment", ["dev", "staging", "prod-like"])
def test_elsewhere_data_goes_with_its_stack(environment: str) -> None:
    assert _says(_kept(DeletionPolicy="Delete"), environment) is None


def test_resource_without_data_is_not_judged() -> None:
    assert _says(_kept("AWS::Lambda::Function", DeletionPolicy="Delete")) is None


def test_every_attribute_that_deletes_is_named_with_what_is_allowed() -> None:
    text = message(RULE, _kept(DeletionPolicy="Delete", UpdateReplacePolicy=None))

    assert "DeletionPolicy is Delete; in prod it must be Retain or RetainExceptOnCreate" in text
    assert "UpdateReplacePolicy is not set, which means Delete; in prod it must be Retain" in text


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("policy", [UNKNOWN, {"Fn::FindInMap": ["A", "B", "C"]}, ["Retain"], True])
def test_value_not_written_in_the_template_is_not_evaluated(attribute: str, policy: Any) -> None:  # noqa: ANN401
    assert _says(_kept(**{attribute: policy})) is NOT_EVALUATED


@pytest.mark.property
@given(st.sampled_from(KINDS), *[st.sampled_from(["Retain", "RetainExceptOnCreate", "Snapshot", "Delete", None])] * 2)
@example("AWS::KMS::Key", "Retain", "RetainExceptOnCreate")
def test_resource_retained_by_both_policies_passes(kind: str, deleted: str | None, replaced: str | None) -> None:
    survives = deleted in {"Retain", "RetainExceptOnCreate"} and replaced == "Retain"

    assert (_says(_kept(kind, DeletionPolicy=deleted, UpdateReplacePolicy=replaced)) is PASS) is survives
