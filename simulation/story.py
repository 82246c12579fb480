"""A history as a person reads it: time, region, who, which call, what came of it."""

from collections.abc import Iterator
from itertools import groupby

from simulation.history import History
from simulation.plan import CALL_FAULTS
from simulation.world import Line

_MOST_LINES = 60


def happened(history: History) -> list[Line]:
    """Return what concerns the objects that broke an invariant, and every fault; identities and keys are shortened."""
    names = {detail.split()[0] for _, detail in history.violations}
    wanted = [part for one in history.accepted if one.upload.name in names for part in (one.object_id, one.version.key)]
    shown = [
        line
        for line in history.world.story
        if line[2] in ("fault", "operator", "client") or "crash" in line[4] or any(part in line[4] for part in wanted)
    ]
    return [(*line[:4], _short(line[4], wanted)) for line in _merged(shown)]


def planned(history: History) -> list[str]:
    """Return a line for each upload and each fault of the plan."""
    lines = [
        f"{one.at:.3f} s: {one.name} with records {one.records!r} goes to {one.region}"
        + (", damaged" * one.damaged)
        + (", without the issuer" * one.direct)
        + (", twice" * one.twin)
        for one in history.plan.uploads
    ]
    lines += [
        f"{'call' if one.kind in CALL_FAULTS else 'at'} {one.at:g}: {one.kind}, {one.region} {one.name}"
        + (f" for {one.lasts:g} s" if one.lasts else "")
        for one in history.plan.faults
    ]
    return lines


def story(history: History) -> str:
    """Return the plan's events, the calls that concern what broke, and what broke."""
    shown = happened(history)
    lines = [f"seed {history.plan.seed}, {len(history.plan.events)} events", *(f"  {line}" for line in planned(history))]
    lines += [f"  lags of replication and events: {history.plan.lags}"]
    lines += [f"{'seconds':>10}  {'region':<10} {'who':<12} {'call':<26} effect"]
    for seconds, region, actor, call, effect in shown[:_MOST_LINES]:
        lines.append(f"{seconds:>10.3f}  {region:<10} {actor:<12} {call:<26} {effect}")
    if len(shown) > _MOST_LINES:
        lines.append(f"            and {len(shown) - _MOST_LINES} lines more; replay the plan to see them")
    lines += [f"BROKEN: {name}: {detail}" for name, detail in history.violations] or ["every invariant holds"]
    return "\n".join(lines)


def _merged(shown: list[Line]) -> Iterator[Line]:
    """Yield the lines, records that arrive one after the other as one."""
    for is_record, group in groupby(shown, key=lambda line: line[2] == "replication" and line[4].startswith("REC#")):
        lines = list(group)
        if is_record and len(lines) > 2:  # noqa: PLR2004 - one or two say more than a count
            seconds, region, actor, _, effect = lines[0]
            yield seconds, region, actor, "items arrive", f"{len(lines)} records of {effect.split()[0]}, in no order"
        else:
            yield from lines


def _short(effect: str, ids: list[str]) -> str:
    for one in ids:  # an identity, or a key
        effect = effect.replace(one, one.rsplit("/", 1)[-1] if "/" in one else one[:8])
    return effect if len(effect) < 150 else f"{effect[:147]}..."  # noqa: PLR2004 - a terminal's width
