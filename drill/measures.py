"""What was measured, from the journal alone: the same after a kill, and for whoever reads the journal later."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drill.faults import FAULTS
from drill.journal import Journal
from drill.model import Measure
from drill.plan import Plan

FULL_DRILL_SECONDS: Final = 300.0
RESUMED: Final = "resumed"
"""The journal's event: another process goes on with the drill."""


@dataclass(frozen=True)
class _Kind:
    """One duration: between which two moments, and what was promised."""

    name: str
    title: str
    begin: str
    end: Sequence[str]
    target: float | None = None
    scaled: bool = False
    how: str = ""
    by_health_check: bool = False
    """Whether the promise holds only while there is a fault that the primary's health check must see."""


_KINDS: Final = (
    _Kind(
        "detect",
        "Until the fault is noticed",
        "fault",
        ("dns_failed_over", "observer_alarm"),
        scaled=True,
        how="from the injection to the first of: DNS names the other region, an observer's alarm rings there",
    ),
    _Kind(
        "detect_dns",
        "Until DNS names the other region",
        "fault",
        ("dns_failed_over",),
        scaled=True,
        how="by the name server's own answer",
    ),
    _Kind(
        "detect_observer",
        "Until the other region's alarm rings",
        "fault",
        ("observer_alarm",),
        scaled=True,
        how="its alarm on PeerUnhealthy, looked at until the backlog is zero",
    ),
    _Kind(
        "decide",
        "Until it is decided to promote",
        "detected",
        ("decided",),
        how="from the end of the detection, which ends with uploads to where DNS leads; here no person is asked",
    ),
    _Kind("switch", "Until the promotion is written and read back", "decided", ("promoted",)),
    _Kind(
        "first_good_write_helper",
        "First good write of a client with the helper",
        "fault",
        ("first_good_write_helper",),
        target=15.0,
        how="the first upload that began after the injection and that a region has",
    ),
    _Kind(
        "first_good_write_dns",
        "First good write of a client that goes by DNS alone",
        "fault",
        ("first_good_write_dns",),
        target=150.0,
        scaled=True,
        how="a client that keeps each answer for its time to live and tries no other region",
        by_health_check=True,
    ),
    _Kind(
        "backlog_zero",
        "Until nothing waits in the promoted region",
        "decided",
        ("backlog_zero",),
        target=30.0,
        how="its queue is empty and each object uploaded to it has its RESULT",
    ),
    _Kind("failback", "From healed to the primary active in both replicas", "healed", ("failed_back",)),
)


def measure(journal: Journal, plan: Plan, *, began_at: float, ended_at: float) -> tuple[Measure, ...]:
    """Return every duration, measured or not."""
    found = [_measure(kind, journal, plan) for kind in _KINDS]
    return (*found, _whole(journal, began_at, ended_at))


def rto(measures: Sequence[Measure]) -> dict[str, float | None]:
    """The report's `rto_seconds`."""
    wanted = ("detect", "decide", "switch", "first_good_write_helper", "first_good_write_dns", "backlog_zero", "failback")
    by_name = {one.name: one.seconds for one in measures}
    return {name: by_name[name] for name in wanted}


def _whole(journal: Journal, began_at: float, ended_at: float) -> Measure:
    how, whole = "from its first line in the journal, deployment included", ended_at - began_at
    dead = _dead_time(journal, began_at, ended_at)
    return Measure(
        name="full_drill",
        title="The whole drill, with failback",
        seconds=None if dead else round(whole, 2),
        target_seconds=FULL_DRILL_SECONDS,
        met=None if dead else whole <= FULL_DRILL_SECONDS,
        how=f"{how}; {dead}" if dead else how,
    )


def _measure(kind: _Kind, journal: Journal, plan: Plan) -> Measure:
    factor = plan.time_factor if kind.scaled else 1.0
    end, unmeasured = _end(kind, journal)
    begin = journal.moment(kind.begin)
    seconds = round((end - begin) * factor, 2) if begin is not None and end is not None else None
    unpromised = _unpromised(kind, journal, end)
    target = None if unpromised else kind.target
    how = (kind.how, unmeasured, unpromised, _of_backlog(kind, journal))
    return Measure(
        name=kind.name,
        title=kind.title,
        seconds=seconds,
        target_seconds=target,
        met=None if seconds is None or target is None else seconds <= target,
        time_factor=factor,
        how="; ".join(filter(None, how)),
    )


def _end(kind: _Kind, journal: Journal) -> tuple[float | None, str]:
    """Return when a duration ended; None, and why, where it cannot be told."""
    begin = journal.moment(kind.begin)
    ends = [at for name in kind.end if (at := journal.moment(name)) is not None]
    if begin is None or not ends:
        return None, "not measured in this drill"
    after = [at for at in ends if at >= begin]
    if not after:
        return None, "not measured: it was there before what it is measured from"
    if dead := _dead_time(journal, begin, min(after)):
        return None, dead
    return min(after), ""


def _dead_time(journal: Journal, begin: float, end: float) -> str:
    """Say that the drill was dead for a part of a span: a clock that ran meanwhile has measured whoever resumed it."""
    entries = tuple(journal.entries)
    resumed = [
        (before, entry)
        for before, entry in itertools.pairwise(entries)
        if (entry.event == RESUMED or entry.data.get("resumed") is True) and begin <= entry.at and before.at < end
    ]
    if not resumed:
        return ""
    dead = sum(entry.at - before.at for before, entry in resumed)
    phases = ", ".join(dict.fromkeys(entry.phase for _, entry in resumed))
    return f"not measured: meanwhile the drill was killed and gone on with ({phases}; nothing was written for {dead:.0f} s)"


def _unpromised(kind: _Kind, journal: Journal, end: float | None) -> str:
    """Say why a promise does not hold in this drill; "" if it does, or if nothing is promised."""
    if not kind.by_health_check or (end is not None and _seen_by_health_check(journal, end)):
        return ""
    if end is None and any(FAULTS[entry.data["name"]].seen_by_health_check for entry in journal.of("fault injecting")):
        return ""
    return "no fault was there that the primary's health check must see, so nothing is promised of it"


def _seen_by_health_check(journal: Journal, moment: float) -> bool:
    healed = {entry.data["wish"] for entry in journal.of("fault healed") if entry.at <= moment}
    return any(
        FAULTS[entry.data["name"]].seen_by_health_check
        for entry in journal.of("fault injecting")
        if entry.at <= moment and entry.data["wish"] not in healed
    )


def _of_backlog(kind: _Kind, journal: Journal) -> str:
    """Say how large the backlog was: its size, not the number of the drill's files, is what the time was taken for."""
    held = journal.fact("backlog_at_decision") if kind.name == "backlog_zero" else None
    if held is None:
        return ""
    return (
        f"at the decision {held['objects']} objects had no RESULT there, and {held['messages']} messages were in its queue"
    )
