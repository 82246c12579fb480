"""Measure the RPO from receipts: the age of lost durable objects, and the time that objects were in one region only."""

from __future__ import annotations

import time
from datetime import datetime

from drill.context import Context
from drill.proof.scope import moment_of


def measure(context: Context) -> dict[str, float | None]:
    """Return `durable`, the age of the oldest lost durable object, and `accepted`, the longest wait for a copy.

    A value is None if it was not measured.
    """
    proof = context.journal.fact("proof")
    if proof is None:
        return {"durable": None, "accepted": None}
    lost = {finding["object_id"] for finding in proof["findings"] if finding["kind"] == "lost"}
    ages = [
        time.time() - datetime.fromisoformat(moment).timestamp()
        for one in context.sender.receipts()
        if one.id in lost and one.durable and (moment := moment_of(one.upload_id)) is not None
    ]
    return {"durable": round(max(ages, default=0.0), 2), "accepted": context.watch.longest_alone()}
