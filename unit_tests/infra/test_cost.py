"""Test that the cost table counts the resources of the templates and has a price for each; AWS's bill may differ.

integration_tests/moto/test_cost.py counts the calls of a run.
"""

import pytest

from infra.cost import A_RUN, Line, idle
from infra.cost_of_load import AN_OBJECT, Load, levers, loaded
from infra.settings import Settings
from unit_tests.infra.synthesis import VPCS, Synthesis, synthesize, synthesized


def table(made: Synthesis) -> dict[str, Line]:
    return {line.what: line for line in idle(made.templates)}


def total(made: Synthesis) -> float:
    return sum(line.usd for line in table(made).values())


def test_fixed_things_are_counted_in_the_templates(prod: Synthesis) -> None:
    found = table(prod)
    assert found["interface endpoints"].usd == pytest.approx(2 * 2 * 2 * 7.30)
    assert found["customer managed keys"].count == 10
    assert (found["health checks"].count, found["health check options: HTTPS, fast"].count) == (0, 0)
    assert found["secret and its replica"].count == 2


def test_prices_and_counts_have_a_source(prod: Synthesis) -> None:
    for line in table(prod).values():
        assert line.source.startswith("https://aws.amazon.com/"), line.what
        assert "pricing" in line.source, line.what
        assert line.counted, line.what


def test_prod_idles_below_what_the_page_says(prod: Synthesis) -> None:
    assert total(prod) < 110


def test_idle_cost_of_one_zone_is_below_90_dollars() -> None:
    made = synthesize(Settings.model_validate({"environment": "dev", "vpc": {"availability_zones": 1}}))
    assert total(made) < 90


def test_schedules_are_counted_by_their_rate(prod: Synthesis) -> None:
    found = table(prod)
    runs = 2 * 43_800
    assert found["CloudWatch, GetMetricData"].count == A_RUN.measures * runs, "the observers' runs"
    assert found["X-Ray"].count == 2 * runs + 2 * 43_800 / 5, "the reconcilers' too"


def test_replication_metrics_are_counted_by_rule(prod: Synthesis) -> None:
    assert table(prod)["S3 replication metrics"].count == 2 * 4


def test_records_bring_the_cost_of_their_health_checks(prod: Synthesis) -> None:
    made = synthesized(Settings(client_vpcs=VPCS))
    found = table(made)
    assert (found["health checks"].count, found["health check options: HTTPS, fast"].count) == (5, 4)
    assert found["HTTP API"].count > 8_000_000 > table(prod)["HTTP API"].count
    assert 20 < total(made) - total(prod) < 40


def test_load_costs_by_its_files_its_records_and_their_size() -> None:
    def usd(load: Load) -> float:
        return sum(line.usd for line in loaded(load))

    assert usd(Load(0, 0, 0)) == 0
    some = Load(1000, 1_000_000, 0.5)
    assert some.record_units == 1
    writes = next(line for line in loaded(some) if line.what == "records: DynamoDB, writes")
    assert writes.count == 2 * (1000 * AN_OBJECT.table_writes + 1_000_000)
    assert usd(Load(2000, 1_000_000, 0.5)) > usd(some)
    assert Load(1000, 1_000_000, 1.5).record_units == 2
    assert usd(Load(1000, 1_000_000, 1.5)) > usd(some) + 2 * 1_000_000 * 0.625e-6


def test_levers_are_the_three_that_save_most(prod: Synthesis) -> None:
    found = levers(prod.settings, Load(100_000, 10_000_000, 20), total(prod))
    assert [what for what, _ in found] == [
        "vpc.availability_zones = 1",
        "records of at most 1 KB",
        "files ten times as large, with the same records",
    ]
    assert [usd for _, usd in found] == sorted((usd for _, usd in found), reverse=True)
