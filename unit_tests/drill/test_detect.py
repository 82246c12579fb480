"""Test the detection: an alarm counts from CloudWatch's own timestamp, and only datapoints after the fault count."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill.background import Background
from drill.journal import Journal
from drill.phases import detect
from drill.stops import Stop

WEST = "us-west-2"
FAULT = 1000.0


def _context(folder: Path, **alarm: object) -> Any:  # noqa: ANN401 - stands for a context
    """Return a drill four times faster, whose alarm of three minutes has gone off."""
    held = {"AlarmName": "acme-peer-unhealthy-qa", "EvaluationPeriods": 3, "Period": 60, **alarm}
    named: list[dict[str, Any]] = []

    def describe(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        named.append(given)
        return {"MetricAlarms": [held]}

    journal, notes = Journal(folder / "j"), []
    journal.mark("inject", "fault", FAULT)
    return SimpleNamespace(
        target=SimpleNamespace(
            secondary=WEST,
            name_of=lambda resource: f"acme-{resource}-qa",
            fail_fast_client=lambda *_: SimpleNamespace(describe_alarms=describe),
        ),
        dns=SimpleNamespace(answered=lambda: None, followed=lambda: None),
        plan=SimpleNamespace(time_factor=4.0),
        journal=journal,
        phase="measure",
        note=lambda what, **_: notes.append(what),
        notes=notes,
        named=named,
    )


def _at(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


@pytest.mark.parametrize("after", [30.0, 36.7])
def test_alarm_counts_from_its_own_timestamp(tmp_path: Path, after: float) -> None:
    context = _context(tmp_path, StateTransitionedTimestamp=_at(FAULT + after))
    detect.look(context)
    detect.look(context)
    assert context.journal.moment("observer_alarm") == pytest.approx(FAULT + after)
    assert context.named == [{"AlarmNames": ["acme-peer-unhealthy-qa"], "StateValue": "ALARM"}]


@pytest.mark.parametrize(
    ("after", "more", "notes"), [(29.9, {}, 1), (9.1, {}, 1), (-1.0, {}, 0), (14.0, {"DatapointsToAlarm": 2}, 1)]
)
def test_alarm_by_earlier_datapoints_measures_nothing(
    tmp_path: Path, after: float, more: dict[str, int], notes: int
) -> None:
    context = _context(tmp_path, StateTransitionedTimestamp=_at(FAULT + after), **more)
    detect.look(context)
    detect.look(context)
    assert context.journal.moment("observer_alarm") is None
    assert len(context.notes) == notes
    assert all("by datapoints from before it: not measured" in note for note in context.notes)


def test_traffic_sends_the_rest_at_once_in_a_hurry() -> None:
    sent: list[int] = []
    sender = SimpleNamespace(send=lambda wave, _: sent.append(len(wave)))
    context: Any = SimpleNamespace(on_event=None, sender=sender)
    wave: Any = list(range(40))
    hurry = threading.Event()
    hurry.set()
    detect.upload_until(hurry, context, wave)
    assert sent == [40]


def test_abort_alarm_ends_the_wait_for_traffic_that_hangs() -> None:
    released = threading.Event()

    def checkpoint() -> None:
        raise Stop("The plan's abort alarm x is in ALARM in us-west-2.")

    traffic = Background("traffic", lambda: released.wait(60))
    traffic.start()
    with pytest.raises(Stop, match="abort alarm x"):
        traffic.finish(checkpoint)
    released.set()
    traffic.join(60)


def test_background_thread_adds_no_private_attribute() -> None:
    assert vars(Background("traffic", print)).keys() - vars(threading.Thread()).keys() == {"failure"}
