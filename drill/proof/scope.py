"""The scope of a proof, and the form of its fifth source, the client's receipts."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from operations.ledger import object_id

UPLOADS: Final = "incoming/uploads/"
DIRECT: Final = "incoming/direct/"
"""Prefix of the objects that a drill puts into a bucket without the issuer, followed by its source."""
NO_HOUR: Final = "no hour"
"""The hour of an upload without a time: its id is not a UUIDv7."""

_ANSWERED: Final = frozenset({"accepted", "durable", "processed", "quarantined", "missing"})
"""States of an upload that the platform confirmed at least once; it later reports a missing one as lost."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_MILLISECONDS: Final = 3_600_000
_SHA256_DIGITS: Final = 64
_PARTS: Final = 4
_VERSION: Final = 14
"""Where a UUID's text holds its version."""


class Platform(Protocol):
    """The part of `operations.deployment.Deployment` that the proof needs: clients and names."""

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a client."""

    def ingest_bucket(self, region: str) -> str:
        """Return the name of a region's ingest bucket."""

    def archive_bucket(self, region: str) -> str:
        """Return the name of a region's archive bucket."""

    def table(self, region: str) -> str:
        """Return the name of the table's replica in a region."""

    def secret(self, region: str) -> str:
        """Return the name of the secret that signs receipts."""


@dataclass(frozen=True)
class Site:
    """The place that the proof reads.

    Attributes:
        platform: Its clients and names.
        regions: The regions to read: both, or during an outage the surviving one.
        known_regions: All regions that may have written a row.
        unread: Names of the sources that could not be read.
    """

    platform: Platform
    regions: tuple[str, ...]
    known_regions: tuple[str, ...]
    unread: frozenset[str] = frozenset()

    def readable(self, kind: str) -> tuple[str, ...]:
        """Return the regions whose source of a kind was read: `objects`, `ledger` or `archive`."""
        return tuple(one for one in self.regions if f"{kind} {one}" not in self.unread)


@dataclass(frozen=True)
class Scope:
    """The objects to prove: the uploads of one source.

    Attributes:
        source: The uploads' source, for example `drill-5f3a9c`.
        stored_checksums: Number of objects in each bucket, by the lowest ids, whose checksum is read from S3 by one call
            each; None reads all. Suspicious objects are always read.
        files_once: Whether each file is uploaded once. A file under two upload ids is then a duplicate, as of a client that
            lost a response and started again.
    """

    source: str
    stored_checksums: int | None = None
    files_once: bool = True

    @property
    def prefix(self) -> str:
        """The prefix of the scope's uploads through the issuer."""
        return f"{UPLOADS}{self.source}/"

    @property
    def prefixes(self) -> tuple[str, str]:
        """The prefixes of all objects of the scope: uploads, and objects that were put without the issuer."""
        return self.prefix, f"{DIRECT}{self.source}/"


class UploadKey(NamedTuple):
    """The parts of the key of an upload through the issuer: `incoming/uploads/<source>/<upload id>/<sha256>/<file key>`."""

    source: str
    upload_id: str
    sha256: str
    file_key: str

    @staticmethod
    @functools.lru_cache(maxsize=4096)
    def parse(key: str) -> UploadKey | None:
        """Parse an ingest bucket's key; None if it is not an upload through the issuer."""
        if not key.startswith(UPLOADS):
            return None
        parts = key[len(UPLOADS) :].split("/", 3)
        if len(parts) != _PARTS or not all(parts) or len(parts[2]) != _SHA256_DIGITS:
            return None
        return UploadKey(*parts)

    @property
    def object_key(self) -> str:
        """The key, the same in both regions."""
        return f"{UPLOADS}{self.source}/{self.upload_id}/{self.sha256}/{self.file_key}"


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """An upload as its client knows it.

    Attributes:
        source: The upload's source.
        upload_id: A UUIDv7, the same in every try.
        sha256: SHA-256 of the content, 64 hexadecimal digits.
        file_key: The client's name of the file.
        size: Size in bytes, if known.
        is_certain: Whether the platform confirmed that it has the object. If the last
            response was lost, the object may be missing; if it exists, it must be complete.
        records: Number of records in the file, if its author knows it.
        accepted: Expected number of accepted records, if the file's author knows it.
        effect: The effect digest of its records, if the file's author knows it (`drill.proof.effect.of_records`).
        rejected: Ordinals of the records that the platform must reject, if the file's author knows them.
        is_unreadable: Whether the platform must quarantine the file, if its author knows it.
        signed: The receipt with the platform's signature; "" if the client has none.
        version_id: The S3 version of an object that was put without the issuer, which is part of its identity; "" for an
            upload. Its `file_key` is its key in the bucket.
    """

    source: str
    upload_id: str
    sha256: str
    file_key: str
    size: int | None = None
    is_certain: bool = True
    records: int | None = None
    effect: str | None = None
    accepted: int | None = None
    rejected: tuple[int, ...] | None = None
    is_unreadable: bool | None = None
    signed: str = ""
    version_id: str = ""

    @property
    def object_key(self) -> str:
        """The object's key in the ingest bucket."""
        if self.version_id:
            return self.file_key
        return f"{UPLOADS}{self.source}/{self.upload_id}/{self.sha256}/{self.file_key}"

    @property
    def object_id(self) -> str:
        """The object's identity, computed independently of the platform."""
        return object_id(self.object_key, self.version_id)

    @classmethod
    def of_lines(cls, lines: Iterable[Mapping[str, Any]]) -> list[ReceiptRow]:
        """Read the lines of the client's receipts file in order. The last line of an upload counts.

        An upload whose content was never read was never sent, and is omitted.

        Raises:
            ValueError: A line lacks a field; the message names both.
        """
        last: dict[tuple[str, str], ReceiptRow] = {}
        for number, held in enumerate(lines, start=1):
            missing = sorted({"source", "upload_id", "sha256", "key", "state"} - held.keys())
            if missing:
                raise ValueError(
                    f"line {number} of the receipts has no {', '.join(missing)}; "
                    "the client writes source, upload_id, sha256, key, size and state into each"
                )
            if held["sha256"]:
                last[held["source"], held["upload_id"]] = cls(
                    source=str(held["source"]),
                    upload_id=str(held["upload_id"]),
                    sha256=str(held["sha256"]),
                    file_key=str(held["key"]),
                    size=int(held["size"]) if held.get("size") is not None else None,
                    is_certain=held["state"] in _ANSWERED,
                    signed=str(held.get("receipt") or ""),
                )
        return list(last.values())


@functools.lru_cache(maxsize=4096)
def moment_of(upload_id: str) -> str | None:
    """Return the time in a UUIDv7, in the format of rows: `2026-01-31T12:00:00.000Z`; None for any other text."""
    milliseconds = _milliseconds(upload_id)
    if milliseconds is None:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def hour_of(upload_id: str) -> str:
    """Return the hour of an upload id, for example `2026-01-31T12`, in UTC. It is the same in all sources."""
    milliseconds = _milliseconds(upload_id)
    return NO_HOUR if milliseconds is None else _hour(milliseconds // _HOUR_MILLISECONDS)


def _milliseconds(upload_id: str) -> int | None:
    if upload_id[_VERSION : _VERSION + 1] != "7":
        return None
    try:
        return int(upload_id[:8] + upload_id[9:13], 16)
    except ValueError:
        return None


@functools.lru_cache(maxsize=1024)
def _hour(number: int) -> str:
    try:
        return f"{_EPOCH + timedelta(hours=number):%Y-%m-%dT%H}"
    except OverflowError:
        return NO_HOUR
