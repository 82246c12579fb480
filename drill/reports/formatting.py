"""How the reports say a number, a time and a verdict. `None` is "not measured" everywhere, and never zero."""

from datetime import UTC, datetime
from typing import Final

from drill.model import Measure

NOT_MEASURED: Final = "not measured"
KINDS: Final = {
    "detect": "Detected: from the fault to the first signal of it",
    "decide": "Decided: from the signal to the decision",
    "switch": "Switched: from the decision to the claim that won",
    "first_good_write_helper": "First good write with the client helper",
    "first_good_write_dns": "First good write by DNS failover",
    "backlog_zero": "Backlog zero: from the decision to an empty shadow queue",
    "failback": "Failed back: from the order to the primary active again",
    "durable": "Age of the oldest lost object whose receipt said durable",
    "accepted": "The longest that an accepted object was in one region only",
}
_MINUTE: Final = 60
_HOUR: Final = 3600
_HUGE: Final = 1e9
_TENTHS: Final = 10


def duration(seconds: float | None) -> str:
    """Say a duration: `4.21 s`, `42.1 s`, `2 min 05 s`, `1 h 02 min`."""
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
    """Say a moment of the drill, by minutes and seconds since it began: `1:05`."""
    if abs(seconds) >= _HUGE:
        return f"{seconds:.3g} s"
    sign, whole = ("-" if round(seconds) < 0 else ""), abs(round(seconds))
    return f"{sign}{whole // _MINUTE}:{whole % _MINUTE:02d}"


def number(value: float | None) -> str:
    """Say a count or a rate, with no more digits than mean something."""
    if value is None:
        return NOT_MEASURED
    if isinstance(value, int) or (abs(value) < _HUGE and value == round(value)):
        return f"{int(value):,}"
    return f"{value:,.1f}" if _TENTHS <= abs(value) < _HUGE else f"{value:.3g}"


def times(factor: float) -> str:
    """Say how much faster clocks ran."""
    return "in real time" if factor == 1 else f"{factor:.3g} times as fast"


def kind(name: str) -> str:
    """Say what a kind of RTO or RPO is; one that is not known here keeps its name."""
    return KINDS.get(name, name.replace("_", " "))


def met(measure: Measure) -> str:
    """Say whether a measure is within its target."""
    if measure.seconds is None:
        return NOT_MEASURED
    if measure.target_seconds is None or measure.met is None:
        return "no target"
    return "met" if measure.met else "missed"


def date(moment: str) -> str:
    """Say a moment by date and second; text that is no time of ISO 8601 is said as it is."""
    parsed = _time(moment)
    if parsed is None:
        return moment
    try:
        return parsed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except OverflowError:
        return moment


def since(moment: str | None, began_at: str) -> float | None:
    """Return the seconds from the drill's beginning to a moment; None where either is no time of ISO 8601."""
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
