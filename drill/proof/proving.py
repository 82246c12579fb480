"""The proof: digest all sources, bisect the differences, read the objects of those leaves, and judge them.

Seven sources: the objects, the ledger and the archive of each region, and the client's receipts with their signatures.
A source that cannot be read is named in the proof and never counts as equal.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.model import DigestRow, Finding, Proof
from drill.proof import archives, signatures
from drill.proof.digests import Entries, Totals, batches, differing, unequal_cells, unequal_leaves
from drill.proof.judgement import Judge
from drill.proof.reading import Reading, read
from drill.proof.scope import ReceiptRow, Scope, Site
from drill.proof.sent_twice import sent_twice
from drill.proof.sources import Rows
from operations.deployment import Deployment

MOST_FINDINGS: Final = 100
"""Maximum number of findings in a report; its counts include all."""
MOST_AT_ONCE: Final = 100_000
"""Maximum number of objects of one source in memory for the judgement."""
_ATTEMPTS: Final = 3


def prove(  # noqa: PLR0913 - each has a keyword
    deployment: Deployment,
    scope: Scope,
    receipts: Sequence[ReceiptRow],
    *,
    regions: Sequence[str] | None = None,
    first: Collection[str] = (),
    most: int = MOST_FINDINGS,
) -> Proof:
    """Compare the regions' buckets, replicas and archives, and the client's receipts.

    Args:
        deployment: The platform.
        scope: The objects to prove.
        receipts: The client's receipts, a row for each upload. Rows of other sources are ignored.
        regions: The regions to read, for example the surviving one; None reads both.
        first: Object ids whose findings come before all others, if a report cannot hold all.
        most: Maximum number of findings to return; the counts include all.
    """
    known = deployment.target.regions
    return prove_site(Site(deployment, tuple(regions or known), known), scope, receipts, first=first, most=most)


def prove_site(
    site: Site, scope: Scope, receipts: Sequence[ReceiptRow], *, first: Collection[str] = (), most: int = MOST_FINDINGS
) -> Proof:
    """Prove a site, which supplies the clients and names; see `prove` for the other arguments."""
    began, at, reads = time.monotonic(), datetime.now(UTC), 0
    given = site
    for _ in range(_ATTEMPTS):
        reading = read(given, scope, receipts)
        site = replace(given, unread=frozenset(reading.unread))
        archived, keys = _read_archives(site, scope, receipts, reading)
        unread = {**reading.unread, **archived.unread, **keys.unread}
        reads += sum(one.reads for one in archived.read)
        found = _Found(first, most)
        found.add(archived.findings())
        found.add(signatures.findings(_of_scope(scope, receipts), keys.valid))
        found.add(_from_elsewhere(site, reading, archived.read))
        found.add(_strangers(reading))
        found.add(sent_twice(scope, receipts))
        judge = Judge(scope, site)
        reads += reading.reads
        for leaves in batches(sorted(_suspicious(reading)), reading.sources, most=MOST_AT_ONCE):
            again = read(site, scope, receipts, only=leaves)
            reads += again.reads
            for case in again.cases.values():
                found.add(judge.findings(case))
            unread |= again.unread
            _admit(reading, again)
        is_equal = not unequal_cells(reading.sources) and not unequal_cells(archived.read) and not unread
        if is_equal or found.findings or unread:
            break  # otherwise the first read met unfinished replication
    return Proof(
        at=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        sources=tuple(source.name for source in (*reading.objects, *reading.rows, *archived.read, reading.receipts)),
        unread=unread,
        objects=_objects(reading),
        equal=is_equal and not found.findings,
        lost=len(found.ids["lost"]),
        duplicated=len(found.ids["duplicated"]),
        divergent=len(found.ids["divergent"]),
        findings=tuple(found.shown()),
        digests=(*_digest_rows(reading.sources), *_digest_rows(archived.read)),
        seconds=round(time.monotonic() - began, 3),
        reads=reads,
    )


@dataclass
class _Keys:
    """The valid keys of receipts by region, and the reason if a region's keys could not be read."""

    valid: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def _of_scope(scope: Scope, receipts: Iterable[ReceiptRow]) -> list[ReceiptRow]:
    return [one for one in receipts if one.source == scope.source]


def _read_archives(
    site: Site, scope: Scope, receipts: Sequence[ReceiptRow], reading: Reading
) -> tuple[archives.Archives, _Keys]:
    """Read the archives and the keys of each region."""
    own = _of_scope(scope, receipts)
    found = archives.Archives(archives.due_of(site.regions, {rows.region: rows.archived for rows in reading.rows}, own))
    keys, hours = _Keys(), archives.hours_of(own)
    wanted = hours.keys() | {one for due in found.due.values() for one in due}
    for region in site.regions:
        archive = archives.Archive(region)
        try:
            archive.read(site.platform, set(wanted))
            archive.digest(hours)
            found.read.append(archive)
        except (ClientError, BotoCoreError) as error:
            found.unread[archive.name] = f"{type(error).__name__}: {error}"
        try:
            keys.valid[region] = signatures.read_keys(site.platform, region)
        except (ClientError, BotoCoreError, ValueError) as error:
            keys.unread[f"receipts, keys in {region}"] = f"{type(error).__name__}: {error}"
    return found, keys


@dataclass
class _Found:
    """The findings: those that the report shows, and the objects of all."""

    first: Collection[str]
    most: int
    findings: list[Finding] = field(default_factory=list)
    ids: dict[str, set[str]] = field(default_factory=lambda: {"lost": set(), "duplicated": set(), "divergent": set()})

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.ids[finding.kind].add(finding.object_id)
            comes_first = finding.object_id in self.first
            if comes_first or len(self.findings) < self.most + len(self.first):
                self.findings.append(finding)

    def shown(self) -> list[Finding]:
        """The findings to show: those of `first`, then by kind, object and source."""
        order = {"lost": 0, "duplicated": 1, "divergent": 2}
        self.findings.sort(key=lambda one: (one.object_id not in self.first, order[one.kind], one.object_id, one.where))
        return self.findings[: self.most]


def _suspicious(reading: Reading) -> set[str]:
    """Return the leaves in which sums differ that must agree, or in which an entry is invalid."""
    leaves = unequal_leaves(reading.sources)
    receipts = reading.receipts
    measured = [*reading.objects, *reading.rows]
    for source in measured[1:]:
        leaves |= differing(measured[0].sizes, source.sizes)
    for bucket in reading.objects:
        leaves |= differing(receipts.direct, bucket.direct)
    for rows in reading.rows:
        leaves |= rows.suspects
        leaves |= differing(reading.rows[0].written_once, rows.written_once)
        leaves |= differing(rows.claimed, rows.recorded)
        leaves |= differing(rows.worked, rows.begun)
        leaves |= {leaf for leaf in rows.recorded.keys if not _ordinals_fit(rows, leaf)}
        leaves |= _unlike_expectation(receipts.expected_records, rows.stated_records)
        leaves |= _unlike_expectation(receipts.expected_accepted, rows.stated_accepted)
        leaves |= _unlike_expectation(receipts.expected_effects, rows.stated_effects)
        leaves |= _unlike_expectation(receipts.sizes, rows.sizes)
    return leaves


def _ordinals_fit(rows: Rows, leaf: str) -> bool:
    """Return whether the sums of the records' ordinals are possible; each sum is far below the modulus."""
    return rows.lowest[leaf][1] <= rows.ordinals[leaf][1] <= rows.highest[leaf][1]


def _unlike_expectation(expected: Totals[str], stated: Totals[str]) -> set[str]:
    """Yield the leaves in which the client's expectations, where it has any, differ from the rows."""
    return {leaf for leaf in expected.keys if expected[leaf] != stated[leaf]}


def _admit(reading: Reading, again: Reading) -> None:
    """Count the uploads that exist without a certain receipt."""
    for case in again.cases.values():
        if case.objects and len(case.receipts) == 1 and not case.receipts[0].is_certain:
            reading.receipts.take([_certain(case.receipts[0])])


def _certain(receipt: ReceiptRow) -> ReceiptRow:
    return ReceiptRow(receipt.source, receipt.upload_id, receipt.sha256, receipt.file_key)


def _strangers(reading: Reading) -> Iterable[Finding]:
    for rows in reading.rows:
        for pk, sk in sorted(rows.strangers):
            yield Finding(
                kind="divergent",
                object_id=_object_of(pk) or f"{pk} / {sk}",
                where=rows.name,
                what=f"the row {pk} / {sk} is of no documented family: no region owns it, and the last writer's is kept",
            )


def _from_elsewhere(site: Site, reading: Reading, archived: Iterable[archives.Archive]) -> Iterable[Finding]:
    """Check by AWS's responses that each source was read from its own region: two reads of one region always agree."""
    for archive in archived:
        bucket = site.platform.archive_bucket(archive.region)
        if archive.origins != {bucket}:
            yield _not_read(archive.name, f"the bucket {bucket}", archive.origins)
    for objects in reading.objects:
        bucket = site.platform.ingest_bucket(objects.region)
        if objects.origins != {bucket}:
            yield _not_read(objects.name, f"the bucket {bucket}", objects.origins)
    for rows in reading.rows:
        table = site.platform.table(rows.region)
        if {_region_and_table(arn) for arn in rows.origins} != {(rows.region, table)}:
            yield _not_read(rows.name, f"the table {table} of {rows.region}", rows.origins)


def _region_and_table(arn: str) -> tuple[str, str]:
    """Return region and table of `arn:aws:dynamodb:<region>:<account>:table/<name>`."""
    _, _, _, region, _, resource = arn.split(":", 5)
    return region, resource.removeprefix("table/")


def _not_read(where: str, wanted: str, origins: Collection[str]) -> Finding:
    read = ", ".join(sorted(origins)) or "nothing"
    return Finding(
        kind="divergent", object_id=where, where=where, what=f"{wanted} was to be read, but the answers are from {read}"
    )


def _object_of(pk: str) -> str:
    kind, _, rest = pk.partition("#")
    object_id = rest.split("#")[0]
    is_one = kind in {"OBJ", "REC"} and len(object_id) == 64 and set(object_id) <= set("0123456789abcdef")  # noqa: PLR2004
    return object_id if is_one else ""


def _objects(reading: Reading) -> int:
    return max(sum(source.cells[cell][0] for cell in source.cells.keys) for source in reading.sources)


def _digest_rows(sources: Sequence[Entries]) -> Iterable[DigestRow]:
    cells = sorted(set().union(*(source.cells.keys for source in sources)))
    for hour, prefix in cells:
        for source in sources:
            count, total = source.cells[hour, prefix]
            yield DigestRow(source=source.name, hour=hour, prefix=prefix, count=count, sum=f"{total:064x}")
