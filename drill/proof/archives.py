"""Compare each region's archive with the entries that the objects' rows and the files' authors call for.

| key                              | content                                                |
|----------------------------------|--------------------------------------------------------|
| `rejected/<object id>.ndjson`    | a line for each rejected record, with its ordinal      |
| `quarantined/<object id>.json`   | why the object was quarantined                         |
| `quarantined/<object id>/object` | the object's bytes                                     |

Both archives hold the same, so that the loss of a region loses no rejection and no quarantined file.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from drill.model import Finding
from drill.proof.digests import Entries
from drill.proof.scope import Platform, ReceiptRow, hour_of

_REJECTED: Final = re.compile(r"rejected/([0-9a-f]{64})\.ndjson")
_NOTE: Final = re.compile(r"quarantined/([0-9a-f]{64})\.json")
_BYTES: Final = re.compile(r"quarantined/([0-9a-f]{64})/object")


@dataclass(frozen=True)
class Due:
    """The part of an object that an archive must hold.

    Attributes:
        rejected: Number of rejected records.
        ordinals: Their ordinals, if the file's author knows them.
        is_quarantined: Whether the object was quarantined.
        sha256: SHA-256 of the object's bytes, if the file's author knows it.
    """

    rejected: int = 0
    ordinals: tuple[int, ...] | None = None
    is_quarantined: bool = False
    sha256: str | None = None


class Archive(Entries):
    """One region's archive bucket."""

    def __init__(self, region: str) -> None:
        super().__init__(f"archive {region}")
        self.region = region
        self.ordinals: dict[str, tuple[int, ...]] = {}
        self.notes: set[str] = set()
        self.copies: dict[str, str] = {}
        self.problems: list[Finding] = []
        self.origins: set[str] = set()
        self.reads = 0

    def read(self, platform: Platform, wanted: set[str]) -> None:
        """Read all entries of the wanted objects."""
        s3, bucket = platform.client("s3", self.region), platform.archive_bucket(self.region)
        for prefix in ("rejected/", "quarantined/"):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                self.reads += 1
                self.origins.add(page["Name"])
                for held in page.get("Contents", []):
                    self._take(s3, bucket, held["Key"], wanted)

    def _take(self, s3: Any, bucket: str, key: str, wanted: set[str]) -> None:  # noqa: ANN401 - a boto3 client
        if (matched := _NOTE.fullmatch(key)) and matched[1] in wanted:
            self.notes.add(matched[1])
        elif (matched := _BYTES.fullmatch(key)) and matched[1] in wanted:
            self.copies[matched[1]] = hashlib.sha256(self._body(s3, bucket, key)).hexdigest()
        elif (matched := _REJECTED.fullmatch(key)) and matched[1] in wanted:
            try:
                lines = [json.loads(line) for line in self._body(s3, bucket, key).splitlines()]
                self.ordinals[matched[1]] = tuple(sorted(int(line["ordinal"]) for line in lines))
            except (ValueError, KeyError, TypeError) as error:
                self.problems.append(_finding("divergent", matched[1], self.name, f"{key} is malformed: {error}"))

    def _body(self, s3: Any, bucket: str, key: str) -> bytes:  # noqa: ANN401 - a boto3 client
        self.reads += 1
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def digest(self, hours: Mapping[str, str]) -> None:
        """Add an entry for each archived object; `hours` holds the hour of each object."""
        for one in sorted(self.ordinals.keys() | self.copies.keys()):
            self.add(one, hours.get(one, ""), f"{self.ordinals.get(one)}\0{self.copies.get(one)}")


@dataclass
class Archives:
    """Both archives, or the ones that were read."""

    due: dict[str, dict[str, Due]]
    read: list[Archive] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each entry that is missing, wrong or not called for."""
        for archive in self.read:
            yield from archive.problems
            due = self.due.get(archive.region, {})
            for object_id, wanted in sorted(due.items()):
                yield from _of_object(archive, object_id, wanted)
            for object_id in sorted((archive.ordinals.keys() | archive.copies.keys()) - due.keys()):
                yield _finding("divergent", object_id, archive.name, "it is archived, and nothing of it was rejected")


def _of_object(archive: Archive, object_id: str, due: Due) -> Iterator[Finding]:
    found = archive.ordinals.get(object_id)
    if due.rejected and found is None:
        yield _finding("lost", object_id, archive.name, f"its {due.rejected} rejected records are not archived")
    elif found is not None and (len(found) != due.rejected or (due.ordinals is not None and found != due.ordinals)):
        wanted = f"those of {list(due.ordinals)}" if due.ordinals is not None else f"{due.rejected}"
        yield _finding("divergent", object_id, archive.name, f"rejections {list(found)} are archived, not {wanted}")
    if not due.is_quarantined:
        if object_id in archive.copies:
            yield _finding("divergent", object_id, archive.name, "its bytes are archived, and it is not quarantined")
        return
    if object_id not in archive.notes:
        yield _finding("lost", object_id, archive.name, "it is quarantined, and no note of the reason is archived")
    if object_id not in archive.copies:
        yield _finding("lost", object_id, archive.name, "it is quarantined, and its bytes are not archived")
    elif due.sha256 is not None and archive.copies[object_id] != due.sha256:
        mismatch = f"the archived bytes have SHA-256 {archive.copies[object_id]}, the file {due.sha256}"
        yield _finding("divergent", object_id, archive.name, mismatch)


def due_of(
    regions: Sequence[str], stated: Mapping[str, Mapping[str, Due]], receipts: Iterable[ReceiptRow]
) -> dict[str, dict[str, Due]]:
    """Return the entries that each region's archive must hold; an author's knowledge takes precedence over a row."""
    own = list(receipts)
    uploaded = {one.object_id for one in own}
    known = {
        one.object_id: Due(
            rejected=len(one.rejected or ()),
            ordinals=one.rejected,
            is_quarantined=bool(one.is_unreadable),
            sha256=one.sha256,
        )
        for one in own
        if one.is_certain and one.rejected is not None
    }
    by_author = {one: due for one, due in known.items() if due.rejected or due.is_quarantined}
    return {
        region: {one: due for one, due in stated.get(region, {}).items() if one in uploaded - known.keys()} | by_author
        for region in regions
    }


def hours_of(receipts: Iterable[ReceiptRow]) -> dict[str, str]:
    """Return the hour of each upload, by object id."""
    return {one.object_id: hour_of(one.upload_id) for one in receipts}


def _finding(kind: str, object_id: str, where: str, what: str) -> Finding:
    return Finding(kind=kind, object_id=object_id, where=where, what=what)
