"""The judge returns a row for every rule and resource; a missing answer is never a pass."""

from dataclasses import replace
from typing import Any

import pytest

from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.findings import Verdict
from compliance.engine.judge import judge
from compliance.engine.rule import PASSED, Judgement, Rule
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import template, verdict_on


def _rule(answer: Judgement | Exception) -> Rule:
    def ask(resource: Resource, _world: TemplateSet) -> Judgement:
        if isinstance(answer, Exception):
            raise answer
        return answer if resource.logical_id else PASSED

    return Rule(id="Test-Rule", title="t", why="w", fix="f", judge=ask)


def _verdicts(rule: Rule, resources: Any) -> list[Verdict]:  # noqa: ANN401
    world = TemplateSet(templates=(template(resources),), environment="prod")
    return [row.verdict for row in judge(world, [rule]).rows]


def test_rule_that_raises_is_not_evaluated() -> None:
    row = judge(TemplateSet(templates=(template({}),), environment="prod"), [_rule(KeyError("x"))]).rows[0]

    assert row.verdict is Verdict.NOT_EVALUATED
    assert "KeyError" in row.message


@pytest.mark.parametrize("answer", [None, True, "PASS", Verdict.PASS])
def test_answer_of_another_type_is_not_evaluated(answer: Any) -> None:  # noqa: ANN401
    row = judge(
        TemplateSet(templates=(template({}),), environment="prod"), [replace(_rule(PASSED), judge=lambda _r, _w: answer)]
    ).rows[0]

    assert row.verdict is Verdict.NOT_EVALUATED
    assert "allowed: PASSED, NOT_APPLICABLE or failed(...)" in row.message


@pytest.mark.parametrize("resource", [None, "text", [], {}, {"Type": 3}, {"Type": ""}])
def test_resource_without_a_type_is_not_evaluated(resource: Any) -> None:  # noqa: ANN401
    assert _verdicts(_rule(PASSED), {"It": resource}) == [Verdict.PASS, Verdict.NOT_EVALUATED]


@pytest.mark.parametrize("properties", [None, [], "x"])
def test_properties_of_another_type_are_not_evaluated(properties: Any) -> None:  # noqa: ANN401
    resource = {"Type": "AWS::SQS::Queue", "Properties": properties}

    assert _verdicts(_rule(PASSED), {"It": resource}) == [Verdict.PASS, Verdict.NOT_EVALUATED]


def test_nested_stack_is_not_evaluated() -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/t.json"}}

    assert verdict_on("Template-Nested", nested)[0] is Verdict.NOT_EVALUATED
    assert verdict_on("Template-Nested", {"Type": "AWS::SQS::Queue", "Properties": {}})[0] is None


def test_every_rule_has_why_fix_and_controls() -> None:
    rules = our_rules()

    assert len({rule.id for rule in rules}) == len(rules) > 0
    for rule in rules:
        assert rule.info.id == f"{rule.info.pack}::{rule.id}"
        assert all(len(text) > 20 for text in (rule.title, rule.why, rule.fix))
