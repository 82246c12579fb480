"""verify: what the surviving region can prove alone, while the other one is lost."""

from __future__ import annotations

from drill import proving
from drill.context import Context


def run(context: Context) -> str:
    """Prove with the surviving region's two sources and the receipts; what has not arrived is late, not lost yet."""
    proof = proving.prove(context, regions=(context.target.secondary,))
    proving.take_snapshot(context, context.target.secondary)
    context.journal.state(context.phase, "proof_during", proof.model_dump(mode="json"))
    if proof.duplicated or proof.divergent:
        context.note(f"{proof.duplicated} duplicated, {proof.divergent} divergent", level="bad")
    return f"{proof.objects} objects: {proof.lost} not here, {proof.duplicated} duplicated, {proof.divergent} divergent"
