"""Times as rows hold them: UTC text of fixed width, so that the order of the texts is the order of the times."""

import re
from datetime import UTC, datetime
from typing import Final

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def as_text(moment: datetime) -> str:
    """Return an aware time as `2026-01-31T12:00:00.000Z`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def from_epoch(seconds: float) -> str:
    """Return epoch seconds in the form of `as_text`."""
    return as_text(datetime.fromtimestamp(seconds, UTC))


def hour_of(moment: str) -> str:
    """Return the hour of a text of `as_text`, by which the state index groups: `2026-01-31T12`."""
    return moment[:13]


def of_upload(upload_id: str) -> str | None:
    """Return the time in an upload id (a UUIDv7); None if the text is not a UUIDv7.

    Unlike a clock or a replica's metadata, this time is the same in both regions.
    """
    if not _UUID7.fullmatch(upload_id):
        return None
    seconds, milliseconds = divmod(int(upload_id[:8] + upload_id[9:13], 16), 1000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError):
        return None
    return as_text(moment.replace(microsecond=milliseconds * 1000))
