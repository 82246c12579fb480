"""Coverage fails for a resource type without a rule."""

import pytest

from compliance.engine import coverage
from compliance.engine.coverage import UNCOVERED
from compliance.engine.findings import Place, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder
from compliance.rules import our_rules

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
