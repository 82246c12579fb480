"""A case: the receipts, versions and rows of one object, which a judgement compares."""

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
        version_id: The id from S3; a replica keeps the id of its original.
        size: Size in bytes.
        sha256: SHA-256 of the stored bytes; None if S3 was not asked.
    """

    version_id: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A key of a bucket with all its versions, newest first.

    Several versions are no fault. A client that lost a response puts the same bytes into the other region's bucket, and each
    version is replicated. Content and identity are the same.

    Attributes:
        key: The key in the bucket.
        versions: The versions, without delete markers.
        is_deleted: Whether a delete marker is newer than any version.
    """

    key: str
    versions: tuple[Version, ...]
    is_deleted: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether the object was put without the issuer. Each version is then an object of its own."""
        return self.key.startswith(DIRECT)

    @property
    def object_id(self) -> str:
        """The object's identity; a substitute if the key belongs to neither an upload nor a direct put."""
        if self.is_direct:
            return identity(self.key, self.versions[0].version_id)
        if UploadKey.parse(self.key):
            return identity(self.key, "")
        return hashlib.sha256(f"no upload\0{self.key}".encode()).hexdigest()

    @property
    def size(self) -> int:
        """Size of the newest version in bytes."""
        return self.versions[0].size

    @property
    def content(self) -> str:
        """The SHA-256 of the content. If a version differs from the hash in the key, the one of that version."""
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
        object_id: Its identity, or the substitute for one.
        receipts: The client's receipts.
        objects: By region, an entry for each key with this identity. There is one, unless a program encoded a name
            differently.
        rows: By region, the rows of this object, by their keys.
    """

    object_id: str
    receipts: list[ReceiptRow] = field(default_factory=list)
    objects: dict[str, list[StoredObject]] = field(default_factory=dict)
    rows: dict[str, dict[tuple[str, str], Row]] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether a certain receipt or a stored object calls for an effect."""
        return bool(self.objects) or any(receipt.is_certain for receipt in self.receipts)

    def result(self, region: str) -> Row | None:
        """Return the RESULT row in a region's replica."""
        return self.rows.get(region, {}).get((f"OBJ#{self.object_id}", "RESULT"))


Cases = dict[str, Case]
