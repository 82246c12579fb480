"""Judge the rows, versions and receipts of one object; return findings, each with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drill.model import Finding
from drill.proof import effect
from drill.proof.cases import Case, StoredObject
from drill.proof.rows import Family, Row, count, hash_of, place, record_is_sound, result_problems, text
from drill.proof.scope import Scope, Site, UploadKey
from drill.proof.sources import is_of_scope
from operations.ledger import object_id as identity


@dataclass(frozen=True)
class Judge:
    """Judges cases."""

    scope: Scope
    site: Site

    def findings(self, case: Case) -> list[Finding]:
        """Return all findings of an object."""
        if not self._is_of_scope(case):
            return list(self._orphans(case))
        if any(
            UploadKey.parse(stored.key) is None
            for found in case.objects.values()
            for stored in found
            if not stored.is_direct
        ):
            return list(self._objects(case))
        if not case.is_known:
            return list(self._without_cause(case))
        return [*self._receipts(case), *self._objects(case), *self._ledgers(case), *self._between_replicas(case)]

    def _is_of_scope(self, case: Case) -> bool:
        if case.receipts or case.objects:
            return True
        prefix = f"CLAIM#{self.scope.source}#"
        return any(
            pk.startswith(prefix) or is_of_scope(row, self.scope)
            for rows in case.rows.values()
            for (pk, _), row in rows.items()
        )

    def _orphans(self, case: Case) -> Iterator[Finding]:
        """Find records of an identity without any other trace. An object in process has an ATTEMPT row."""
        keys = {pk for rows in case.rows.values() for pk, _ in rows}
        if keys and all(pk.startswith("REC#") for pk in keys):
            for region in case.rows:
                yield _finding(
                    "duplicated", case, f"ledger {region}", "there are records, and neither a RESULT nor an attempt"
                )

    def _without_cause(self, case: Case) -> Iterator[Finding]:
        """Find an effect that no receipt and no object calls for: the sign of an upload under two identities."""
        for region in self.site.readable("ledger"):
            row = case.result(region)
            records = [row for row in case.rows.get(region, {}).values() if row["pk"]["S"].startswith("REC#")]
            if row is not None:
                key = text(row, "object_key")
                right = f"; its object_key gives {identity(key, '')}" if UploadKey.parse(key) else ""
                yield _finding(
                    "duplicated",
                    case,
                    f"ledger {region}",
                    f"there is a RESULT under an identity that no object and no receipt has{right}",
                )
            elif records:
                yield _finding("duplicated", case, f"ledger {region}", "there are records that no object and no receipt has")
        yield from self._between_replicas(case)

    def _receipts(self, case: Case) -> Iterator[Finding]:
        if not case.receipts:
            yield _finding("lost", case, "receipts", "the object is there and the client has no receipt of it")
        elif len(case.receipts) > 1:
            yield _finding("duplicated", case, "receipts", f"the client has {len(case.receipts)} receipts of one upload")

    def _objects(self, case: Case) -> Iterator[Finding]:
        for region in self.site.readable("objects"):
            where = f"objects {region}"
            found = case.objects.get(region, [])
            if not found:
                yield _finding("lost", case, where, "the bucket has no version of the object")
            if len(found) > 1:
                keys = ", ".join(repr(stored.key) for stored in found)
                yield _finding("duplicated", case, where, f"the bucket has the upload under {len(found)} keys: {keys}")
            for stored in found:
                yield from self._object(case, where, stored)

    @staticmethod
    def _object(case: Case, where: str, stored: StoredObject) -> Iterator[Finding]:
        key = UploadKey.parse(stored.key)
        if key is None and stored.is_direct:
            sent = {receipt.sha256 for receipt in case.receipts}
            if sent and stored.content not in sent:
                mismatch = f"it holds bytes of SHA-256 {stored.content} and {', '.join(sorted(sent))} was put"
                yield _finding("divergent", case, where, mismatch)
            return
        if key is None:
            yield _finding(
                "duplicated", case, where, f"the key {stored.key!r} is not an upload's, so it cannot have a receipt"
            )
            return
        if stored.is_deleted:
            yield _finding("lost", case, where, "a delete marker hides the object")
        wrong = [one for one in stored.versions if one.sha256 not in (None, key.sha256)]
        for one in wrong:
            mismatch = f"version {one.version_id} holds bytes of SHA-256 {one.sha256} and its key says {key.sha256}"
            yield _finding("divergent", case, where, mismatch)
        sizes = {receipt.size for receipt in case.receipts if receipt.size is not None}
        others = sorted({one.size for one in stored.versions} - sizes) if sizes else []
        if others and not wrong:
            yield _finding("divergent", case, where, f"it is of {others} bytes and the client sent {sorted(sizes)}")

    def _ledgers(self, case: Case) -> Iterator[Finding]:
        for region in self.site.readable("ledger"):
            where = f"ledger {region}"
            row = case.result(region)
            if row is None:
                yield _finding("lost", case, where, "the replica has no RESULT of the object")
            else:
                problems = [
                    *result_problems(row, case.object_id, self.site.known_regions),
                    *self._record_problems(case, region, row),
                    *_expectation_problems(case, row),
                    *_size_problems(case, row),
                    *(_ownership_problems(case, region, row) if text(row, "region") in self.site.readable("ledger") else ()),
                ]
                if problems:
                    yield _finding("divergent", case, where, f"RESULT: {'; '.join(problems)}")

    @staticmethod
    def _record_problems(case: Case, region: str, row: Row) -> Iterator[str]:
        """Compare the effect digest of the stored records with the one in RESULT."""
        records = {pair: one for pair, one in case.rows[region].items() if pair[0].startswith("REC#")}
        accepted, held = count(row, "accepted") or 0, count(row, "records") or 0
        if len(records) != accepted:
            yield f"it accepted {accepted} records and there are {len(records)}"
        beyond = sorted(int(sk) for _, sk in records if int(sk) >= held)
        if beyond:
            yield f"there are records beyond the last ordinal {held - 1}: {beyond[:5]}"
        unsound = sorted(int(sk) for (_, sk), one in records.items() if not record_is_sound(one, case.object_id))
        if unsound:
            yield f"records {unsound[:5]} are not rows of records as documented"
            return
        total = sum(effect.record_number(pk, sk, one["record"]) for (pk, sk), one in records.items()) % effect.MODULUS
        if f"{total:064x}" != text(row, "effect_digest"):
            yield f"its effect_digest is {text(row, 'effect_digest')} and the records give {total:064x}"

    def _between_replicas(self, case: Case) -> Iterator[Finding]:
        """Check that write-once rows have the same bytes in every replica."""
        first, *others = self.site.readable("ledger") or ("",)
        for region in others:
            one, other = self._written_once(case, first), self._written_once(case, region)
            for pair in sorted(one.keys() | other.keys()):
                has, has_too = one.get(pair), other.get(pair)
                if has is None or has_too is None:
                    if pair[1] != Family.RESULT or not case.is_known:  # of known objects, that is found as lost
                        missing = first if has is None else region
                        yield _finding(
                            "divergent", case, f"ledger {missing}", f"the row {pair} is in the other replica only"
                        )
                elif hash_of(has) != hash_of(has_too):
                    names = sorted(name for name in has.keys() | has_too.keys() if has.get(name) != has_too.get(name))
                    difference = f"the row {pair} differs from the replica in {first}: {', '.join(names)}"
                    yield _finding("divergent", case, f"ledger {region}", difference)

    def _written_once(self, case: Case, region: str) -> dict[tuple[str, str], Row]:
        rows = case.rows.get(region, {})
        once = {Family.RESULT, Family.UPLOAD, Family.CLAIM}
        return {
            pair: row
            for pair, row in rows.items()
            if (where := place(row, self.site.known_regions)) and where.family in once
        }


def _expectation_problems(case: Case, row: Row) -> Iterator[str]:
    """Compare the row with the numbers of the file's author, because no row reveals a record that was never counted."""
    for receipt in case.receipts[:1]:
        if receipt.records is not None and count(row, "records") != receipt.records:
            yield f"records is {count(row, 'records')} and the file holds {receipt.records}"
        if receipt.accepted is not None and count(row, "accepted") != receipt.accepted:
            yield f"accepted is {count(row, 'accepted')} and should be {receipt.accepted} of {receipt.records}"
        if receipt.effect is not None and text(row, "effect_digest") != receipt.effect:
            yield f"its effect_digest is {text(row, 'effect_digest')} and the file's content gives {receipt.effect}"


def _size_problems(case: Case, row: Row) -> Iterator[str]:
    sizes = {one.size for found in case.objects.values() for stored in found for one in stored.versions}
    size = count(row, "size")
    if size is None and text(row, "state") != "QUARANTINED":
        yield "it has no size"
    elif size is not None and sizes and size not in sizes:
        yield f"size is {size} and the object is of {sorted(sizes)} bytes"


def _ownership_problems(case: Case, region: str, row: Row) -> Iterator[str]:
    """Check that the region that wrote RESULT wrote an ATTEMPT row too, unless DynamoDB has expired all of them.

    The ATTEMPT row of a region that is not read may arrive later, because a global table replicates each item by itself.
    """
    begun = {sk.removeprefix("ATTEMPT#") for _, sk in case.rows[region] if sk.startswith("ATTEMPT#")}
    if begun and text(row, "region") not in begun:
        only = ", ".join(sorted(begun))
        yield f"{text(row, 'region')} wrote it and only {only} has an ATTEMPT row: a row that both regions write"


def _finding(kind: str, case: Case, where: str, what: str) -> Finding:
    return Finding(kind=kind, object_id=case.object_id, where=where, what=what)
