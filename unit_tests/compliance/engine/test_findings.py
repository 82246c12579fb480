"""The ledger: a row for every rule and resource, in the same order; a missing answer or rule is never a pass."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine import coverage
from compliance.engine.coverage import UNCOVERED
from compliance.engine.findings import Findings, Place, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder, judge
from compliance.engine.rule import PASSED, Judgement, Rule
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import template, verdict_on

pytestmark = pytest.mark.property

_PLACES = [
    Place(configuration=configuration, stack=stack, path=f"{stack}/{name}", logical_id=name, resource_type="T", line=line)
    for configuration in ("prod", "dev")
    for stack in ("B", "A")
    for line, name in enumerate(("X", "Y"), start=1)
]
_KEYS = st.tuples(st.sampled_from(["P::One", "P::Two", "Q::Three"]), st.sampled_from(_PLACES))
_ANSWERS = st.dictionaries(_KEYS, st.sampled_from(list(Verdict)))


def _ledger(answers: list[tuple[tuple[str, Place], Verdict]]) -> Findings:
    found = FindingsBuilder()
    for (rule, place), verdict in answers:
        found.add(RuleInfo(id=rule, title="t", why="w", fix="f"), verdict, place)
    return Findings(
        findings=tuple(found.rows),
        rules=found.rules,
        silent=found.silent,
        judged_on=date(2026, 11, 24),
        configurations=("prod", "dev"),
    )


@given(answers=_ANSWERS, data=st.data())
def test_rows_hold_each_answer_in_the_order_of_the_templates(
    answers: dict[tuple[str, Place], Verdict], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(list(answers.items())))

    rows = list(_ledger(shuffled).rows())

    assert rows == list(_ledger(list(answers.items())).rows())
    assert {(row.rule, row.configuration, row.stack, row.path, row.line): row.verdict for row in rows} == {
        (rule, place.configuration, place.stack, place.path, place.line): verdict
        for (rule, place), verdict in answers.items()
    }
    assert len(rows) == len(answers) == sum(_ledger(shuffled).counts.values())
    order = [(row.configuration != "prod", row.rule, row.stack, row.line) for row in rows]
    assert order == sorted(order)


@given(answers=_ANSWERS)
def test_findings_exclude_rules_that_do_not_apply(answers: dict[tuple[str, Place], Verdict]) -> None:
    ledger = _ledger(list(answers.items()))

    applied = [row for row in ledger.rows() if row.verdict is not Verdict.NOT_APPLICABLE]
    assert sorted(map(repr, ledger.findings)) == sorted(map(repr, applied))
    assert sum(ledger.not_applicable.values()) == ledger.counts[Verdict.NOT_APPLICABLE]
    assert sum(item.resources for item in ledger.coverage) == len({place for _, place in answers})


QUEUE = Place(configuration="prod", stack="S", path="S/Queue", logical_id="Queue", resource_type="AWS::SQS::Queue")
ALIAS = Place(configuration="prod", stack="S", path="S/Alias", logical_id="Alias", resource_type="AWS::KMS::Alias")


def _findings(*answers: tuple[str, Place, Verdict]) -> FindingsBuilder:
    found = FindingsBuilder()
    for rule, place, verdict in answers:
        found.add(RuleInfo(id=rule, title="t", why="w", fix="f", covers=rule in COVERING), verdict, place)
    return found


COVERING = {"Own::Own-Rule", "Serverless::Ran"}


def _failing(found: FindingsBuilder) -> dict[str, str]:
    return {row.path: row.rule for row in found.rows if row.verdict is Verdict.FAIL}


NOT_LOOKED_AT = (
    ("Own::Own-Rule", ALIAS, Verdict.NOT_APPLICABLE),
    ("CloudFormation::Valid", ALIAS, Verdict.PASS),
    ("Naming::Naming-Pattern", ALIAS, Verdict.PASS),
    ("Serverless::Ran", ALIAS, Verdict.NOT_EVALUATED),
    ("ActivePassive::ActivePassive-CrossRegionSymmetry", ALIAS, Verdict.PASS),
)


def test_type_checked_only_by_schema_names_and_tags_fails() -> None:
    found = coverage.judge(_findings(*NOT_LOOKED_AT, ("Own::Own-Rule", QUEUE, Verdict.FAIL)))

    assert _failing(found) == {"AWS::KMS::Alias": UNCOVERED.id}
    assert "1 resources" in found.rows[0].message
    assert "only ActivePassive, CloudFormation, Naming did" in found.rows[0].message


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED, Verdict.ACKNOWLEDGED])
def test_type_with_any_answer_of_one_rule_is_covered(verdict: Verdict) -> None:
    assert not coverage.judge(_findings(*NOT_LOOKED_AT, ("Own::Own-Rule", ALIAS, verdict))).rows


def test_rules_on_names_tags_and_templates_cover_no_type() -> None:
    covering = {rule.info.pack for rule in our_rules() if rule.info.covers}

    assert covering == {"ActivePassive"}


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
