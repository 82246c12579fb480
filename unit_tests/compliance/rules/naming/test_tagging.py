"""The tagging rules, in all three shapes that tags have."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import TAG_LIST, TAGS, good, template, verdict_on, verdicts

PASS, FAIL, NOT_EVALUATED = Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED


def _queue(tags: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::SQS::Queue", "Properties": {"Tags": tags}}


def test_good_tags_pass_in_every_shape() -> None:
    tagged = {name: PASS for name in good() if name != "Alias"}

    assert verdicts("Tagging-Required", template(good())) == tagged
    assert verdicts("Tagging-Environment", template(good())) == tagged


@pytest.mark.parametrize("key", TAGS)
def test_missing_tag_fails_in_every_shape_and_is_reported(key: str) -> None:
    without = [tag for tag in TAG_LIST if tag["Key"] != key]
    as_map = {name: value for name, value in TAGS.items() if name != key}
    table = good()["Table"]
    table["Properties"]["Replicas"][1]["Tags"] = without
    health = good()["HealthCheck"]
    health["Properties"]["HealthCheckTags"] = without
    parameter = good()["Parameter"]
    parameter["Properties"]["Tags"] = as_map

    for damaged in (_queue(without), parameter, health, table):
        verdict, message = verdict_on("Tagging-Required", damaged)
        assert verdict is FAIL
        assert f"lacks: {key}" in message
    assert "Replicas[1].Tags (us-west-2)" in verdict_on("Tagging-Required", table)[1]


def test_tags_on_the_table_do_not_count_for_its_replicas() -> None:
    table = good()["Table"]
    table["Properties"]["Tags"] = TAG_LIST
    for replica in table["Properties"]["Replicas"]:
        del replica["Tags"]

    assert verdict_on("Tagging-Required", table)[0] is FAIL


@pytest.mark.parametrize("tags", [None, [], {"Ref": "AWS::NoValue"}])
def test_no_tags_at_all_fail(tags: Any) -> None:  # noqa: ANN401
    assert verdict_on("Tagging-Required", _queue(tags))[0] is FAIL


@pytest.mark.parametrize("value", ["", "  ", {"Ref": "AWS::NoValue"}, None])
def test_empty_value_fails(value: Any) -> None:  # noqa: ANN401
    verdict, message = verdict_on("Tagging-Required", _queue([*TAG_LIST[1:], {"Key": "Project", "Value": value}]))

    assert verdict is FAIL
    assert "has no value for: Project" in message


def test_tag_that_stands_twice_fails() -> None:
    verdict, message = verdict_on("Tagging-Required", _queue([*TAG_LIST, TAG_LIST[0]]))

    assert verdict is FAIL
    assert "has twice: Project" in message


@pytest.mark.parametrize(
    "tags",
    [
        {"Fn::If": ["C", TAG_LIST, []]},
        [{"Fn::If": ["C", TAG_LIST[0], {"Ref": "AWS::NoValue"}]}],
        "Project=lockstep",
        [*TAG_LIST[1:], {"Key": "Project", "Value": {"Ref": "P"}}],
    ],
)
def test_tags_that_only_a_deployment_knows_are_not_evaluated(tags: Any) -> None:  # noqa: ANN401
    assert verdict_on("Tagging-Required", _queue(tags))[0] is NOT_EVALUATED


@pytest.mark.parametrize("replicas", [None, [], {"Ref": "R"}, ["us-east-1"], [{"Fn::If": ["C", {}, {}]}]])
def test_replicas_that_cannot_be_read_are_not_evaluated(replicas: Any) -> None:  # noqa: ANN401
    table = good()["Table"]
    table["Properties"]["Replicas"] = replicas

    assert verdict_on("Tagging-Required", table)[0] is NOT_EVALUATED


def test_untaggable_type_is_not_judged() -> None:
    for kind in ("AWS::KMS::Alias", "AWS::SQS::QueuePolicy", "AWS::CloudFormation::CustomResource", "Custom::Thing"):
        assert verdict_on("Tagging-Required", {"Type": kind, "Properties": {}})[0] is None


def test_tag_environment_must_say_the_environment_under_judgement() -> None:
    others = [tag for tag in TAG_LIST if tag["Key"] != "Environment"]

    verdict, message = verdict_on("Tagging-Environment", _queue([*others, {"Key": "Environment", "Value": "dev"}]))
    assert verdict is FAIL
    assert "'dev'; it must be 'prod'" in message
    unresolved = [{"Key": "Environment", "Value": {"Ref": "E"}}]
    assert verdict_on("Tagging-Environment", _queue(unresolved))[0] is NOT_EVALUATED
    assert verdict_on("Tagging-Environment", _queue(others))[0] is None
