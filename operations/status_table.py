"""Print the status: a table with a column for each region, and sentences with the conclusions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from infra.naming import FORCE_FAILOVER, PEER_UNHEALTHY
from operations import credentials, status
from operations.heartbeats import MOST_SECONDS, Heartbeat
from operations.reconciler import MOST_SECONDS as RECONCILER_SECONDS
from operations.selection import typed
from operations.status import NO_CREDENTIALS, RegionStatus
from operations.target import Target
from operations.verdict import Verdict, conclude

_NOT_KNOWN: Final = "unknown"
_RECORDS: Final = "Failover records (if any) send clients"
_SHOWN: Final = 10


def show(console: Console, target: Target, found: list[RegionStatus], *, now: float) -> None:
    """Print the status of both regions; `now` is in epoch seconds."""
    active = status.active(found, primary=target.primary)
    views = status.views(found, primary=target.primary)
    table = Table(title=f"{target.environment}, account {target.account}", title_justify="left")
    for column in ("", *(one.region for one in found)):
        table.add_column(column)
    lines: dict[str, Callable[[RegionStatus], str]] = {
        "role": lambda one: "[bold green]active[/]" if one.region == active else "passive" if active else _NOT_KNOWN,
        "active, by this replica": lambda one: views.get(one.region, _silent(one)),
        "GET /ready": _ready,
        "heartbeat, own replica": lambda one: _age(one.heartbeats.get(one.region), one, now),
        "heartbeat, other replica": lambda one: _seen(found, one, now),
        "- canary": lambda one: _canary(_number(found, one, "canary_seconds")),
        "- queue depth": lambda one: _whole(_number(found, one, "queue_depth")),
        "- shadow age": lambda one: _seconds(_number(found, one, "shadow_age")),
        "- dead letters": lambda one: _whole(_number(found, one, "dead_letters")),
        "- replication pending, inbound": lambda one: _whole(_number(found, one, "replication_pending")),
        "- epoch": lambda one: _whole(_number(found, one, "epoch")),
        "queue depth now": lambda one: _now(one, one.waiting),
        "dead letters now": lambda one: _now(one, one.dead),
        "unreconciled": lambda one: _unreconciled(one, now),
        "claims (epoch by region)": _claims,
        f"{PEER_UNHEALTHY} (other region)": lambda one: _alarm(one, PEER_UNHEALTHY),
        f"{FORCE_FAILOVER}": lambda one: _alarm(one, FORCE_FAILOVER),
        "alarms in ALARM": lambda one: _silent(one) if one.ringing is None else str(len(one.ringing)),
    }
    for name, cell in lines.items():
        table.add_row(name, *(cell(one) for one in found))
    verdict = conclude(found, primary=target.primary, now=now)
    console.print(verdict.sentence, style="bold", markup=False, soft_wrap=True)
    console.print(f"Next: {next_step(verdict)}", markup=False, soft_wrap=True)
    console.print(table)
    for one in found:
        # Whole names, because they are typed and searched; a column would cut them.
        for name in one.ringing or ():
            console.print(f"{one.region} in ALARM: {name}", markup=False, soft_wrap=True)
        for problem in one.problems:
            console.print(f"{one.region}: {problem}", style="red", markup=False, soft_wrap=True)
    for sentence in conclusions(found, primary=target.primary):
        console.print(sentence, markup=False, soft_wrap=True)


def next_step(verdict: Verdict) -> str:
    """Return what to do, with the whole command to type."""
    command = typed(verdict.command) if verdict.command else ""
    return ": ".join(part for part in (verdict.then, command) if part) or "nothing."


def as_dict(target: Target, found: list[RegionStatus], *, now: float) -> dict[str, Any]:
    """Return the status for JSON output; `now` is in epoch seconds."""
    verdict = conclude(found, primary=target.primary, now=now)
    return {
        "environment": target.environment,
        "account": target.account,
        "verdict": verdict.sentence,
        "next": next_step(verdict),
        "active": status.active(found, primary=target.primary),
        "regions": [_region(one, found, now) for one in found],
        "conclusions": conclusions(found, primary=target.primary),
    }


def _region(one: RegionStatus, found: list[RegionStatus], now: float) -> dict[str, Any]:
    heartbeat = status.newest_heartbeat(found, one.region)
    return {
        "region": one.region,
        "answers": one.claims is not None,
        "claims": one.claims,
        "ready": one.ready,
        "heartbeat_age_seconds": heartbeat and round(heartbeat.age(now), 1),
        "heartbeat": heartbeat and heartbeat.numbers,
        "queue_depth": one.waiting,
        "dead_letters": one.dead,
        "unreconciled": one.reconciled and one.reconciled.work,
        "alarms": one.ringing,
        "problems": one.problems,
    }


def conclusions(found: list[RegionStatus], *, primary: str) -> list[str]:
    """Return sentences on the active region, the digests, the reconcilers and DNS."""
    conclusions = []
    if any(one.silence == NO_CREDENTIALS for one in found):
        conclusions.append(f"No credentials, so the state of the regions is unknown. {credentials.LOG_IN}")
    if not status.agree(found):
        conclusions.append(_disagreement(found, primary))
    if status.active(found, primary=primary) is None:
        conclusions.append("No replica answers, so the active region is unknown.")
        return conclusions
    return [*conclusions, _digests(found), *(line for one in found for line in _findings(one)), _dns(found, primary)]


def _disagreement(found: list[RegionStatus], primary: str) -> str:
    """Name a split brain as such: each region processes, or none does."""
    views = status.views(found, primary=primary)
    held = "; ".join(
        f"by {region}'s replica {active} is active ({_claims_of(found, region)})" for region, active in views.items()
    )
    if len(set(views.values())) == 1:
        return f"The replicas hold different claims, and the same region is active: replication is behind. {held}."
    if all(region == active for region, active in views.items()):
        return (
            f"Split brain: each region holds itself active, and both process; they write the same results. {held}. "
            "Replication ends it by itself; to end it by hand, promote the region that is to be active."
        )
    return f"Split brain: each region holds the other one active, and none processes. {held}. Promote one of them."


def _claims_of(found: list[RegionStatus], region: str) -> str:
    return next(_claims(one) for one in found if one.region == region)


def _digests(found: list[RegionStatus]) -> str:
    compared = status.compared_digests(found)
    if compared.differing:
        return f"Digests differ in {len(compared.differing)} closed hours: {_few(compared.differing)} (UTC)."
    if not compared.equal:
        return "Digests: no closed hour has a digest of both regions yet."
    return f"Digests are equal in all {compared.equal} closed hours that have a digest of both regions."


def _findings(one: RegionStatus) -> list[str]:
    if one.reconciled is None or not one.reconciled.findings:
        return []
    shown = one.reconciled.findings[:_SHOWN]
    more = len(one.reconciled.findings) - len(shown)
    last = [f"- and {more} more, in the row RECONCILER#{one.region} of the table"] if more else []
    return [f"The reconciler of {one.region} lists:", *(f"- {each}" for each in shown), *last]


def _dns(found: list[RegionStatus], primary: str) -> str:
    """Derive the primary's health check, which combines its /ready with two alarms of the secondary."""
    first, second = sorted(found, key=lambda one: one.region != primary)
    ringing = [alarm for alarm in (PEER_UNHEALTHY, FORCE_FAILOVER) if second.routing.get(alarm) == "ALARM"]
    if ringing:
        return f"{_RECORDS} away from {primary}: {' and '.join(ringing)} in ALARM in {second.region}."
    if not first.ready:
        return f"{_RECORDS} away from {primary} if Route 53 gets no 200 from its /ready either."
    if len(second.routing) < 2:  # noqa: PLR2004 - two alarms
        return f"Where failover records send clients is unknown: the alarms of {second.region} could not be read."
    return f"{_RECORDS} to {primary}: its /ready answers, and neither alarm is in ALARM in {second.region}."


def _silent(one: RegionStatus) -> str:
    return one.silence if one.claims is None else _NOT_KNOWN


def _ready(one: RegionStatus) -> str:
    if one.ready is None:
        return "does not answer" if one.claims is not None else _silent(one)
    return "200" if one.ready else "[red]not ready[/]"


def _unreconciled(one: RegionStatus, now: float) -> str:
    if one.reconciled is None:
        return _silent(one)
    age, work = one.reconciled.age(now), one.reconciled.work
    late = f" [red]{age / 60:.0f} minutes ago[/]" if age > RECONCILER_SECONDS else ""
    return (f"[red]{work}[/]" if work else "0") + late


def _claims(one: RegionStatus) -> str:
    if one.claims is None:
        return _silent(one)
    return ", ".join(f"{region} {epoch}" for region, epoch in one.claims.items()) or "no claim"


def _seen(found: list[RegionStatus], one: RegionStatus, now: float) -> str:
    (other,) = (status for status in found if status is not one)
    return _age(other.heartbeats.get(one.region), other, now)


def _age(heartbeat: Heartbeat | None, holder: RegionStatus, now: float) -> str:
    if holder.claims is None:
        return f"{holder.region}: {_silent(holder)}"
    if heartbeat is None:
        return "none"
    age = heartbeat.age(now)
    return f"[red]{age:.0f} s ago[/]" if age > MOST_SECONDS else f"{age:.0f} s ago"


def _number(found: list[RegionStatus], one: RegionStatus, name: str) -> float | None:
    heartbeat = status.newest_heartbeat(found, one.region)
    return None if heartbeat is None else heartbeat.numbers.get(name)


def _whole(number: float | None) -> str:
    return _NOT_KNOWN if number is None else f"{number:.0f}"


def _seconds(number: float | None) -> str:
    return _NOT_KNOWN if number is None else f"{number:.0f} s"


def _canary(seconds: float | None) -> str:
    if seconds is None:
        return _NOT_KNOWN
    return "[red]timed out[/]" if seconds < 0 else f"{seconds:.1f} s"


def _now(one: RegionStatus, number: int | None) -> str:
    return _silent(one) if number is None else str(number)


def _alarm(one: RegionStatus, alarm: str) -> str:
    state = one.routing.get(alarm, _silent(one))
    return f"[red]{state}[/]" if state == "ALARM" else state


def _few(hours: tuple[str, ...]) -> str:
    return ", ".join(hours[:3]) + (", ..." if len(hours) > 3 else "")  # noqa: PLR2004 - as many as fit a line
