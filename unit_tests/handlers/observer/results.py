"""Build RESULT rows as the processor does, and compute their digest independently of the observer."""

import hashlib
import json
from typing import Any

from hypothesis import strategies as st

from handlers.processor.store import Result
from handlers.shared import schema, timestamps

HOUR = "2026-01-31T12"
BEGIN = 1769860800.0
"""Beginning of that hour."""
PROVENANCE = ("region", "epoch", "version_id", "processed_at")


def result(object_id: str, *, hour_begin: float = BEGIN, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type
    """Return a row of an hour."""
    processed_at = changes.pop("processed_at", "2026-01-31T12:30:00.000Z")
    facts: dict[str, Any] = {
        "state": schema.COMPLETED,
        "object_id": object_id,
        "source": "ingest",
        "file_key": "a.csv",
        "object_key": "incoming/a.csv",
        "received_at": timestamps.from_epoch(hour_begin + int(object_id[-3:], 16) % 3600),
        "accepted": 2,
        "rejected": 0,
        "effect_digest": "0" * 64,
        "region": "us-east-1",
        "epoch": 0,
        "version_id": "v",
        "processing_version": "p",
        "size": 10,
    }
    return Result(**facts | changes).item(processed_at)


object_ids = st.binary(min_size=32, max_size=32).map(bytes.hex)
states = st.sampled_from([schema.COMPLETED, schema.QUARANTINED])
rows = st.builds(
    lambda object_id, state, accepted, reason: result(object_id, state=state, accepted=accepted, reason=reason),
    object_ids,
    states,
    st.integers(0, 10**6),
    st.none() | st.text(max_size=5),
)
hours_of_rows = st.lists(rows, max_size=40, unique_by=lambda row: str(row["pk"]["S"]))


def reckoned(items: list[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    """Return count, sum of identities and sum of effects by prefix, computed without the observer's code."""
    found = {}
    for prefix in "0123456789abcdef":
        of_prefix = [item for item in items if item["pk"]["S"][len("OBJ#") :].startswith(prefix)]
        identities = sum(int(hashlib.sha256(item["pk"]["S"][4:].encode()).hexdigest(), 16) for item in of_prefix)
        effects = 0
        for item in of_prefix:
            kept = sorted((name, item[name]) for name in item if name not in PROVENANCE)
            text = (
                "{"
                + ",".join(f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in kept)
                + "}"
            )
            effects += int(hashlib.sha256(text.encode()).hexdigest(), 16)
        found[prefix] = (len(of_prefix), identities % 2**256, effects % 2**256)
    return found
