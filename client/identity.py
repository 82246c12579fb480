"""The ids of an upload, the same in each region and at each retry.

The upload id is made here, before the first try. The object id is derived from source, upload id and content, so the
client knows it before any region has answered.
"""

import hashlib
import secrets


def new_upload_id(now: float) -> str:
    """Return a new UUIDv7 (RFC 9562) for a time in epoch seconds."""
    milliseconds = int(now * 1000)
    random = secrets.randbits(74)
    number = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def object_id(source: str, upload_id: str, sha256: str) -> str:
    """Return the id under which both regions know the object: 64 hexadecimal digits."""
    parts = ("upload", source, upload_id, sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
