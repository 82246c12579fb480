"""measure: wait until nothing waits in the promoted region any more, then upload to it what comes next."""

from __future__ import annotations

from typing import Final

from drill.context import Context
from drill.load.items import Wave
from drill.phases import detect
from drill.stops import Stop
from operations.ledger import Ledger
from operations.queues import backlog

_PATIENCE_SECONDS: Final = 300.0


def run(context: Context) -> str:
    """Wait for the backlog, upload the next wave, wait for that too.

    Raises:
        Stop: The backlog does not come to an end.
        RunFailure: A file was given up.
    """
    held = _wait_for_backlog(context)
    context.journal.mark(context.phase, "backlog_zero")
    context.journal.state(context.phase, "recovered", held)
    context.sender.send(context.wave(Wave.PROMOTED), context.on_event)
    _wait_for_backlog(context)
    missing = context.watch.pending(context.target.secondary)
    context.journal.state(context.phase, "not_yet_here", missing)
    decided, zero = context.journal.moment("decided"), context.journal.moment("backlog_zero")
    seconds = (zero or 0.0) - (decided or 0.0)
    rest = f"; {missing} accepted in {context.target.primary} have not arrived" if missing else ""
    return f"nothing waits {seconds:.1f} s after the decision{rest}"


def _wait_for_backlog(context: Context) -> int:
    """Return how many objects had a RESULT when the queue was empty."""
    region = context.target.secondary
    ledger = Ledger(context.deployment, region)
    uploaded_here = {one.id for one in context.sender.receipts() if one.region == region and one.id}
    waiting, missing = 0, len(uploaded_here)
    for _ in context.waiting(_PATIENCE_SECONDS):
        detect.look(context)
        waiting = sum(backlog(context.deployment, region, "IngestQueueUrl").values())
        missing = len(uploaded_here) - len(ledger.results(uploaded_here))
        context.say(f"{waiting} messages wait in {region}, {missing} results are missing")
        if not waiting and not missing:
            context.watch.look(ledger, all_of_them=True)
            return len(uploaded_here)
    raise Stop(
        f"After {_PATIENCE_SECONDS:.0f} s {missing} of the {len(uploaded_here)} objects uploaded to {region}, which is "
        f"active, have no RESULT, and {waiting} messages wait there.",
        hint="Look at the processor's errors there and at its dead-letter queue."
        if waiting
        else "No message waits any more: they were taken for nothing, or never came. The proof names the objects.",
    )
