"""Print a history for readers who do not know the code: time, region, actor, call, effect."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from simulation.history import History
from simulation.plan import CALL_FAULTS, PRIMARY, SECONDARY, STANDING_FAULTS, Fault, Upload
from simulation.world import Line

MOST_LINES: Final = 60
_WIDEST: Final = 150
_KINDS: Final = {
    "g": "good",
    "b": "rejected",
    "v": "rejected by transform 2",
    "w": "changed by transform 2",
}
_ROWS: Final = (
    (r"OBJ#(\S+) RESULT", r"RESULT of \1"),
    (r"OBJ#(\S+) ATTEMPT#(\S+)", r"attempt of \2 at \1"),
    (r"OBJ#(\S+) REPLICA#(\S+)", r"note of \2 about its copy of \1's rows"),
    (r"OBJ#(\S+) UPLOAD#(\S+)", r"upload of \1, issued in \2"),
    (r"REC#([^#\s]+)#\d+ 0*(\d+)", r"record \2 of \1"),
    (r"REC#([^#\s:]+)#\d+", r"records of \1"),
    (r"CONTROL#(\S+) ACTIVE", r"claim of \1 to be the active region"),
    (r"RECONCILER#(\S+) LATEST", r"findings of the reconciler of \1"),
)
"""Keys of the table's rows, and their readable names."""


def happened(history: History) -> list[Line]:
    """Return the lines about the objects that broke an invariant, and about every fault, in readable form."""
    details = [detail for _, detail in history.violations]
    broken = [
        one for one in history.accepted if any(re.search(rf"\b{re.escape(one.upload.name)}\b", text) for text in details)
    ]
    names = {one.object_id: one.upload.name for one in broken}
    wanted = {*names, *(one.version.key for one in broken), *(one.version.key.rsplit("/", 1)[-1] for one in broken)}
    shown = [
        line
        for line in history.world.story
        if line[2] in ("fault", "operator") or "crash" in line[4] or any(part in line[4] for part in wanted)
    ]
    return [(*line[:4], _in_words(line[4], names)) for line in _merged(shown)]


def planned(history: History) -> list[str]:
    """Return a line for each upload and each fault of the plan."""
    return [_planned_upload(one) for one in history.plan.uploads] + [_planned_fault(one) for one in history.plan.faults]


def story(history: History, most_lines: int | None = None) -> str:
    """Return the plan's events, the calls that concern the broken objects, and the invariants that broke.

    Args:
        history: A history that has run.
        most_lines: The number of calls to print; all by default.
    """
    shown = happened(history)
    whose = f"{PRIMARY} is the primary region and active at first, {SECONDARY} is the secondary."
    lines = [
        f"Seed {history.plan.seed}: {len(history.plan.events)} events. {whose}",
        *(f"  {line}" for line in planned(history)),
        f"  The lags of replication and of events have the distribution {str(history.plan.lags)!r}.",
        f"{'seconds':>10}  {'region':<10} {'actor':<12} {'call':<26} effect",
    ]
    printed = shown[:most_lines]
    for seconds, region, actor, call, effect in printed:
        lines.append(f"{seconds:>10.3f}  {region:<10} {actor:<12} {call:<26} {effect}")
    if len(printed) < len(shown):
        lines.append(f"            and {len(shown) - len(printed)} lines more; replay the plan to see them")
    names = {one.object_id: one.upload.name for one in history.accepted}
    lines += [f"BROKEN: {name}: {_in_words(detail, names)}" for name, detail in history.violations] or [
        "every invariant holds"
    ]
    return "\n".join(lines)


def _planned_upload(one: Upload) -> str:
    counts = [f"{one.records.count(letter)} {kind}" for letter, kind in _KINDS.items() if letter in one.records]
    records = f"{len(one.records)} record{'s' * (len(one.records) > 1)} ({', '.join(counts)})"
    return (
        f"{one.at:.3f} s: {one.name} with {records} is uploaded to {one.region}"
        + (", damaged: its JSON has no end" * one.damaged)
        + (", with other bytes than its key states" * one.altered)
        + (", directly into the bucket" * one.direct)
        + (", twice" * one.twin)
        + (", by the real client" * one.by_client)
    )


def _planned_fault(one: Fault) -> str:
    when = f"call {one.at:g} of {one.region}" if one.kind in CALL_FAULTS else f"{one.at:.3f} s, {one.region}"
    when = one.region if one.kind in STANDING_FAULTS else when
    return f"{when}: {one.kind}" + f" ({one.name})" * bool(one.name) + f" for {one.lasts:g} s" * bool(one.lasts)


def _merged(shown: list[Line]) -> Iterator[Line]:
    """Yield the lines; consecutive arrivals of records become one line."""
    for is_record, group in groupby(shown, key=lambda line: line[2] == "replication" and line[4].startswith("REC#")):
        lines = list(group)
        if is_record and len(lines) > 2:  # noqa: PLR2004 - one or two are more exact than a count
            seconds, region, actor, _, effect = lines[0]
            yield seconds, region, actor, "items arrive", f"{len(lines)} {effect.split()[0]}, in no order"
        else:
            yield from lines


def _in_words(effect: str, names: dict[str, str]) -> str:
    """Return an effect with the names of files and rows instead of their identities and keys."""
    for identity, name in names.items():
        effect = effect.replace(identity, name)
    effect = re.sub(r"incoming/(?:[^/\s]+/)*", "", effect)
    for pattern, words in _ROWS:
        effect = re.sub(pattern, words, effect)
    effect = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{56}\b", r"\1...", effect)
    return effect if len(effect) < _WIDEST else f"{effect[: _WIDEST - 3]}..."
