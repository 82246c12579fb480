"""measure: wait until the promoted region has no backlog, then upload the next wave to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final

from drill.context import Context
from drill.load.items import Wave
from drill.phases import detect
from drill.stations import Stations, stored
from drill.stops import Stop
from operations.ledger import Ledger
from operations.queues import backlog

_PATIENCE_SECONDS: Final = 300.0
_EMPTY_SECONDS: Final = 20.0
"""Seconds with an empty queue after which the wait ends."""


def run(context: Context) -> str:
    """Wait for the backlog, upload the next wave, and wait for that backlog too."""
    _wait_for_backlog(context)
    context.journal.mark(context.phase, "backlog_zero")
    context.finish_uploads()
    # A drill that was killed meanwhile sends what is left.
    stations = Stations(context)
    stations.send()
    stations.finish_parts()
    context.sender.send(context.wave(Wave.PROMOTED), context.on_event)
    context.put_directly(context.target.secondary)
    with context.flow.paused():
        wait_until_idle(context)
    missing = context.watch.pending(context.target.secondary)
    context.journal.state(context.phase, "not_yet_here", missing)
    decided, zero = context.journal.moment("decided"), context.journal.moment("backlog_zero")
    seconds = (zero or 0.0) - (decided or 0.0)
    rest = f"; {missing} accepted in {context.target.primary} have not arrived" if missing else ""
    return f"nothing waits {seconds:.1f} s after the decision{rest}"


def _wait_for_backlog(context: Context) -> None:
    """Wait until every object that the region held at the decision is settled there. Later objects do not count."""
    waiting = context.journal.fact("waiting_at_decision") or []
    _wait(context, lambda: waiting, may_receive=True)


def wait_until_idle(context: Context) -> Collection[str]:
    """Wait until every object that the region holds is settled there, and no message waits; return these objects."""
    return _wait(context, lambda: stored(context, context.target.secondary), may_receive=False)


def _wait(context: Context, wanted: Callable[[], Collection[str]], *, may_receive: bool) -> Collection[str]:
    region = context.target.secondary
    ledger = Ledger(context.deployment, region)
    messages = unsettled = 0
    empty_since: float | None = None
    for _ in context.waiting(_PATIENCE_SECONDS):
        detect.look(context)
        ids = wanted()
        messages = sum(backlog(context.deployment, region, "IngestQueueUrl").values())
        unsettled = len(ids) - len(ledger.settled(ids))
        context.say(f"{messages} messages wait in {region}, {unsettled} objects are not settled")
        if not unsettled and (may_receive or not messages):
            context.watch.look(ledger, all_of_them=True)
            return ids
        empty_since = (empty_since or time.monotonic()) if not messages else None
        if empty_since is not None and time.monotonic() - empty_since > _EMPTY_SECONDS:
            break
    raise Stop(
        f"{unsettled} objects that {region} holds, which is active, are not settled there, "
        f"and {messages} messages wait there.",
        hint="Look at the processor's errors there and at its dead-letter queue."
        if messages
        else "No message waits: they were consumed without effect, or never arrived. The proof names the objects.",
    )
