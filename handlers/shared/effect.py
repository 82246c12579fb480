"""The effect digest: one number for all records of an object, independent of the order in which they are read.

It proves that the ledger's records are the ones that RESULT states, and that two regions hold the same records.
"""

import hashlib
from typing import Final

_MODULUS: Final = 1 << 256


class EffectDigest:
    """The sum, modulo 2^256, of the SHA-256 of every record's keys and content."""

    def __init__(self, begun: str = "0") -> None:
        self._sum = int(begun, 16)  # a `hexdigest`, to which more records are added

    def add(self, partition_key: str, sort_key: str, record: bytes) -> None:
        """Add a record; `record` is the `canonical_text` of its map."""
        content = f"{partition_key}\0{sort_key}\0".encode() + record
        self._sum += int.from_bytes(hashlib.sha256(content).digest(), "big")

    def hexdigest(self) -> str:
        """Return the sum as 64 hexadecimal digits; 64 zeros for no records."""
        return f"{self._sum % _MODULUS:064x}"
