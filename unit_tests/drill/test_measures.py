"""Measures come from the journal's moments alone, in the time of the clocks that were sped up."""

from __future__ import annotations

from pathlib import Path

from drill import measures
from drill.journal import Journal
from drill.model import Measure
from drill.plan import Plan

PLAN = Plan(drill_id="20260101T000000Z-abcdef", time_factor=4.0)


def _measure(tmp_path: Path, **moments: float) -> dict[str, Measure]:
    journal = Journal(tmp_path / "journal.jsonl")
    for name, epoch in moments.items():
        journal.mark("load", name, epoch)
    found = measures.measure(journal, PLAN, began_at=0.0, ended_at=200.0)
    return {one.name: one for one in found}


def test_what_was_not_seen_is_not_measured(tmp_path: Path) -> None:
    found = _measure(tmp_path)
    assert {name for name, one in found.items() if one.seconds is not None} == {"full_drill"}
    assert all(one.met is None for name, one in found.items() if name != "full_drill")
    assert set(measures.rto(list(found.values())).values()) == {None}


def test_the_clocks_of_health_checks_are_told_in_their_own_time_and_others_in_ours(tmp_path: Path) -> None:
    found = _measure(tmp_path, fault=100.0, dns_failed_over=107.0, first_good_write_dns=120.0, first_good_write_helper=101.0)
    assert (found["detect"].seconds, found["detect"].time_factor) == (28.0, 4.0)
    assert (found["first_good_write_dns"].seconds, found["first_good_write_dns"].met) == (80.0, True)
    assert (found["first_good_write_helper"].seconds, found["first_good_write_helper"].time_factor) == (1.0, 1.0)


def test_the_first_signal_detects(tmp_path: Path) -> None:
    found = _measure(tmp_path, fault=100.0, dns_failed_over=107.0, observer_alarm=103.0)
    assert found["detect"].seconds == 12.0


def test_what_is_late_is_not_met(tmp_path: Path) -> None:
    found = _measure(tmp_path, decided=10.0, backlog_zero=40.5)
    assert (found["backlog_zero"].seconds, found["backlog_zero"].met) == (30.5, False)
    assert found["full_drill"].met is True
