"""The proofs of a drill: one during the failover, and a last one with negative controls that it must find."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill import fault_control, sampler, sampling
from drill.context import Context
from drill.load import expected
from drill.load import items as load_items
from drill.load.items import LoadItem
from drill.model import Finding, NegativeControl, NegativeControls, Proof
from drill.proof import ReceiptRow, Scope, Snapshot, controls
from drill.proof import prove as prove_sources
from drill.proof.proving import MOST_FINDINGS
from operations.ledger import Ledger

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5
SNAPSHOT: Final = "snapshot.json"


def _regions(context: Context) -> tuple[str, ...]:
    """Return the regions that are there: both, unless the primary is lost for good."""
    return (context.target.secondary,) if fault_control.is_final(context.journal) else context.target.regions


def prove(context: Context, *, regions: Sequence[str] | None = None, most: int = MOST_FINDINGS) -> Proof:
    """Prove what the plan's uploads came to.

    Args:
        context: The drill.
        regions: Which to read; both by default.
        most: Number of findings to return.
    """
    where = regions or _regions(context)
    return prove_sources(context.deployment, _scope(context), _receipts(context), regions=where, most=most)


def take_snapshot(context: Context, region: str) -> None:
    """Keep what the write-once rows look like now, unless it was kept before."""
    file = context.folder.path / SNAPSHOT
    if not file.exists():
        Snapshot.take(context.deployment, _scope(context), regions=(region,)).save(file)


def prove_with_controls(context: Context) -> Proof:
    """Prove, do damage, see that it is found, undo it, prove again; return the last proof.

    Of a drill that was killed in between the damage is undone before anything is proved.
    """
    undo_damage(context)
    _provide_objects(context)
    if not expected.IS_KNOWN:
        context.note("what the transform makes of a record is not known to the drill: content is unproved", level="warning")
    first = prove(context)
    # Should the drill end before the last proof, this one is reported.
    context.journal.state(context.phase, "proof", first.model_dump(mode="json"))
    found = _controls(context)
    context.journal.state(context.phase, "controls", found.model_dump(mode="json"))
    return _prove_to_report(context)


def prove_what_is_left(context: Context) -> Proof:
    """Prove once, and damage nothing for it: after a drill that could not continue and was rolled back.

    What is under way gets a minute to be done. What is not done by then is lost, as far as anybody can tell. Sources that
    cannot be read are named in the proof.
    """
    _let_it_settle(context)
    proof = _prove_to_report(context)
    for name, why in proof.unread.items():
        context.note(f"{name} could not be read: {why}", level="bad")
    return proof


def _let_it_settle(context: Context) -> None:
    """Wait until each object has its RESULT in both replicas, or the time is over; stop conditions stop nothing any more."""
    ledgers = [Ledger(context.deployment, region) for region in _regions(context)]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            pending = sum(context.watch.look(ledger, all_of_them=True).pending for ledger in ledgers)
        except (ClientError, BotoCoreError):
            return  # a region that cannot be read is none to wait for
        context.say(f"{pending} results are missing")
        if not pending:
            return
        if time.monotonic() >= deadline:
            context.note(f"{pending} results did not come in {_PATIENCE_SECONDS:.0f} s; the proof says of what", level="bad")
            return
        time.sleep(_PAUSE_SECONDS)


def _prove_to_report(context: Context) -> Proof:
    """Prove, and say what has changed that is written once; this is the proof that is reported."""
    proof = prove(context)
    # Should the snapshot be unreadable, what was proved is reported.
    context.journal.state(context.phase, "proof", proof.model_dump(mode="json"))
    changed = _changed_since_snapshot(context)
    if not changed:
        return proof
    findings = (*changed, *proof.findings)[:MOST_FINDINGS]
    proof = proof.model_copy(update={"equal": False, "divergent": proof.divergent + len(changed), "findings": findings})
    context.journal.state(context.phase, "proof", proof.model_dump(mode="json"))
    return proof


def _controls(context: Context) -> NegativeControls:
    scope, receipts = _scope(context), _receipts(context)
    # Write the journal entry before acting: a drill that is killed in between then undoes the damage.
    injected = controls.choose(context.deployment, scope, receipts, regions=_regions(context))
    context.journal.state(context.phase, "damage", injected.as_dict())
    try:
        _set_replication_withheld(context, withheld=True)
        controls.inject(context.deployment, injected)
        damaged = prove_sources(
            context.deployment,
            scope,
            injected.receipts(receipts),
            regions=_regions(context),
            first=injected.all_object_ids,
        )
        found = _with_samples(context, controls.find(injected, damaged))
    finally:
        undo_damage(context)
    context.note(
        f"negative controls: {found.found} of {found.injected} found",
        level="good" if found.found == found.injected else "bad",
    )
    return controls.repaired(found)


def _with_samples(context: Context, found: NegativeControls) -> NegativeControls:
    """Add the control of the curves: samples that show 0 everywhere must contradict the services."""
    forged = sampling.zeros(sampler.read(context.folder.samples))
    contradictions = sampling.contradictions(forged, context.journal, context.plan)
    if not sampling.can_contradict(context.journal):
        return found
    control = NegativeControl(
        name=controls.SAMPLES,
        injected="every figure of the samples replaced by 0",
        object_id="samples.jsonl",
        found=bool(contradictions),
        how="; ".join(contradictions),
    )
    return NegativeControls(
        injected=found.injected + 1, found=found.found + control.found, controls=(*found.controls, control)
    )


def undo_damage(context: Context) -> None:
    """Undo the damage of negative controls, if a drill was killed before it could."""
    held = context.journal.fact("damage")
    if held:
        injected = controls.Injected.from_dict(held)
        controls.repair_records(context.deployment, injected)
        _set_replication_withheld(context, withheld=False)
        controls.repair(context.deployment, injected)
        _wait_for_repair(context, injected)
        context.journal.state(context.phase, "damage", None)


def _set_replication_withheld(context: Context, *, withheld: bool) -> None:
    """Keep damage where it is done, so that a replica that the proof does not read itself cannot show it.

    On AWS it takes an experiment of minutes to pause replication; there the tamper of one replica is looked for at once,
    and the ARN that each replica answers with must be its own region's.
    """
    if context.plan.mode == "local" and not fault_control.is_final(context.journal):
        context.platform.set_partition(cut=withheld)


def _wait_for_repair(context: Context, injected: controls.Injected) -> None:
    """Wait until what was undone in one region is undone in the other."""
    for _ in context.waiting(_PATIENCE_SECONDS):
        if controls.is_repaired(context.deployment, injected):
            return


def _provide_objects(context: Context) -> None:
    """Upload a few more objects if there are fewer than the controls need: an empty drill must be able to fail, too."""
    if len(context.items) >= controls.OBJECTS:
        return
    context.sender.send(_more_objects(context), context.on_event)
    ledgers = [Ledger(context.deployment, region) for region in _regions(context)]
    for _ in context.waiting(_PATIENCE_SECONDS):
        if not any(context.watch.look(ledger, all_of_them=True).pending for ledger in ledgers):
            return


def _changed_since_snapshot(context: Context) -> list[Finding]:
    file = context.folder.path / SNAPSHOT
    if not file.exists():
        return []
    before = Snapshot.load(file)
    return before.compare(Snapshot.take(context.deployment, _scope(context), regions=tuple(before.rows)))


def _scope(context: Context) -> Scope:
    return Scope(context.plan.source)


def _receipts(context: Context) -> list[ReceiptRow]:
    rows = context.sender.rows([*context.items, *_more_objects(context)])
    return [*rows, *context.sender.direct_rows(context.direct_files)]


def _more_objects(context: Context) -> list[LoadItem]:
    return load_items.controls(context.plan.seed, controls.OBJECTS, context.plan.source)
