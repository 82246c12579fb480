"""verify: prove the content of the surviving region while the other one is lost, and compare it with the promise."""

from __future__ import annotations

import sys
import time

from drill import promise, proving
from drill.context import Context
from drill.phases import measure
from drill.proof.proving import MOST_FINDINGS


def run(context: Context) -> str:
    """Prove with the surviving region's sources and the receipts. Findings against the promise fail the drill."""
    with context.flow.paused():
        return _verify(context)


def _verify(context: Context) -> str:
    surviving = context.target.secondary
    measure.wait_until_idle(context)
    proof = proving.prove(context, regions=(surviving,), most=sys.maxsize)
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
