"""Explanations of survivors are complete and cover only what they name; judging near a damage equals judging all."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.cfn.templates import TemplateSet
from compliance.engine.candidates import REMOVED
from compliance.engine.judge import judge
from compliance.mutants import trial
from compliance.mutants.mutant import Mutant, damage
from compliance.mutants.operators import mutants_of
from compliance.mutants.outcome import Outcome
from compliance.mutants.report import report, summary
from compliance.mutants.survivors import (
    DEFAULT_FILE,
    Explanation,
    SurvivorsError,
    read_explanations,
    read_rules_without_mutants,
)
from compliance.mutants.trial import Trial
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import good, template
from unit_tests.compliance.rules.builders import pipeline, regional_bucket, replicating, table
from unit_tests.compliance.rules.failover import pair
from unit_tests.fixtures.examples import examples

MUTANT = Mutant(
    operator="drop",
    resource_type="AWS::SQS::Queue",
    logical_id="Queue",
    stacks=("PrimaryRegional",),
    pointer=("Properties", "Tags", 0),
    before="|<`x`>",
    after=REMOVED,
)
REASON = "It makes no difference, because of this and of that."


def explanation(types: str = "AWS::SQS::*", operators: str = "drop", places: str = "Properties.Tags.*") -> Explanation:
    return Explanation(types=(types,), operators=(operators,), places=(places,), reason=REASON)


def outcome(*killers: str, explanations: tuple[Explanation, ...] = (), complete: bool = True) -> Outcome:
    return Outcome(
        environment="prod",
        trials=[Trial(mutant=MUTANT, killers=killers)],
        rules=("Tagging::Tagging-Required",),
        explanations=explanations,
        complete=complete,
    )


def test_file_of_the_project_is_well_formed() -> None:
    read_explanations(DEFAULT_FILE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[survivor]]\ntypes = ['*']", "exactly"),
        ("[[survivor]]\ntypes = ['*']\noperators = ['*']\nplaces = ['*']\nreason = 'so'", "20 characters"),
        (
            "[[survivor]]\ntypes = '*'\noperators = ['*']\nplaces = ['*']\nreason = 'because it is what it is'",
            "list of texts",
        ),
        (
            "[[survivor]]\ntypes = []\noperators = ['*']\nplaces = ['*']\nreason = 'because it is what it is'",
            "list of texts",
        ),
        ("survivor =", "survivors.toml"),
    ],
)
def test_malformed_entry_is_an_error_with_its_number(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "survivors.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SurvivorsError, match=says):
        read_explanations(file)


@pytest.mark.parametrize(
    ("entry", "covers"),
    [
        (explanation(), True),
        (explanation(types="AWS::SNS::*"), False),
        (explanation(operators="widen"), False),
        (explanation(places="Properties.Tags"), False),
    ],
)
def test_explanation_covers_only_its_patterns(entry: Explanation, *, covers: bool) -> None:
    assert entry.covers(MUTANT) is covers


def test_explanation_with_resources_covers_only_those() -> None:
    assert replace(explanation(), resources=("Que*",)).covers(MUTANT)
    assert not replace(explanation(), resources=("Dead*",)).covers(MUTANT)


def test_pattern_that_no_survivor_needs_is_reported() -> None:
    wide = replace(explanation(), places=("Properties.Tags.*", "Properties.Name"), types=("AWS::SQS::*", "AWS::SNS::*"))

    assert outcome(explanations=(wide,)).stale == (
        f"'AWS::SNS::*' of the entry {REASON!r}",
        f"'Properties.Name' of the entry {REASON!r}",
    )


def test_survivor_without_a_reason_fails() -> None:
    found = outcome()
    assert not found.passed
    assert found.unexplained == found.survivors
    assert "gaps of the gate" in summary(found)


def test_survivor_with_a_reason_passes() -> None:
    found = outcome(explanations=(explanation(),))
    assert not found.unexplained
    assert found.toothless == ("Tagging::Tagging-Required",)
    assert not found.passed, "no rule has bitten"
    assert outcome(explanations=(explanation(),), complete=False).passed


def test_rule_with_a_reason_needs_no_mutant_until_it_has_one() -> None:
    reasons = {"Tagging::Tagging-Required": "it compares what no damage touches"}
    assert replace(outcome(explanations=(explanation(),)), without_mutants=reasons).passed
    assert replace(outcome("Tagging::Tagging-Required"), without_mutants=reasons).stale == (
        "the reason of the rule Tagging::Tagging-Required",
    )
    assert replace(outcome("Tagging::Tagging-Required"), without_mutants={"Gone::Rule": "a rule that is gone"}).stale


def test_short_reason_of_a_rule_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "survivors.toml"
    file.write_text('[rules_without_mutants]\n"Tagging::Tagging-Required" = "none"\n', "utf-8")
    with pytest.raises(SurvivorsError, match="Tagging-Required: write a reason of at least 20 characters"):
        read_rules_without_mutants(file)
    file.write_text('rules_without_mutants = ["Tagging::Tagging-Required"]\n', "utf-8")
    with pytest.raises(SurvivorsError, match="is no table"):
        read_rules_without_mutants(file)
    assert read_rules_without_mutants(DEFAULT_FILE)


def test_kill_by_our_rule_only_is_a_blind_spot_of_the_packs() -> None:
    found = outcome("Tagging::Tagging-Required")
    assert found.passed
    assert found.blind_spots
    assert not outcome("AwsSolutions::AwsSolutions-SQS3").blind_spots
    assert outcome("Tagging::Tagging-Required").by_operator()["drop"]["only ours"] == 1


def test_explanation_that_no_survivor_needs_fails() -> None:
    found = outcome("Tagging::Tagging-Required", explanations=(explanation(),))
    assert not found.passed
    assert found.stale == (f"the entry {REASON!r}",)


def test_run_without_mutants_fails() -> None:
    assert not Outcome(environment="prod", trials=[], rules=(), explanations=(), complete=True).passed


def test_report_files_name_the_mutant() -> None:
    assert MUTANT.id in report(outcome())
    assert "AWS::SQS::Queue Queue" in summary(outcome())


REGIONAL = {**good(), **pipeline()}
ORIGINAL = TemplateSet(
    templates=(
        template({**REGIONAL, "It": replicating()}),
        template({**REGIONAL, "It": regional_bucket()}, "us-west-2"),
        replace(template({**pair(), "Ledger": table()}, "us-west-2", "serverless-data-prod"), name="Data"),
    ),
    environment="prod",
)
MUTANTS = list(mutants_of(ORIGINAL))


def _failing(world: TemplateSet) -> set[trial.Case]:
    return trial._failing(judge(world, our_rules()))  # noqa: SLF001 - the way that is held to the other


BEFORE = _failing(ORIGINAL)


@pytest.mark.property
@given(st.sampled_from(MUTANTS))
@settings(max_examples=examples(25))
def test_local_rules_find_a_damage_from_nearby_resources(mutant: Mutant) -> None:
    damaged = damage(ORIGINAL, mutant)
    bench = object.__new__(trial._Bench)  # noqa: SLF001 - without AWS and the packs, which take a Node.js
    bench.world, bench._ours = ORIGINAL, BEFORE

    found = bench.ours(damaged, mutant)

    assert found == trial._rules(_failing(damaged) - BEFORE)  # noqa: SLF001
