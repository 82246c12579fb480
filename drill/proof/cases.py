"""All that the sources hold of one object, side by side: what a judgement is made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from drill.proof.rows import Row
from drill.proof.scope import DIRECT, ReceiptRow, UploadKey
from operations.ledger import object_id as identity


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object.

    Attributes:
        version_id: As S3 gives it; a replica keeps its original's.
        size: Bytes.
        sha256: Of its bytes as stored; None if S3 was not asked.
    """

    version_id: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A key of a bucket with all its versions, newest first.

    More than one is no fault: a client that lost an answer puts the same bytes into the other region's bucket, and each
    is replicated. Their content is the same, and so is the identity.

    Attributes:
        key: In the bucket.
        versions: None of them is a delete marker.
        is_deleted: Whether a delete marker is newer than any version.
    """

    key: str
    versions: tuple[Version, ...]
    is_deleted: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether it was put without the issuer; then each version is an object of its own."""
        return self.key.startswith(DIRECT)

    @property
    def object_id(self) -> str:
        """Its identity; of a key that is neither an upload's nor a direct put's, what can stand for one."""
        if self.is_direct:
            return identity(self.key, self.versions[0].version_id)
        if UploadKey.parse(self.key):
            return identity(self.key, "")
        return hashlib.sha256(f"no upload\0{self.key}".encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the newest version."""
        return self.versions[0].size

    @property
    def content(self) -> str:
        """The SHA-256 of what is stored: one that its key does not promise, if any version has such a one."""
        if self.is_direct:
            return self.versions[0].sha256 or ""
        key = UploadKey.parse(self.key)
        promised = key.sha256 if key else ""
        wrong = [one.sha256 for one in self.versions if one.sha256 not in (None, promised)]
        return wrong[0] or "" if wrong else promised


@dataclass
class Case:
    """One object.

    Attributes:
        object_id: Its identity, or what stands in the place of one.
        receipts: Of the client.
        objects: By region; one for each key that has this identity, which is one unless somebody spells a name anew.
        rows: By region, each row that is of this object, by its keys.
    """

    object_id: str
    receipts: list[ReceiptRow] = field(default_factory=list)
    objects: dict[str, list[StoredObject]] = field(default_factory=dict)
    rows: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether there is anything, a certain receipt or an object, that calls for an effect."""
        return bool(self.objects) or any(receipt.is_certain for receipt in self.receipts)

    def result(self, region: str) -> Row | None:
        """Return the RESULT row in a region's replica."""
        return self.rows.get(region, {}).get((f"OBJ#{self.object_id}", "RESULT"))


Cases = dict[str, Case]
