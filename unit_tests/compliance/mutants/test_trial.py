"""Judging only the resources near a damage finds the same as judging all."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.cfn.templates import TemplateSet
from compliance.engine.judge import judge
from compliance.mutants import trial
from compliance.mutants.mutant import Mutant, damage
from compliance.mutants.operators import mutants_of
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import good, template
from unit_tests.compliance.rules.builders import pipeline, regional_bucket, replicating, table
from unit_tests.compliance.rules.failover import pair
from unit_tests.fixtures.examples import examples

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
