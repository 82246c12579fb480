"""Test the measures, which come from the journal alone and are in the time of the accelerated clocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


def test_unseen_signal_is_not_measured(tmp_path: Path) -> None:
    found = _measure(tmp_path)
    assert {name for name, one in found.items() if one.seconds is not None} == {"full_drill"}
    assert all(one.met is None for name, one in found.items() if name != "full_drill")
    assert set(measures.rto(list(found.values())).values()) == {None}


def test_measure_of_health_checks_is_in_their_accelerated_time(tmp_path: Path) -> None:
    found = _measure(tmp_path, fault=100.0, dns_failed_over=107.0, first_good_write_dns=120.0, first_good_write_helper=101.0)
    assert (found["detect"].seconds, found["detect"].time_factor) == (28.0, 4.0)
    assert (found["first_good_write_dns"].seconds, found["first_good_write_dns"].time_factor) == (80.0, 4.0)
    assert (found["first_good_write_helper"].seconds, found["first_good_write_helper"].time_factor) == (1.0, 1.0)


def test_first_signal_detects(tmp_path: Path) -> None:
    found = _measure(tmp_path, fault=100.0, dns_failed_over=107.0, observer_alarm=103.0)
    assert found["detect"].seconds == 12.0


def test_late_measure_is_not_met(tmp_path: Path) -> None:
    found = _measure(tmp_path, decided=10.0, backlog_zero=40.5)
    assert (found["backlog_zero"].seconds, found["backlog_zero"].met) == (30.5, False)
    assert found["full_drill"].met is True


def _journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *lines: tuple[float, str, dict[str, Any]], phase: str = "measure"
) -> Journal:
    """Return a journal whose lines were written at these seconds."""
    journal = Journal(tmp_path / "journal.jsonl")
    for at, event, data in lines:
        monkeypatch.setattr("drill.journal.time.time", lambda at=at: at)
        journal.append(phase, event, **data)
    return journal


def _moment(at: float, name: str) -> tuple[float, str, dict[str, Any]]:
    return at, "moment", {"name": name, "epoch": at}


def _fault(at: float, name: str, event: str = "fault injecting") -> tuple[float, str, dict[str, Any]]:
    return at, event, {"fault": f"{name}@inject", "name": name}


def _of(journal: Journal, name: str) -> Measure:
    return next(one for one in measures.measure(journal, PLAN, began_at=0.0, ended_at=200.0) if one.name == name)


@pytest.mark.parametrize("resumed", [("resumed", {}), ("phase began", {"resumed": True})])
def test_measure_that_spans_an_interruption_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: tuple[str, dict[str, Any]]
) -> None:
    lines = (_moment(10, "fault"), _moment(11, "first_good_write_helper"), (90.0, *resumed), _moment(91, "dns_failed_over"))
    journal = _journal(tmp_path, monkeypatch, *lines, _moment(92, "decided"), _moment(95, "backlog_zero"))
    for name in ("detect_dns", "full_drill"):
        one = _of(journal, name)
        assert (one.seconds, one.met) == (None, None)
        assert "interrupted and resumed (measure; nothing was written for 79 s)" in one.how
    assert _of(journal, "first_good_write_helper").seconds == 1.0
    assert _of(journal, "backlog_zero").seconds == 3.0


def test_end_during_an_interruption_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = (91.0, "moment", {"name": "first_good_write_helper", "epoch": 50.0})
    journal = _journal(tmp_path, monkeypatch, _moment(10, "fault"), (90.0, "resumed", {}), late)
    assert _of(journal, "first_good_write_helper").seconds is None


def test_measure_with_its_end_before_its_start_is_not_measured(tmp_path: Path) -> None:
    found = _measure(tmp_path, fault=100.0, dns_failed_over=90.0, observer_alarm=110.0)
    assert found["detect_dns"].seconds is None
    assert "its end came before its start" in found["detect_dns"].how
    assert found["detect"].seconds == 40.0


@pytest.mark.parametrize(
    ("phase", "faults", "is_promised"),
    [
        ("inject", [_fault(10, "blackout")], True),
        ("inject", [_fault(10, "grey")], True),
        ("load", [_fault(10, "grey")], False),
        ("inject", [_fault(10, "throttle")], False),
        ("inject", [], False),
        ("inject", [_fault(10, "throttle"), _fault(70, "blackout")], False),
        ("inject", [_fault(5, "grey"), _fault(8, "grey", "fault healed"), _fault(10, "throttle")], False),
    ],
)
def test_dns_target_applies_only_to_faults_of_the_health_check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
    faults: list[tuple[float, str, dict[str, Any]]],
    is_promised: bool,  # noqa: FBT001 - a table's column
) -> None:
    lines = sorted([*faults, _moment(10, "fault"), _moment(40, "first_good_write_dns")], key=lambda line: line[0])
    one = _of(_journal(tmp_path, monkeypatch, *lines, phase=phase), "first_good_write_dns")
    assert one.seconds == 120.0
    assert (one.target_seconds, one.met) == ((150.0, True) if is_promised else (None, None))
    assert ("no target:" in one.how) is not is_promised


def test_backlog_is_reported_with_its_size(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.state("decide", "backlog_at_decision", {"objects": 58, "messages": 61})
    assert "58 objects were not settled there, and 61 messages were in its queue" in _of(journal, "backlog_zero").how


def test_measure_over_its_target_is_not_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (_fault(10, "blackout"), _moment(10, "fault"), _moment(48, "first_good_write_dns"))
    one = _of(_journal(tmp_path, monkeypatch, *lines), "first_good_write_dns")
    assert (one.seconds, one.target_seconds, one.met) == (152.0, 150.0, False)


def test_unmeasured_targets_are_listed_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    listed = measures.measure(journal, PLAN, began_at=0.0, ended_at=200.0)
    unmeasured = [one.target_seconds is not None and one.seconds is None for one in listed]
    assert unmeasured == sorted(unmeasured, reverse=True)
    assert any(unmeasured)


def test_whole_drill_lasts_from_the_command_to_the_last_process(tmp_path: Path) -> None:
    found = _measure(tmp_path, command=-3.5, gone=237.0)
    assert found["full_drill"].seconds == 240.5
