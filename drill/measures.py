"""What was measured, from the journal alone: the same after a kill, and for whoever reads the journal later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drill.journal import Journal
from drill.model import Measure
from drill.plan import Plan

FULL_DRILL_SECONDS: Final = 300.0


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
    whole = ended_at - began_at
    found.append(
        Measure(
            name="full_drill",
            title="The whole drill, with failback",
            seconds=round(whole, 2),
            target_seconds=FULL_DRILL_SECONDS,
            met=whole <= FULL_DRILL_SECONDS,
            how="from its first line in the journal, deployment included",
        )
    )
    return tuple(found)


def rto(measures: Sequence[Measure]) -> dict[str, float | None]:
    """The report's `rto_seconds`."""
    wanted = ("detect", "decide", "switch", "first_good_write_helper", "first_good_write_dns", "backlog_zero", "failback")
    by_name = {one.name: one.seconds for one in measures}
    return {name: by_name[name] for name in wanted}


def _measure(kind: _Kind, journal: Journal, plan: Plan) -> Measure:
    begin = journal.moment(kind.begin)
    ends = [at for name in kind.end if (at := journal.moment(name)) is not None]
    factor = plan.time_factor if kind.scaled else 1.0
    seconds = round(max(0.0, min(ends) - begin) * factor, 2) if begin is not None and ends else None
    met = None if seconds is None or kind.target is None else seconds <= kind.target
    return Measure(
        name=kind.name,
        title=kind.title,
        seconds=seconds,
        target_seconds=kind.target,
        met=met,
        time_factor=factor,
        how=kind.how if seconds is not None else f"{kind.how}; not measured in this drill".lstrip("; "),
    )
