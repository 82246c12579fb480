"""Shrink a failing history: remove events as long as the same invariant breaks."""

from collections.abc import Callable
from dataclasses import replace

from simulation.history import History
from simulation.plan import Fault, Plan, Upload

_MOST_RUNS = 400


def shrink(plan: Plan, invariant: str) -> Plan:
    """Return a smaller plan that breaks the same invariant.

    Each lag and latency is drawn for its purpose, so the removal of an event changes no other's.
    """
    runs = 0

    def fails(candidate: Plan) -> bool:
        nonlocal runs
        runs += 1
        return runs <= _MOST_RUNS and any(name == invariant for name, _ in History(candidate).run().violations)

    plan = _fewer_events(plan, fails)
    for number, upload in enumerate(plan.uploads):
        for size in (1, 2, 3, 5, 8, 13, 21, 34):
            candidate = _with_upload(plan, number, replace(upload, records=upload.records[:size], twin=False))
            if size < len(upload.records) and fails(candidate):
                plan = candidate
                break
    return plan


def _fewer_events(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    events: list[Upload | Fault] = plan.events
    size = max(1, len(events) // 2)
    while True:
        start, is_smaller = 0, False
        while start < len(events):
            fewer = events[:start] + events[start + size :]
            if fewer and fails(plan.keeping(fewer)):
                events, is_smaller = fewer, True
            else:
                start += size
        if size == 1 and not is_smaller:
            return plan.keeping(events)
        size = max(1, size // 2)


def _with_upload(plan: Plan, number: int, upload: Upload) -> Plan:
    return replace(plan, uploads=(*plan.uploads[:number], upload, *plan.uploads[number + 1 :]))
