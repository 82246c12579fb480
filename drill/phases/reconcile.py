"""reconcile: prove that both regions hold every object once, that negative controls are found, and that none is left."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Final

from drill import fault_control, proving
from drill.context import Context
from drill.load.items import Wave
from drill.phases import measure
from drill.proof import Scope
from drill.stops import Stop
from operations.dead_letters import DeadLetter, DeadLetterQueue
from operations.ledger import Ledger
from operations.queues import backlog

_RETURN_SECONDS: Final = 1800.0
"""The queue's visibility timeout."""
_PATIENCE_SECONDS: Final = {"local": 180.0, "live": _RETURN_SECONDS + 180.0}
_IN_FLIGHT_SECONDS: Final = 20.0
"""Seconds after which no function works any more on a message in flight."""
_SECOND_FAULT_SECONDS: Final = 6.0
_UNREADABLE: Final = "bad_compression"
"""The fault of the dead letter that each unreadable file of the load leaves."""


def run(context: Context) -> str:
    """Upload to both regions once more, wait until all queues are empty, and prove the result."""
    if fault_control.is_final(context.journal):
        return _prove_the_survivor(context)
    fault_control.inject(context, context.phase)
    _upload_to_both(context)
    if context.plan.faults_of(context.phase):
        for _ in context.waiting(_SECOND_FAULT_SECONDS):
            pass
    fault_control.heal(context)
    redriven = _redrive(context)
    _wait_until_quiet(context)
    context.journal.mark(context.phase, "quiet")
    proof = proving.prove_with_controls(context)
    letters = f", {redriven} dead letters redriven" if redriven else ""
    return f"{proof.objects} objects: {proof.lost} lost, {proof.duplicated} duplicated, {proof.divergent} divergent{letters}"


def _redrive(context: Context) -> int:
    """Redrive dead letters about the drill's own objects; return their number. A second delivery has no effect."""
    prefixes, sent, faults = Scope(context.plan.source).prefixes, 0, Counter[str]()

    def is_own(letter: DeadLetter) -> bool:
        own = letter.is_about(*prefixes)
        faults[letter.fault] += own
        return own

    for region in context.target.regions:
        sent += DeadLetterQueue(context.deployment, region).redrive(is_own, lambda _: None)
    if sent:
        causes = ", ".join(f"{count} {fault}" for fault, count in faults.most_common() if count)
        level = "info" if set(+faults) <= {_UNREADABLE} else "warning"
        context.note(f"{sent} dead letters about the drill's own objects were redriven: {causes}", level=level)
    return sent


def _prove_the_survivor(context: Context) -> str:
    """Upload once more, and prove the content of the surviving region."""
    context.flow.finish()
    context.sender.send(context.wave(Wave.AFTERWARDS), context.on_event)
    measure.wait_until_idle(context)
    context.journal.mark(context.phase, "quiet")
    proof = proving.prove_with_controls(context)
    return f"{proof.objects} objects: {proof.lost} lost, {proof.duplicated} duplicated, {proof.divergent} divergent"


def _upload_to_both(context: Context) -> None:
    context.flow.finish()
    wave = context.wave(Wave.AFTERWARDS)
    context.sender.send(wave[::2], context.on_event)
    if context.journal.moment("quiet") is None:
        context.sender.send(wave[1::2], context.on_event)


def _unarchived(context: Context, ledgers: list[Ledger]) -> int:
    """Return the number of archive entries that a region still lacks.

    A passive region copies rejected lines and quarantined bytes at the next delivery of the message after RESULT arrived.
    """
    results = ledgers[0].results(one.id for one in context.sender.receipts())
    due = [one for one, row in results.items() if row["state"]["S"] == "QUARANTINED" or row["rejected"]["N"] != "0"]
    return sum(len(due) - len(ledger.settled(due)) for ledger in ledgers)


def _wait_until_quiet(context: Context) -> None:
    """Wait until both replicas hold each RESULT, both archives hold their entries, and the primary is idle.

    A message whose function failed or was killed returns after its pause for a retry or its visibility timeout. What a
    region still lacks may come with it, so a local drill lets it return sooner. The passive region is not asked to be idle:
    a canary waits there until the active region has processed it.
    """
    ledgers = [Ledger(context.deployment, region) for region in context.target.regions]
    primary = context.target.primary
    waiting = pending = unarchived = in_flight = 0
    since = time.monotonic()
    for _ in context.waiting(_PATIENCE_SECONDS[context.plan.mode]):
        held = backlog(context.deployment, primary, "IngestQueueUrl")
        waiting, in_flight = held["ApproximateNumberOfMessages"], held["ApproximateNumberOfMessagesNotVisible"]
        pending = sum(context.watch.look(ledger, all_of_them=True).pending for ledger in ledgers)
        context.say(f"{waiting} messages wait in {primary}, {pending} results are missing")
        if waiting:
            continue
        unarchived = 0 if pending else _unarchived(context, ledgers)
        if not pending and not unarchived:
            if in_flight:
                context.note(f"{in_flight} messages of {primary} are in flight until their visibility timeout is over")
            return
        if in_flight and time.monotonic() - since > _IN_FLIGHT_SECONDS:
            since = math.inf
            context.note(
                f"{in_flight} messages in flight return now; on AWS they return within {_RETURN_SECONDS / 60:.0f} min"
            )
            for region in context.target.regions:
                context.platform.return_messages(region)
    seconds = f"{_PATIENCE_SECONDS[context.plan.mode]:.0f} s"
    if waiting:
        raise Stop(
            f"After {seconds} {waiting} messages wait in {primary}, and {pending} results are missing.",
            hint="Look at the processors' errors.",
        )
    missing = f"{pending} results" if pending else f"{unarchived} entries of the archives"
    context.note(
        f"{missing} did not arrive in {seconds}, and {in_flight} messages of {primary} are in flight; the proof names the "
        "objects",
        level="bad",
    )
