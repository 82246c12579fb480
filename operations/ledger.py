"""Read the table by its documented layout, without code of the handlers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from operations.attribute_values import Wire, canonical
from operations.deployment import Deployment

_RECORDS_PER_KEY: Final = 1000
_BATCH: Final = 100
_UPLOADS: Final = "incoming/uploads/"
_PARTS_OF_AN_UPLOAD: Final = 4
"""Source, upload id, SHA-256 of the content, file key. A key with another number of parts is a direct put."""
_DIGITS_OF_SHA256: Final = 64
_SOURCE_OF_DIRECT_PUTS: Final = "ingest"
_NO_TEXT: Final = {"S": ""}


def object_id(key: str, version_id: str) -> str:
    """Return the identity of an object (data rule 1), uploaded through the issuer or put directly."""
    parts = key.removeprefix(_UPLOADS).split("/", 3) if key.startswith(_UPLOADS) else []
    if len(parts) == _PARTS_OF_AN_UPLOAD and all(parts) and len(parts[2]) == _DIGITS_OF_SHA256:
        source, upload_id, content_sha256, _ = parts
        return hashlib.sha256(f"upload\0{source}\0{upload_id}\0{content_sha256}".encode()).hexdigest()
    return hashlib.sha256(f"object\0{_SOURCE_OF_DIRECT_PUTS}\0{key}\0{version_id}".encode()).hexdigest()


def is_verified(result: dict[str, Wire], replica: dict[str, Wire]) -> bool:
    """Return whether a REPLICA row notes the records of this RESULT as complete: its digest and its processing version."""
    noted = {"settled_digest": "effect_digest", "settled_version": "processing_version"}
    return all(replica.get(one, _NO_TEXT) == result.get(of, _NO_TEXT) for one, of in noted.items())


class Ledger:
    """One region's replica of the table.

    Args:
        deployment: The platform.
        region: The region of the replica.
        fail_fast: Make one attempt with a short timeout, for a region that may be down.
    """

    def __init__(self, deployment: Deployment, region: str, *, fail_fast: bool = False) -> None:
        target = deployment.target
        self._client: Any = (
            target.fail_fast_client("dynamodb", region) if fail_fast else deployment.client("dynamodb", region)
        )
        self._table = deployment.table(region)
        self.region = region

    def results(self, object_ids: Iterable[str]) -> dict[str, dict[str, Wire]]:
        """Return the existing RESULT rows, by object id."""
        return self._rows_of(object_ids, "RESULT")

    def attempts(self, object_ids: Iterable[str], region: str) -> dict[str, dict[str, Wire]]:
        """Return a region's existing ATTEMPT rows, by object id."""
        return self._rows_of(object_ids, f"ATTEMPT#{region}")

    def settled(self, object_ids: Iterable[str]) -> set[str]:
        """Return the objects with a RESULT whose records this region has noted as complete in its replica."""
        results = self.results(object_ids)
        replicas = self._rows_of(results, f"REPLICA#{self.region}")
        return {one for one, row in replicas.items() if is_verified(results[one], row)}

    def _rows_of(self, object_ids: Iterable[str], sort_key: str) -> dict[str, dict[str, Wire]]:
        wanted = [{"pk": {"S": f"OBJ#{one}"}, "sk": {"S": sort_key}} for one in object_ids]
        found: dict[str, dict[str, Wire]] = {}
        while wanted:
            request = {self._table: {"Keys": wanted[:_BATCH], "ConsistentRead": True}}
            answer = self._client.batch_get_item(RequestItems=request)
            rows = answer["Responses"].get(self._table, [])
            found.update({row["pk"]["S"].removeprefix("OBJ#"): row for row in rows})
            wanted = wanted[_BATCH:] + answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found

    def records(self, one: str, held: int) -> dict[int, Wire]:
        """Return an object's records by ordinal, with their numbers in canonical notation.

        Args:
            one: The object id.
            held: Number of records in the file. One more partition than they need is read, to find records that
                should not exist.
        """
        pages = range(held // _RECORDS_PER_KEY + 1)
        with ThreadPoolExecutor(max_workers=4) as pool:
            rows = [row for page in pool.map(lambda n: list(self._partition(f"REC#{one}#{n:06d}")), pages) for row in page]
        return {int(row["sk"]["S"]): canonical(row["record"]) for row in rows}

    def object_rows(self, one: str, held: int = 0) -> Iterator[dict[str, Wire]]:
        """Yield the keys of every row of an object: RESULT, attempts, uploads, records.

        Args:
            one: The object id.
            held: Minimum number of records to read. Reading continues until a partition of records is empty.
        """
        yield from self._partition(f"OBJ#{one}", keys_only=True)
        for page in itertools.count():
            rows = list(self._partition(f"REC#{one}#{page:06d}", keys_only=True))
            yield from rows
            if not rows and page >= held // _RECORDS_PER_KEY:
                return

    def upload_claims(self, source: str, upload_id: str) -> Iterator[dict[str, Wire]]:
        """Yield the keys of the rows that bind an upload id to its first upload."""
        yield from self._partition(f"CLAIM#{source}#{upload_id}", keys_only=True)

    def delete(self, keys: Iterable[dict[str, Wire]]) -> int:
        """Delete rows by their keys and return their number."""
        requests = [{"DeleteRequest": {"Key": key}} for key in keys]
        total = len(requests)
        while requests:
            answer = self._client.batch_write_item(RequestItems={self._table: requests[:25]})
            requests = requests[25:] + answer.get("UnprocessedItems", {}).get(self._table, [])
        return total

    def _partition(self, key: str, *, keys_only: bool = False) -> Iterator[dict[str, Wire]]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": key}},
            "ConsistentRead": True,
        }
        if keys_only:
            arguments["ProjectionExpression"] = "pk, sk"
        for page in self._client.get_paginator("query").paginate(**arguments):
            yield from page["Items"]
