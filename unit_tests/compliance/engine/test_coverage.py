"""Coverage fails for a resource type without a rule or an explanation, and for a needless explanation."""

from pathlib import Path

import pytest

from compliance.engine import coverage
from compliance.engine.coverage import STALE, UNCOVERED, UncoveredError, read_uncovered
from compliance.engine.findings import Place, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder
from compliance.rules import our_rules

QUEUE = Place(configuration="prod", stack="S", path="S/Queue", logical_id="Queue", resource_type="AWS::SQS::Queue")
ALIAS = Place(configuration="prod", stack="S", path="S/Alias", logical_id="Alias", resource_type="AWS::KMS::Alias")
REASON = "Its own name is all there is to it."


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
    found = coverage.judge(_findings(*NOT_LOOKED_AT, ("Own::Own-Rule", QUEUE, Verdict.FAIL)), {})

    assert _failing(found) == {"AWS::KMS::Alias": UNCOVERED.id}
    assert "1 resources" in found.rows[0].message
    assert "only ActivePassive, CloudFormation, Naming did" in found.rows[0].message


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED, Verdict.ACKNOWLEDGED])
def test_type_with_any_answer_of_one_rule_is_covered(verdict: Verdict) -> None:
    assert not coverage.judge(_findings(*NOT_LOOKED_AT, ("Own::Own-Rule", ALIAS, verdict)), {}).rows


def test_explained_type_passes() -> None:
    assert not coverage.judge(_findings(*NOT_LOOKED_AT), {"AWS::KMS::Alias": REASON}).rows


def test_explanation_of_a_type_with_a_rule_fails() -> None:
    covered = _findings(("Own::Own-Rule", ALIAS, Verdict.PASS))

    assert _failing(coverage.stale(covered, {"AWS::KMS::Alias": REASON}, whole=False)) == {"AWS::KMS::Alias": STALE.id}
    assert not coverage.stale(_findings(*NOT_LOOKED_AT), {"AWS::KMS::Alias": REASON}, whole=True).rows


def test_explanation_of_an_absent_type_fails_only_in_a_whole_run() -> None:
    explained = {"AWS::EC2::FlowLog": REASON}

    assert not coverage.stale(_findings(*NOT_LOOKED_AT), explained, whole=False).rows
    assert _failing(coverage.stale(_findings(*NOT_LOOKED_AT), explained, whole=True)) == {"AWS::EC2::FlowLog": STALE.id}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[uncovered", "is not TOML"),
        ("[uncovered]\n", "write each entry as"),
        ("other = 1", "write each entry as"),
        ('[[uncovered]]\ntype = "AWS::SQS::Queue"', "exactly type and reason"),
        ('[[uncovered]]\ntype = "AWS::SQS::*"\nreason = "It holds no data and no access."', "one resource type"),
        ('[[uncovered]]\ntype = "Queue"\nreason = "It holds no data and no access."', "one resource type"),
        ('[[uncovered]]\ntype = "AWS::SQS::Queue"\nreason = "why not"', "at least 20 characters"),
        ('[[uncovered]]\ntype = "A::B::C"\nreason = "It holds no data and no access."\n' * 2, "twice"),
    ],
)
def test_malformed_list_is_an_error_with_the_entry(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text(text)

    with pytest.raises(UncoveredError, match=says):
        read_uncovered(tmp_path / "list.toml")
    with pytest.raises(UncoveredError, match="cannot be read"):
        read_uncovered(tmp_path / "none.toml")


def test_own_list_is_well_formed() -> None:
    assert read_uncovered(coverage.DEFAULT_FILE)


def test_rules_on_names_tags_and_templates_cover_no_type() -> None:
    covering = {rule.info.pack for rule in our_rules() if rule.info.covers}

    assert covering == {"ActivePassive"}
