"""Read all sources once, in parallel, a page at a time. Only sums and the entries for a judgement stay in memory."""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.proof.cases import Cases, StoredObject, Version
from drill.proof.scope import Platform, ReceiptRow, Scope, Site
from drill.proof.sources import Leaves, Objects, Receipts, Rows, Source

_HEADS_AT_ONCE: Final = 16
_SEGMENTS: Final = 8
_WORTH_SEGMENTS: Final = 50_000
"""Number of receipts from which a parallel scan pays. Below it a single scan is as fast and uses less of the table's
capacity."""
_CHUNK_BYTES: Final = 1024 * 1024
_SCALE: Final = 1 << 32


@dataclass
class Reading:
    """The data that was read."""

    objects: list[Objects]
    rows: list[Rows]
    receipts: Receipts
    cases: Cases = field(default_factory=dict)
    reads: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    """Why a source could not be read, by its name."""

    @property
    def sources(self) -> list[Source]:
        """The sources that were read, archives apart."""
        return [*self.objects, *self.rows, self.receipts]

    def leave_out(self, source: Source, error: Exception) -> None:
        """Record that a source could not be read."""
        self.unread[source.name] = f"{type(error).__name__}: {error}"
        self.objects = [one for one in self.objects if one is not source]
        self.rows = [one for one in self.rows if one is not source]


def read(site: Site, scope: Scope, receipts: Sequence[ReceiptRow], *, only: Leaves | None = None) -> Reading:
    """Read every source completely, and keep the rows and objects of the leaves in `only`."""
    cases: Cases = {}
    reading = Reading(
        objects=[Objects(region, only, cases) for region in site.regions],
        rows=[Rows(region, scope, site.known_regions, only, cases) for region in site.regions],
        receipts=Receipts(scope, only, cases),
        cases=cases,
    )
    share = _share(scope, len(receipts)) if only is None else 1
    segments = _SEGMENTS if len(receipts) >= _WORTH_SEGMENTS else 1
    lock = threading.Lock()  # the sums and cases are of Python, which runs one thread at a time anyway

    def read_objects(source: Objects) -> int:
        return _Bucket(site.platform, scope, source, share, lock).read()

    def read_rows(source: Rows, segment: int) -> int:
        return _read_segment(site.platform, source, segment, segments, lock)

    work: list[tuple[Source, Callable[[], int]]] = [
        (source, lambda source=source: read_objects(source))  # type: ignore[misc]
        for source in reading.objects
        if source.name not in site.unread
    ]
    work += [
        (source, lambda source=source, n=n: read_rows(source, n))  # type: ignore[misc]
        for source in reading.rows
        if source.name not in site.unread
        for n in range(segments)
    ]
    reading.objects = [one for one in reading.objects if one.name not in site.unread]
    reading.rows = [one for one in reading.rows if one.name not in site.unread]
    with ThreadPoolExecutor(max_workers=max(1, len(work))) as pool:
        begun = [(source, pool.submit(one)) for source, one in work]
        with lock:
            reading.receipts.take(receipts)
        for source, one in begun:
            try:
                reading.reads += one.result()
            except (ClientError, BotoCoreError) as error:
                reading.leave_out(source, error)
    return reading


def _share(scope: Scope, receipts: int) -> float:
    """Return the share of the objects whose checksum is read from S3."""
    return 1 if scope.stored_checksums is None else min(1, scope.stored_checksums / max(1, receipts))


def _read_segment(platform: Platform, source: Rows, segment: int, segments: int, lock: threading.Lock) -> int:
    arguments: dict[str, Any] = {"TableName": platform.table(source.region), "ConsistentRead": True}
    if segments > 1:
        arguments |= {"Segment": segment, "TotalSegments": segments}
    client = platform.client("dynamodb", source.region)
    # A scan's answer does not name the replica's region; the ARN that the same client reads does.
    described = client.describe_table(TableName=arguments["TableName"])["Table"]
    with lock:
        source.origins.add(described["TableArn"])
    pages = 1
    for page in client.get_paginator("scan").paginate(**arguments):
        pages += 1
        with lock:
            source.take(page["Items"])
    return pages


class _Bucket:
    """Lists the versions in a bucket, and reads their checksums."""

    def __init__(self, platform: Platform, scope: Scope, source: Objects, share: float, lock: threading.Lock) -> None:
        self._s3 = platform.client("s3", source.region)
        self._bucket = platform.ingest_bucket(source.region)
        self._scope = scope
        self._source = source
        self._share = share
        self._lock = lock
        self._reads = itertools.count()

    def read(self) -> int:
        with ThreadPoolExecutor(max_workers=_HEADS_AT_ONCE) as pool:
            for page in self._pages():
                wanted = [one for one in page if self._source.is_wanted(one)]
                found = [one for one in wanted if not self._is_asked_about(one)]
                asked = pool.map(self._with_checksums, [one for one in wanted if self._is_asked_about(one)])
                found += [one for one in asked if one.versions]
                with self._lock:
                    for one in found:
                        self._source.take(one)
        return next(self._reads)

    def _pages(self) -> Iterator[list[StoredObject]]:
        """Yield the objects of each page. An object that continues on the next page comes with that page."""
        paginator = self._s3.get_paginator("list_object_versions")
        for prefix in self._scope.prefixes:
            waiting: list[Any] = []
            for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
                next(self._reads)
                with self._lock:
                    self._source.origins.add(page["Name"])
                versions = waiting + page.get("Versions", [])
                last = versions[-1]["Key"] if versions else None
                groups = [list(group) for _, group in itertools.groupby(versions, key=lambda version: version["Key"])]
                waiting = groups.pop() if last is not None else []
                yield [one for group in groups for one in _stored(group)]
            yield _stored(waiting) if waiting else []

    def _is_asked_about(self, stored: StoredObject) -> bool:
        """Return whether S3 is asked for checksums: for a share of the objects, and for each key with several versions.

        Several versions are one object only if their content is the same.
        """
        return stored.is_direct or len(stored.versions) > 1 or int(stored.object_id[:8], 16) < self._share * _SCALE

    def _with_checksums(self, stored: StoredObject) -> StoredObject:
        versions = [self._with_checksum(stored.key, version) for version in stored.versions]
        return StoredObject(stored.key, tuple(one for one in versions if one), stored.is_deleted)

    def _with_checksum(self, key: str, version: Version) -> Version | None:
        where = {"Bucket": self._bucket, "Key": key, "VersionId": version.version_id}
        try:
            return Version(version.version_id, version.size, self._sha256(where))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 - HTTP's not found
                raise
            return None  # it was deleted since it was listed

    def _sha256(self, where: dict[str, str]) -> str:
        next(self._reads)
        stored = self._s3.head_object(**where, ChecksumMode="ENABLED").get("ChecksumSHA256", "")
        if stored and "-" not in stored:  # of parts, it is a checksum of checksums
            return base64.b64decode(stored).hex()
        next(self._reads)
        digest = hashlib.sha256()
        for chunk in self._s3.get_object(**where)["Body"].iter_chunks(_CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest()


def _stored(versions: list[Any]) -> list[StoredObject]:
    """Return the object of a key; for a key that was put without the issuer, one for each version."""
    held = tuple(Version(version["VersionId"], version["Size"]) for version in versions)
    stored = StoredObject(versions[0]["Key"], held, is_deleted=not any(version["IsLatest"] for version in versions))
    return [StoredObject(stored.key, (one,)) for one in held] if stored.is_direct else [stored]
