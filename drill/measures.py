"""Compute the measured durations from the journal alone, so that a resume or a later reading gives the same ones."""

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
_WHOLE: Final = "full_drill"
COMMAND: Final = "command"
"""Moment of the journal: the process of the first command started."""
GONE: Final = "gone"
"""Moment of the journal: no process of the local cloud was left."""
RESUMED: Final = "resumed"
"""Event of the journal: another process resumes the drill."""

_BEFORE_DNS: Final = frozenset({"preflight", "baseline", "load"})


@dataclass(frozen=True)
class _Kind:
    """A duration: the two timestamps that bound it, and its target."""

    name: str
    title: str
    begin: str
    end: Sequence[str]
    target: float | None = None
    scaled: bool = False
    how: str = ""
    by_health_check: bool = False
    """Whether the target applies only during a fault that the primary's health check must detect."""


_KINDS: Final = (
    _Kind(
        "detect",
        "Fault to detection",
        "fault",
        ("dns_failed_over", "observer_alarm"),
        scaled=True,
        how="until DNS names the other region or an observer's alarm goes off there, whichever is first",
    ),
    _Kind(
        "detect_dns",
        "Fault to DNS failover",
        "fault",
        ("dns_failed_over",),
        scaled=True,
        how="from the name server's answer",
    ),
    _Kind(
        "detect_observer",
        "Fault to alarm in the other region",
        "fault",
        ("observer_alarm",),
        scaled=True,
        how="its alarm on PeerUnhealthy, by CloudWatch's own timestamp, read until the backlog is zero",
    ),
    _Kind(
        "decide",
        "Detection to decision",
        "detected",
        ("decided",),
        how="from the end of the detection phase, which uploads files by DNS; the drill decides without a person",
    ),
    _Kind("switch", "Decision to promotion, written and read back", "decided", ("promoted",)),
    _Kind(
        "first_good_write_helper",
        "First good write of a client with the helper",
        "fault",
        ("first_good_write_helper",),
        target=15.0,
        how="the first upload of a new client that began after the injection; the lost region hangs, so that each try there "
        "takes its whole timeout",
    ),
    _Kind(
        "first_good_write_refused",
        "First good write of a client with the helper, the lost region refusing at once",
        "refused_began",
        ("first_good_write_refused",),
        how="from the start of the upload of another new client, during the fault",
    ),
    _Kind(
        "first_good_write_dns",
        "First good write of a client with DNS failover only",
        "fault",
        ("first_good_write_dns",),
        target=150.0,
        scaled=True,
        how="a client that caches each answer for its time to live and tries no other region",
        by_health_check=True,
    ),
    _Kind(
        "backlog_zero",
        "Decision to an empty backlog in the promoted region",
        "decided",
        ("backlog_zero",),
        target=30.0,
        how="each object that its bucket held at the decision is settled there",
    ),
    _Kind(
        "failback",
        "Healing to the primary active in both replicas",
        "healed",
        ("failed_back",),
        scaled=True,
        how="most of it waits for a heartbeat that counts what was on its way at the healing, 3 minutes on AWS",
    ),
)


TARGETS: Final = (*(kind.name for kind in _KINDS), _WHOLE)
"""Names of the measures. A plan file may give each a target."""


def measure(journal: Journal, plan: Plan, *, began_at: float, ended_at: float) -> tuple[Measure, ...]:
    """Return all durations, including those that were not measured."""
    found = [_measure(kind, journal, plan) for kind in _KINDS]
    whole = _whole(journal, plan, journal.moment(COMMAND) or began_at, journal.moment(GONE) or ended_at)
    # A target that was not measured is listed before all others.
    return tuple(sorted((*found, whole), key=lambda one: one.target_seconds is None or one.seconds is not None))


def rto(measures: Sequence[Measure]) -> dict[str, float | None]:
    """Return the report's `rto_seconds`."""
    wanted = (
        *("detect", "decide", "switch", "first_good_write_helper", "first_good_write_refused", "first_good_write_dns"),
        *("backlog_zero", "failback"),
    )
    by_name = {one.name: one.seconds for one in measures}
    return {name: by_name[name] for name in wanted}


def _whole(journal: Journal, plan: Plan, began_at: float, ended_at: float) -> Measure:
    how, whole = "from the start of the command until no process of the local cloud is left", ended_at - began_at
    dead = _dead_time(journal, began_at, ended_at)
    target = plan.target(_WHOLE, FULL_DRILL_SECONDS)
    return Measure(
        name=_WHOLE,
        title="Whole drill with failback",
        seconds=None if dead else round(whole, 2),
        target_seconds=target,
        met=None if dead or target is None else whole <= target,
        how=f"{how}; {dead}" if dead else how,
    )


def _measure(kind: _Kind, journal: Journal, plan: Plan) -> Measure:
    factor = plan.time_factor if kind.scaled else 1.0
    end, unmeasured = _end(kind, journal)
    begin = journal.moment(kind.begin)
    seconds = round((end - begin) * factor, 2) if begin is not None and end is not None else None
    unpromised = _unpromised(kind, journal, end)
    target = None if unpromised else plan.target(kind.name, kind.target)
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
    """Return the end of a duration; None and a reason if it is unknown."""
    begin = journal.moment(kind.begin)
    ends = [at for name in kind.end if (at := journal.moment(name)) is not None]
    if begin is None or not ends:
        return None, "not measured in this drill"
    after = [at for at in ends if at >= begin]
    if not after:
        return None, "not measured: its end came before its start"
    if dead := _dead_time(journal, begin, min(after)):
        return None, dead
    return min(after), ""


def _dead_time(journal: Journal, begin: float, end: float) -> str:
    """Return a text if the drill was interrupted within a span, whose duration then includes the interruption."""
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
    return f"not measured: the drill was interrupted and resumed ({phases}; nothing was written for {dead:.0f} s)"


def _unpromised(kind: _Kind, journal: Journal, end: float | None) -> str:
    """Return why a target does not apply to this drill; "" if it applies or there is none."""
    if not kind.by_health_check:
        return ""
    if (fault := journal.last("moment", name="fault")) and fault.phase in _BEFORE_DNS:
        return "no target: the fault came before the phases in which the drill follows DNS, so that the time is too long"
    if end is not None and _seen_by_health_check(journal, end):
        return ""
    if end is None and any(FAULTS[entry.data["name"]].seen_by_health_check for entry in journal.of("fault injecting")):
        return ""
    return "no target: no fault was active that the primary's health check must detect"


def _seen_by_health_check(journal: Journal, moment: float) -> bool:
    healed = {entry.data["fault"] for entry in journal.of("fault healed") if entry.at <= moment}
    return any(
        FAULTS[entry.data["name"]].seen_by_health_check
        for entry in journal.of("fault injecting")
        if entry.at <= moment and entry.data["fault"] not in healed
    )


def _of_backlog(kind: _Kind, journal: Journal) -> str:
    """Return a text on the size of the backlog, which determines the duration."""
    held = journal.fact("backlog_at_decision") if kind.name == "backlog_zero" else None
    if held is None:
        return ""
    return (
        f"at the decision {held['objects']} objects were not settled there, "
        f"and {held['messages']} messages were in its queue"
    )
