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
from drill.stops import Stop
from operations.ledger import Ledger

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5
SNAPSHOT: Final = "snapshot.json"


def _regions(context: Context) -> tuple[str, ...]:
    """Return the regions that exist: both, unless the primary is lost for good."""
    return (context.target.secondary,) if fault_control.is_final(context.journal) else context.target.regions


def prove(context: Context, *, regions: Sequence[str] | None = None, most: int = MOST_FINDINGS) -> Proof:
    """Prove the effects of the plan's uploads."""
    where = regions or _regions(context)
    return prove_sources(context.deployment, _scope(context), _receipts(context), regions=where, most=most)


def take_snapshot(context: Context, region: str) -> None:
    """Keep a snapshot of the write-once rows, unless there is one."""
    file = context.folder.path / SNAPSHOT
    if not file.exists():
        Snapshot.take(context.deployment, _scope(context), regions=(region,)).save(file)


def prove_with_controls(context: Context) -> Proof:
    """Prove, inject the negative controls, find and repair them, prove again; return the last proof.

    If the drill was killed in between, it repairs the damage first.
    """
    undo_damage(context)
    _provide_objects(context)
    if not expected.IS_KNOWN:
        context.note("the drill does not know the transform: content is unproved", level="warning")
    first = prove(context)
    # If the drill ends before the last proof, this one is reported.
    context.journal.state(context.phase, "proof", first.model_dump(mode="json"))
    found, damaged = _controls(context)
    context.journal.state(context.phase, "controls", found.model_dump(mode="json"))
    proof = _prove_to_report(context)
    # Damage that is still on its way to the other region arrives after the look at its repair.
    for _ in context.waiting(_PATIENCE_SECONDS if first.equal else 0.0):
        if proof.equal or not {one.object_id for one in proof.findings} <= damaged:
            break
        context.note(f"{len(proof.findings)} findings about repaired objects alone: proved again")
        proof = _prove_to_report(context)
    return proof


def prove_what_is_left(context: Context) -> Proof:
    """Prove once, without negative controls, after a drill that failed and was rolled back.

    Uploads in process get a minute to finish. After it, an unfinished one counts as lost. The proof names unreadable
    sources.
    """
    _let_it_settle(context)
    proof = _prove_to_report(context)
    for name, why in proof.unread.items():
        context.note(f"{name} could not be read: {why}", level="bad")
    return proof


def _let_it_settle(context: Context) -> None:
    """Wait until each object has its RESULT in both replicas, or until the timeout; ignore stop conditions."""
    ledgers = [Ledger(context.deployment, region) for region in _regions(context)]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            pending = sum(context.watch.look(ledger, all_of_them=True).pending for ledger in ledgers)
        except (ClientError, BotoCoreError):
            return  # do not wait for an unreadable region
        context.say(f"{pending} results are missing")
        if not pending:
            return
        if time.monotonic() >= deadline:
            context.note(
                f"{pending} results did not arrive in {_PATIENCE_SECONDS:.0f} s; the proof names the objects", level="bad"
            )
            return
        time.sleep(_PAUSE_SECONDS)


def _prove_to_report(context: Context) -> Proof:
    """Return the proof for the report, with the changes of write-once rows since the snapshot."""
    proof = prove(context)
    # If the snapshot is unreadable, the proof is still reported.
    context.journal.state(context.phase, "proof", proof.model_dump(mode="json"))
    changed = _changed_since_snapshot(context)
    if not changed:
        return proof
    findings = (*changed, *proof.findings)[:MOST_FINDINGS]
    proof = proof.model_copy(update={"equal": False, "divergent": proof.divergent + len(changed), "findings": findings})
    context.journal.state(context.phase, "proof", proof.model_dump(mode="json"))
    return proof


def _controls(context: Context) -> tuple[NegativeControls, set[str]]:
    """Inject, find and repair the negative controls; return them and the identities of the damaged objects."""
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
    return controls.repaired(found), set(injected.all_object_ids)


def _with_samples(context: Context, found: NegativeControls) -> NegativeControls:
    """Add the control of the samples: samples of 0 everywhere must contradict the services."""
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
    """Repair the negative controls, if the drill was killed before it did."""
    held = context.journal.fact("damage")
    if held:
        injected = controls.Injected.from_dict(held)
        controls.repair_records(context.deployment, injected)
        _set_replication_withheld(context, withheld=False)
        controls.repair(context.deployment, injected)
        _wait_for_repair(context, injected)
        context.journal.state(context.phase, "damage", None)


def _set_replication_withheld(context: Context, *, withheld: bool) -> None:
    """Withhold replication, so that damage stays in one replica and a proof must read that replica to find it.

    On AWS a pause of replication takes an experiment of minutes. There the proof looks for the tampered record at once, and
    the ARN that each replica returns must be of its own region.
    """
    if context.plan.mode == "local" and not fault_control.is_final(context.journal):
        context.platform.set_partition(cut=withheld)


def _wait_for_repair(context: Context, injected: controls.Injected) -> None:
    """Wait until the repair has reached both regions."""
    for _ in context.waiting(_PATIENCE_SECONDS):
        if controls.is_repaired(context.deployment, injected):
            return
    raise Stop(
        f"The negative controls are not repaired in both regions after {_PATIENCE_SECONDS:.0f} s; they damaged "
        f"{len(injected.all_object_ids)} objects: {', '.join(injected.all_object_ids)}.",
        hint="Repair them again: `lockstep drill abort`.",
    )


def _provide_objects(context: Context) -> None:
    """Upload more objects if there are fewer than the controls need, so that an empty drill can fail too."""
    if len(context.items) >= controls.OBJECTS:
        return
    more, pending = _more_objects(context), 0
    context.sender.send(more, context.on_event)
    ledgers = [Ledger(context.deployment, region) for region in _regions(context)]
    for _ in context.waiting(_PATIENCE_SECONDS):
        pending = sum(context.watch.look(ledger, all_of_them=True).pending for ledger in ledgers)
        if not pending:
            return
    raise Stop(
        f"After {_PATIENCE_SECONDS:.0f} s {pending} results of the {len(more)} files for the negative controls are missing.",
        hint="Look at the processors' errors.",
    )


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
