"""Moments as text."""

from datetime import UTC, datetime


def as_text(epoch_seconds: float) -> str:
    """Return a moment in UTC, as in `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
