"""Test campaigns: the drawn drills, the distributions, the comparison with the last one, and the report."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from drill import campaign
from drill.campaign import Campaign, Round
from drill.distribution import Distribution
from drill.faults import FAULTS
from drill.model import DrillReport, FaultRecord, Measure, Verdict
from drill.plan import FAULT_PHASES, PHASES, Plan
from operations.errors import Refused

MOST = len(FAULTS) * (len(FAULTS) + 1) // 2
"""Number of drills with one fault or two."""
PLAN = Plan(drill_id="20260101T000000Z-abcdef", objects=40, time_factor=10.0)


def _report(seconds: float, verdict: Verdict = Verdict.PASSED, drill_id: str = "20260101T000000Z-000001") -> DrillReport:
    return DrillReport.model_construct(
        verdict=verdict,
        reasons=("a | reason",),
        drill_id=drill_id,
        faults=(FaultRecord(name="grey", region="us-east-1", phase="inject"),),
        measures=(
            Measure(name="switch", title="Switch", seconds=seconds),
            Measure(name="detect", title="Detect", seconds=None),
        ),
        rpo_seconds={"durable": 0.0, "accepted": None},
    )


def test_smoke_has_each_fault_and_nightly_each_pair_too() -> None:
    assert sorted(one[0].name for one in campaign.plan_rounds("smoke", 1)) == sorted(FAULTS)
    nightly = campaign.plan_rounds("nightly", 1)
    assert len({frozenset(one.name for one in specs) for specs in nightly}) == len(nightly) == MOST


@pytest.mark.property
@given(st.integers(0, 10_000), st.integers(1, MOST))
def test_drawn_drills_follow_from_the_seed_and_can_be_injected(seed: int, count: int) -> None:
    rounds = campaign.plan_rounds(str(count), seed)
    assert rounds == campaign.plan_rounds(str(count), seed)
    assert len(set(rounds)) == count
    finals = [any(FAULTS[one.name].is_final for one in specs) for specs in rounds]
    assert finals == sorted(finals), "a drill that destroys a region comes last"
    for specs in rounds:
        assert all(one.phase in FAULT_PHASES for one in specs)
        taking = [one for one in specs if FAULTS[one.name].takes_apis]
        for one in specs:
            if taking and FAULTS[one.name].needs_apis:
                assert PHASES.index(one.phase) < PHASES.index(taking[0].phase)


@pytest.mark.parametrize("name", ["", "0", f"{MOST + 1}", "-1", "night", "1.5"])
def test_unknown_campaign_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(Refused) as caught:
        campaign.plan_rounds(name, 1)
    assert caught.value.hint == f"Type smoke, nightly, or a number of drills from 1 to {MOST}."


def test_distribution_has_measured_values_only() -> None:
    found = Distribution.of([float(one) for one in range(1, 101)])
    assert (found.n, found.p50, found.p95, found.p99, found.worst) == (100, 50.0, 95.0, 99.0, 100.0)
    assert (found.low, found.high) == (40.0, 61.0)  # https://online.stat.psu.edu/stat415/lesson/19/19.2
    assert (found.chain_n, found.chain_p50, found.trend) == (0, None, 1.0)
    few = Distribution.of([3.0, 1.0], [5.0])
    assert (few.p50, few.p95, few.p99, few.worst, few.low, few.high) == (1.0, 3.0, 3.0, 3.0, None, None)
    assert (few.chain_n, few.chain_p50, few.trend) == (1, 5.0, -2.0)


@pytest.mark.property
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_percentiles_are_in_order_and_are_values(values: list[float]) -> None:
    found = Distribution.of(values)
    assert found.p50 <= found.p95 <= found.p99 <= found.worst == max(values)
    assert {found.p50, found.p95, found.p99} <= set(values)
    assert (found.low is None) is (len(values) < 6)
    if found.low is not None and found.high is not None:
        assert found.low <= found.p50 <= found.high


def _campaign(*seconds: float, verdict: str = "passed") -> Campaign:
    rounds = tuple(Round(f"grey@{one}", f"d{one}", verdict, "why", {"switch": each}) for one, each in enumerate(seconds))
    measures = {"switch": Distribution.of(seconds)}
    return Campaign("c", "smoke", 1, 40, 10.0, len(rounds), None, rounds, measures)


@pytest.mark.parametrize(
    ("before", "now", "count"),
    [
        (_campaign(10, 10, 10), _campaign(10, 10, 10), 0),
        (_campaign(10, 10, 10), _campaign(13, 13, 13), 1),
        (_campaign(10, 10, 10), _campaign(12, 12, 12), 0),  # 20 % are within the noise
        (_campaign(1, 1, 1), _campaign(2.9, 2.9, 2.9), 0),  # 1.9 s are too
        (_campaign(10, 10), _campaign(99, 99), 0),  # two values show nothing
        (_campaign(10, 10, 10), _campaign(10, 10, 10, verdict="failed"), 3),
        (_campaign(10, 10, 10, verdict="failed"), _campaign(10, 10, 10, verdict="failed"), 0),
        (_campaign(10, 10, 10), _campaign(10, 10, 10, verdict="passed_not_all_measured"), 0),
        (_campaign(10, 10, 10), _campaign(10, 10), 1),  # what was measured three times is measured twice
    ],
)
def test_slower_or_newly_failing_drill_is_a_regression(before: Campaign, now: Campaign, count: int) -> None:
    assert len(list(campaign.regressions(before, now.rounds, now.measures))) == count


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(campaign, "FOLDER", tmp_path / "campaigns")
    monkeypatch.setattr(campaign, "ROOT", tmp_path / "drills")
    return tmp_path


def _run(
    monkeypatch: pytest.MonkeyPatch, folders: Path, campaign_id: str, reports: list[DrillReport]
) -> tuple[bool, Campaign]:
    left = iter(reports)
    seeds: list[int] = []

    def drill(plan: Plan) -> DrillReport:
        seeds.append(plan.seed)
        return next(left)

    def shared(_plan: Plan, _root: Path, holder: Path) -> Any:  # noqa: ANN401 - a context manager
        holder.mkdir(parents=True)
        return contextlib.nullcontext(SimpleNamespace(drill=drill, clean=lambda: None))

    monkeypatch.setattr(campaign, "SharedCloud", shared)
    monkeypatch.setattr(campaign, "new_id", lambda: campaign_id)
    is_good = campaign.run(Console(quiet=True), PLAN, str(len(reports)))
    assert len(set(seeds)) == len(reports)
    return is_good, campaign.load(folders / "campaigns" / campaign_id / "campaign.json")


def test_campaign_is_compared_with_the_last_one(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    is_good, first = _run(monkeypatch, folders, "a", [_report(one) for one in (1.0, 2.0, 3.0)])
    assert (is_good, first.compared_with, first.regressions) == (True, None, ())
    assert {name: (one.n, one.worst) for name, one in first.measures.items()} == {
        "switch": (3, 3.0),
        "rpo_durable": (3, 0.0),
    }
    is_good, second = _run(monkeypatch, folders, "b", [_report(one) for one in (9.0, 9.0, 9.0)])
    assert (is_good, second.compared_with, len(second.regressions)) == (False, "a", 1)
    text = (folders / "campaigns" / "b" / "summary.md").read_text("utf-8")
    assert "switch: the median is 9.0 s (n 3), in a 2.0 s (n 3)" in text
    assert "fewer than 6 values" in text


def test_campaign_with_a_failed_drill_is_not_good(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    is_good, held = _run(monkeypatch, folders, "a", [_report(1.0), _report(1.0, Verdict.FAILED)])
    assert (is_good, [one.verdict for one in held.rounds]) == (False, ["passed", "failed"])
    assert held.rounds[0].reason in (folders / "campaigns" / "a" / "campaign.json").read_text("utf-8")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"rounds": [{}]}'])
def test_damaged_campaign_is_named(folders: Path, content: str) -> None:
    file = folders / "campaigns" / "a" / "campaign.json"
    file.parent.mkdir(parents=True)
    file.write_text(content, "utf-8")
    with pytest.raises(Refused, match=r"campaign[.]json is not the report of a campaign"):
        campaign._last("smoke", PLAN)  # noqa: SLF001 - what a new campaign is compared with


def test_campaign_that_measured_nothing_is_not_good(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    _, held = _run(monkeypatch, folders, "a", [_report(1.0), _report(1.0)])
    assert (held.is_good, replace(held, measures={}).is_good) == (True, False)


def test_unfinished_campaign_is_neither_good_nor_compared_with(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    _, held = _run(monkeypatch, folders, "a", [_report(1.0), _report(1.0)])
    cut = replace(held, planned=3)
    assert not cut.is_good
    campaign._write(folders / "campaigns" / "a", replace(cut, name="2"))  # noqa: SLF001 - what a stopped run leaves
    assert campaign._last("2", PLAN) is None  # noqa: SLF001 - the comparison
