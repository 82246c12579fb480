"""The sources. Each is digested page by page, and rows are kept only for a judgement.

All five share the digests. Each leaf also has sums that must agree: sizes; the bytes of write-once rows in both replicas;
the effects that RESULT rows state and those of the records; the regions that wrote RESULT and those that wrote ATTEMPT.
A leaf with two different sums is read again.
"""

from __future__ import annotations

from collections.abc import Iterable

from drill.proof.archives import Due
from drill.proof.cases import Case, Cases, StoredObject
from drill.proof.digests import Entries, Totals, leaf_of
from drill.proof.effect import number_of, record_number
from drill.proof.rows import (
    Family,
    Place,
    Row,
    count,
    hour_of_row,
    place,
    quick_hash_of,
    record_is_sound,
    result_problems,
    text,
)
from drill.proof.scope import ReceiptRow, Scope, UploadKey, hour_of

Leaves = frozenset[str]


class Source(Entries):
    """The common part of all sources.

    Args:
        name: The name in findings.
        only: The leaves to read; None reads all and keeps sums only.
        cases: Receives the entries of those leaves.

    Attributes:
        sizes: The sum of the known sizes, and the number of objects with one.
        suspects: Leaves with an invalid entry.
        origins: The bucket's name or the table's ARN, from AWS's responses.
    """

    def __init__(self, name: str, only: Leaves | None, cases: Cases) -> None:
        super().__init__(name)
        self._only = only
        self._cases = cases
        self.sizes: Totals[str] = Totals()
        self.suspects: set[str] = set()
        self.origins: set[str] = set()

    def _is_wanted(self, leaf: str) -> bool:
        return self._only is None or leaf in self._only

    def _case(self, object_id: str) -> Case | None:
        return None if self._only is None else self._cases.setdefault(object_id, Case(object_id))


class Objects(Source):
    """One region's ingest bucket."""

    def __init__(self, region: str, only: Leaves | None, cases: Cases) -> None:
        super().__init__(f"objects {region}", only, cases)
        self.region = region
        self.direct: Totals[str] = Totals()
        """Identity and content of the objects that were put without the issuer."""

    def is_wanted(self, stored: StoredObject) -> bool:
        """Return whether an object belongs to the leaves to read."""
        return self._is_wanted(leaf_of(stored.object_id))

    def take(self, stored: StoredObject) -> None:
        """Add a key and its versions. A deleted object does not count."""
        object_id = stored.object_id
        leaf = leaf_of(object_id)
        if not self._is_wanted(leaf):
            return
        if not stored.is_deleted:
            key = UploadKey.parse(stored.key)
            # No row and no key states the content of an object that was put without the issuer.
            self.add(object_id, hour_of(key.upload_id if key else ""), "" if stored.is_direct else stored.content)
            self.sizes.add(leaf, stored.size)
            if stored.is_direct:
                self.direct.add(leaf, number_of(f"{object_id}\0{stored.content}"))
        case = self._case(object_id)
        if case is not None:
            case.objects.setdefault(self.region, []).append(stored)


class Rows(Source):
    """One region's replica of the table.

    Attributes:
        written_once: Every RESULT, UPLOAD and CLAIM row, by its bytes.
        claimed: From the RESULT rows: the sum of effect digests, and the number of accepted records.
        recorded: The same, computed from the records.
        lowest: The lowest possible sum of the records' ordinals, by the RESULT rows.
        highest: The highest one, as if all rejections came first. Without rejections both are equal.
        ordinals: The actual sum of the ordinals.
        worked: Objects and regions of the RESULT rows.
        begun: Objects and regions of the ATTEMPT rows.
        stated_records: In the scope: the number of records in the files, by the RESULT rows.
        stated_accepted: In the scope: the number of accepted records, by the RESULT rows.
        stated_effects: In the scope: the sum of effect digests, by the RESULT rows.
        strangers: Keys of undocumented rows.
    """

    def __init__(self, region: str, scope: Scope, regions: tuple[str, ...], only: Leaves | None, cases: Cases) -> None:
        super().__init__(f"ledger {region}", only, cases)
        self.region = region
        self._scope = scope
        self._regions = regions
        self.written_once: Totals[str] = Totals()
        self.claimed: Totals[str] = Totals()
        self.recorded: Totals[str] = Totals()
        self.lowest: Totals[str] = Totals()
        self.highest: Totals[str] = Totals()
        self.ordinals: Totals[str] = Totals()
        self.worked: Totals[str] = Totals()
        self.begun: Totals[str] = Totals()
        self.stated_records: Totals[str] = Totals()
        self.stated_accepted: Totals[str] = Totals()
        self.stated_effects: Totals[str] = Totals()
        self.strangers: set[tuple[str, str]] = set()
        self.archived: dict[str, Due] = {}
        """The entries that an archive must hold by the RESULT rows of the scope."""

    def take(self, rows: Iterable[Row]) -> None:
        """Add a page of rows."""
        for row in rows:
            where = place(row, self._regions)
            if where is None:
                self.strangers.add((row["pk"]["S"], row["sk"]["S"]))
            elif where.object_id and self._is_wanted(leaf := leaf_of(where.object_id)):
                self._take(row, where, leaf)

    def _take(self, row: Row, where: Place, leaf: str) -> None:
        match where.family:
            case Family.RECORD:
                self._take_record(row, where.object_id, leaf)
            case Family.RESULT:
                self._take_result(row, where.object_id, leaf)
            case Family.ATTEMPT:
                region = row["sk"]["S"].removeprefix("ATTEMPT#")
                self.begun.add(leaf, number_of(f"{where.object_id}\0{region}"))
            case Family.REPLICA:
                pass  # it changes while its region waits, and the proof does not rely on it
            case _:
                self.written_once.add(leaf, quick_hash_of(row))
        case = self._case(where.object_id)
        if case is not None:
            case.rows.setdefault(self.region, {})[row["pk"]["S"], row["sk"]["S"]] = row

    def _take_record(self, row: Row, object_id: str, leaf: str) -> None:
        if record_is_sound(row, object_id):
            self.recorded.add(leaf, record_number(row["pk"]["S"], row["sk"]["S"], row["record"]))
            self.ordinals.add(leaf, int(row["sk"]["S"]))
        else:
            self.suspects.add(leaf)

    def _take_result(self, row: Row, object_id: str, leaf: str) -> None:
        effect = effect_of(row)
        self.written_once.add(leaf, quick_hash_of(row))
        accepted, held = count(row, "accepted") or 0, count(row, "records") or 0
        self.claimed.add(leaf, effect, accepted)
        self.lowest.add(leaf, accepted * (accepted - 1) // 2)
        self.highest.add(leaf, accepted * (2 * held - accepted - 1) // 2)
        self.worked.add(leaf, number_of(f"{object_id}\0{text(row, 'region')}"))
        if not is_of_scope(row, self._scope):
            return
        key = UploadKey.parse(text(row, "object_key"))
        self.add(object_id, hour_of_row(row), key.sha256 if key else "")
        is_quarantined = text(row, "state") == "QUARANTINED"
        if is_quarantined or held > accepted:
            self.archived[object_id] = Due(rejected=held - accepted, is_quarantined=is_quarantined)
        self.stated_records.add(leaf, held)
        self.stated_accepted.add(leaf, accepted)
        self.stated_effects.add(leaf, effect)
        size = count(row, "size")
        if size is not None:
            self.sizes.add(leaf, size)
        if result_problems(row, object_id, self._regions):
            self.suspects.add(leaf)


class Receipts(Source):
    """The client's receipts."""

    def __init__(self, scope: Scope, only: Leaves | None, cases: Cases) -> None:
        super().__init__("receipts", only, cases)
        self._scope = scope
        self.direct: Totals[str] = Totals()
        self.expected_records: Totals[str] = Totals()
        self.expected_accepted: Totals[str] = Totals()
        self.expected_effects: Totals[str] = Totals()

    def take(self, receipts: Iterable[ReceiptRow]) -> None:
        """Add receipts; those of other sources are ignored."""
        for receipt in receipts:
            if receipt.source == self._scope.source:
                self._take(receipt)

    def _take(self, receipt: ReceiptRow) -> None:
        object_id = receipt.object_id
        leaf = leaf_of(object_id)
        if not self._is_wanted(leaf):
            return
        if receipt.is_certain:
            self.add(object_id, hour_of(receipt.upload_id), "" if receipt.version_id else receipt.sha256)
            if receipt.version_id:
                self.direct.add(leaf, number_of(f"{object_id}\0{receipt.sha256}"))
            if receipt.size is not None:
                self.sizes.add(leaf, receipt.size)
            if receipt.records is not None:
                self.expected_records.add(leaf, receipt.records)
            if receipt.accepted is not None:
                self.expected_accepted.add(leaf, receipt.accepted)
            if receipt.effect is not None:
                self.expected_effects.add(leaf, int(receipt.effect, 16))
        case = self._case(object_id)
        if case is not None:
            case.receipts.append(receipt)


def is_of_scope(row: Row, scope: Scope) -> bool:
    """Return whether a RESULT row belongs to the scope, by its object's key or its `source`."""
    return text(row, "object_key").startswith(scope.prefixes) or text(row, "source") == scope.source


def effect_of(row: Row) -> int:
    """Return the effect digest in a RESULT row as a number; -1, which matches nothing, if it is malformed."""
    try:
        return int(text(row, "effect_digest"), 16)
    except ValueError:
        return -1
