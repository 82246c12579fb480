"""Format numbers, times and verdicts for the reports. `None` is "not measured" everywhere, never zero."""

from datetime import UTC, datetime
from typing import Final

from drill.model import Measure

NOT_MEASURED: Final = "not measured"
KINDS: Final = {
    "detect": "Detection: from the fault to its first signal",
    "decide": "Decision: from the signal to the decision",
    "switch": "Switch: from the decision to the winning claim",
    "first_good_write_helper": "First good write with the client helper",
    "first_good_write_refused": "First good write with the client helper, the lost region refusing at once",
    "first_good_write_dns": "First good write by DNS failover",
    "backlog_zero": "Backlog zero: from the decision to an empty shadow queue",
    "failback": "Failback: from the order to the primary active again",
    "durable": "Durable objects that the surviving region lacked: age of the oldest at the fault",
    "accepted": "Accepted objects that the surviving region lacked: age of the oldest at the fault",
    "one_region": "Longest time that an object was in one region only",
}
STATIONS: Final = {
    "issued": "the upload was granted, and its bytes were not sent",
    "between_parts": "the primary's bucket held the first part of the upload, and the second one was not sent",
    "put": "the primary's bucket alone held the object",
    "replicated": "both buckets held the object, and no region had begun it",
    "queued": "a message about the object waited in the secondary's queue, and it had no RESULT there",
    "half_written": "the primary had begun the object, and had written some of its records or none, and no RESULT",
    "result_only": "the secondary's replica held RESULT without all its records",
    "processed": "both replicas held RESULT and all its records",
}
"""The stations of an object on its way, in order."""
_MINUTE: Final = 60
_HOUR: Final = 3600
_HUGE: Final = 1e9
_TENTHS: Final = 10


def duration(seconds: float | None) -> str:
    """Return a duration as text: `4.21 s`, `42.1 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds is None:
        return NOT_MEASURED
    if abs(seconds) >= _HUGE:
        return f"{seconds:.3g} s"
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if abs(seconds) < _TENTHS else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min" + (f" {whole % _MINUTE:02d} s" if whole % _MINUTE else "")
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE:02d} min"


def clock(seconds: float) -> str:
    """Return a time of the drill as minutes and seconds since its start: `1:05`."""
    if abs(seconds) >= _HUGE:
        return f"{seconds:.3g} s"
    sign, whole = ("-" if round(seconds) < 0 else ""), abs(round(seconds))
    return f"{sign}{whole // _MINUTE}:{whole % _MINUTE:02d}"


def number(value: float | None) -> str:
    """Return a count or a rate with its significant digits."""
    if value is None:
        return NOT_MEASURED
    if isinstance(value, int) or (abs(value) < _HUGE and value == round(value)):
        return f"{int(value):,}"
    return f"{value:,.1f}" if _TENTHS <= abs(value) < _HUGE else f"{value:.3g}"


def times(factor: float) -> str:
    """Return the clocks' speed as text."""
    return "in real time" if factor == 1 else f"{factor:.3g} times as fast"


def kind(name: str) -> str:
    """Return the description of a kind of RTO or RPO; an unknown kind keeps its name."""
    return KINDS.get(name, name.replace("_", " "))


def station(name: str) -> str:
    """Return the description of a station; an unknown one keeps its name."""
    return STATIONS.get(name, name.replace("_", " "))


def met(measure: Measure) -> str:
    """Return whether a measure meets its target, as text."""
    if measure.seconds is None:
        return NOT_MEASURED
    if measure.target_seconds is None or measure.met is None:
        return "no target"
    return "met" if measure.met else "missed"


def date(moment: str) -> str:
    """Return a timestamp as date and time; text that is not ISO 8601 is returned unchanged."""
    parsed = _time(moment)
    if parsed is None:
        return moment
    try:
        return parsed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except OverflowError:
        return moment


def since(moment: str | None, began_at: str) -> float | None:
    """Return the seconds from the drill's start to a timestamp; None if either is not ISO 8601."""
    parsed, beginning = _time(moment), _time(began_at)
    if parsed is None or beginning is None:
        return None
    return (parsed - beginning).total_seconds()


def _time(text: str | None) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
