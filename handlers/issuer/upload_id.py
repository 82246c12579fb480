"""Upload ids: UUIDv7 (RFC 9562), so that an id carries the time at which its upload began.

The client may create the id, and retries with the same one in either region. This makes `POST /uploads` idempotent.
"""

import re
import secrets
from datetime import timedelta
from typing import Final

MAXIMUM_AGE: Final = timedelta(days=7)
MAXIMUM_LEAD: Final = timedelta(minutes=5)
"""How far ahead a client's clock may be."""

UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class UploadIdError(ValueError):
    """Raised when a text is not an upload id, or its time is out of range; the message is the reason."""


def new_upload_id(now: float) -> str:
    """Return a new UUIDv7 for a time in epoch seconds."""
    milliseconds = int(now * 1000)
    random = secrets.randbits(74)
    number = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse_upload_id(text: str, now: float) -> str:
    """Return an upload id in lower case.

    Args:
        text: The id from the client.
        now: Epoch seconds.

    Raises:
        UploadIdError: It is not a UUIDv7, or its time is not within the last 7 days and the next 5 minutes.
    """
    upload_id = text.lower()
    if not UUID7.fullmatch(upload_id):
        raise UploadIdError("is not a UUIDv7")
    age = now - _milliseconds(upload_id) / 1000
    if age > MAXIMUM_AGE.total_seconds():
        raise UploadIdError(f"was made {age / 86400:.1f} days ago")
    if -age > MAXIMUM_LEAD.total_seconds():
        raise UploadIdError(f"was made {-age / 60:.1f} minutes in the future")
    return upload_id


def _milliseconds(upload_id: str) -> int:
    return int(upload_id[:8] + upload_id[9:13], 16)
