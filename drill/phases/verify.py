"""verify: prove the content of the surviving region while the other one is lost, and compare it with the promise."""

from __future__ import annotations

import sys
import time
from typing import Final

from drill import promise, proving
from drill.context import Context
from drill.model import Proof
from drill.phases import measure
from drill.proof.proving import MOST_FINDINGS
from drill.stations import stored

_PATIENCE_SECONDS: Final = 60.0


def run(context: Context) -> str:
    """Prove with the surviving region's sources and the receipts. Findings against the promise fail the drill."""
    with context.flow.paused():
        return _verify(context)


def _prove_when_idle(context: Context, region: str) -> Proof:
    """Prove a region that is idle. It was not if an object arrived meanwhile from a primary that still accepts files."""
    for _ in context.waiting(_PATIENCE_SECONDS):
        settled = measure.wait_until_idle(context)
        proof = proving.prove(context, regions=(region,), most=sys.maxsize)
        if proof.equal or set(stored(context, region)) <= set(settled):
            return proof
    context.note(f"objects arrived in {region} during each proof for {_PATIENCE_SECONDS:.0f} s", level="bad", region=region)
    return proof


def _verify(context: Context) -> str:
    surviving = context.target.secondary
    proof = _prove_when_idle(context, surviving)
    proving.take_snapshot(context, surviving)
    judged = promise.judge(
        proof.findings,
        context.accepted_uploads(),
        surviving=surviving,
        fault_at=context.journal.moment("fault") or time.time(),
        now=time.time(),
    )
    shown = proof.model_copy(update={"findings": proof.findings[:MOST_FINDINGS]})
    context.journal.state(context.phase, "proof_during", shown.model_dump(mode="json"))
    context.journal.state(context.phase, "promise", judged.as_dict())
    for sentence in judged.broken:
        context.note(sentence, level="bad", region=surviving)
    for one in judged.allowed:
        context.note(f"{one.objects} objects are not here. The promise allows it: {one.sentence}", region=surviving)
    counts = f"{proof.lost} not here, {proof.duplicated} duplicated, {proof.divergent} divergent"
    return f"{proof.objects} objects: {counts}; the promise {'is broken' if judged.broken else 'holds'}"
