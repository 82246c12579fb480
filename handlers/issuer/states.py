"""Derive the state and the durability of an upload or object from the rows and copies that exist."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from handlers.issuer.ledger import ObjectRows
from handlers.shared import schema
from handlers.shared.object_keys import UPLOADS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PARALLEL_LOOKS: Final = 8
_REPLICATED: Final = frozenset({"COMPLETED", "REPLICA"})
"""S3's replication status of an object whose copy has arrived, on the source and on the copy.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html"""
FROM_RESULT: Final = ("format", "compression", "records", "accepted", "rejected", "reason", "processed_at")
FROM_ANY: Final = ("upload_id", "source", "size", "received_at")

logger = Logger(child=True)


class State(IntEnum):
    """The state of an object: the highest one that the evidence proves."""

    UNKNOWN = 0
    """This region has no evidence of the object."""
    ACCEPTED = 1
    """The object is in this region's bucket, or this region's processor has begun it."""
    PROCESSED = 2
    """Its records are in this region's replica of the table."""
    QUARANTINED = 3
    """The object is unreadable, or was deleted before it was processed; the archive holds the reason.

    A deleted object becomes PROCESSED if the other region's bucket still holds it.
    """


class Copies(IntEnum):
    """The buckets that hold an object, as this region's own bucket reports."""

    NONE_HERE = 0
    HERE = 1
    BOTH = 2


class StateReader:
    """Derives states from rows of the table and from the bucket.

    Args:
        s3: A client of this region.
        bucket: This region's ingest bucket.
        region: This region; answers name it, because its data may lag behind the other region's.
        regions: Both regions.
    """

    def __init__(self, *, s3: "S3Client", bucket: str, region: str, regions: tuple[str, str]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region
        self._regions = regions

    def describe(self, rows: ObjectRows, object_key: str | None = None) -> dict[str, Any]:
        """Return an object's state, durability and attributes, ready for JSON.

        Args:
            rows: The object's rows of the table.
            object_key: Key of the object, from a receipt; None takes it from the rows.
        """
        state, is_durable = self.judge(rows, object_key)
        return self._described(rows, state) | {"durable": is_durable}

    def describe_all(self, objects: Sequence[ObjectRows], rows_of: Callable[[str], ObjectRows]) -> list[dict[str, Any]]:
        """Return the state and attributes of each object, in order; several objects are read at once.

        The index by file holds neither REPLICA nor ATTEMPT rows, and RESULT alone proves no record. An object that is not
        in the table any more, because its rows have expired, is left out.

        Args:
            objects: The rows of each object in the index.
            rows_of: Returns the rows of an object in the table, by its id.
        """

        def described(indexed: ObjectRows) -> dict[str, Any] | None:
            rows = rows_of(indexed.object_id)
            return self._described(rows, self._state(rows)) if rows.exists else None

        with ThreadPoolExecutor(max_workers=_PARALLEL_LOOKS) as pool:
            return [answer for answer in pool.map(described, objects) if answer]

    def judge(self, rows: ObjectRows, object_key: str | None = None) -> tuple[State, bool]:
        """Return the highest proven state, and whether the loss of a region is proven to lose nothing.

        An object is durable if both buckets hold it and, once it has a RESULT, both replicas hold the records that RESULT
        counts. Each region notes this about its own replica. An object is not durable while a copy cannot be checked.
        """
        key = object_key or rows.first("object_key")
        if rows.result is None:
            copies = self._copies(key)
            return self._state_without_result(rows, copies), copies is Copies.BOTH
        settled = self._settled_in(rows.result, rows.replicas)
        is_durable = settled == set(self._regions) and self._is_in_both_buckets(key)
        return self._state_with_result(rows.result, key, settled), is_durable

    def is_stored(self, key: str) -> bool:
        """Return whether this region's bucket holds an upload."""
        return self._copies(key) is not Copies.NONE_HERE

    def _described(self, rows: ObjectRows, state: State) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "id": rows.object_id,
            "state": state.name.lower(),
            "region": self._region,
            "key": rows.first(schema.FILE_INDEX_PARTITION_KEY),
            **{name: rows.first(name) for name in FROM_ANY},
            "uploads_issued_in": sorted(str(row["region"]) for row in rows.uploads),
            **{name: (rows.result or {"reason": self._gone(rows)}).get(name) for name in FROM_RESULT},
        }
        if state is State.UNKNOWN:
            answer["hint"] = (
                f"nothing has arrived in {self._region} yet: PUT the file to the URL of POST /uploads; if you did, in "
                "the other region, ask there or wait for replication"
            )
        return {name: _plain(value) for name, value in answer.items() if value is not None}

    def _state(self, rows: ObjectRows) -> State:
        """Return the highest proven state; the bucket is asked only if the table does not decide."""
        key = rows.first("object_key")
        if rows.result is None:
            return self._state_without_result(rows, self._copies(key))
        return self._state_with_result(rows.result, key, self._settled_in(rows.result, rows.replicas))

    def _state_with_result(self, result: dict[str, Any], key: str | None, settled: set[str]) -> State:
        if self._region in settled or not _is_upload(key):
            return _state_of_result(result)
        return self._state_of_unsettled(result, key)

    def _state_without_result(self, rows: ObjectRows, copies: Copies) -> State:
        if copies is Copies.NONE_HERE and self._gone(rows):
            return State.QUARANTINED
        return max(self._begun(rows), _state_of(copies))

    def _begun(self, rows: ObjectRows) -> State:
        """Return the state that this region's ATTEMPT row proves.

        The other region may be lost by now, with its copy of the object.
        """
        own = schema.attempt_sort_key(self._region)
        return State.ACCEPTED if any(row[schema.SORT_KEY] == own for row in rows.attempts) else State.UNKNOWN

    def _state_of_unsettled(self, result: dict[str, Any], key: str | None) -> State:
        """Return the state of an upload whose RESULT is in this replica, but perhaps not all its records.

        RESULT may come from a region that was lost before its records and the object replicated. Then nothing can be
        processed here. The client sends the file again only if the state does not claim that it was processed.
        """
        if _state_of_result(result) is State.QUARANTINED:
            return State.QUARANTINED
        return _state_of(self._copies(key))

    def _gone(self, rows: ObjectRows) -> object:
        """Return why this region's bucket holds no version any more; None if the processor has noted nothing."""
        own = schema.attempt_sort_key(self._region)
        return next((row.get(schema.GONE) for row in rows.attempts if row[schema.SORT_KEY] == own), None)

    def _settled_in(self, result: dict[str, Any], replicas: Sequence[dict[str, Any]]) -> set[str]:
        """Return the regions that have noted that their replica holds every record of this RESULT."""
        concluded = (result.get("effect_digest"), result.get(schema.PROCESSING_VERSION, ""))
        settled = {row[schema.SORT_KEY]: (row.get(schema.SETTLED), row.get(schema.SETTLED_VERSION, "")) for row in replicas}
        return {region for region in self._regions if settled.get(schema.replica_sort_key(region)) == concluded}

    def _is_in_both_buckets(self, key: str | None) -> bool:
        try:
            return self._copies(key) is Copies.BOTH
        except (ClientError, BotoCoreError):  # the state is known without the bucket
            logger.warning("the bucket cannot be asked for an object's copies", object_key=key, exc_info=True)
            return False

    def _copies(self, key: str | None) -> Copies:
        # A direct put has another prefix, which the issuer may not read.
        if key is None or not _is_upload(key):
            return Copies.NONE_HERE
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == 404 or (status == 403 and self._is_absent(key)):  # noqa: PLR2004 - HTTP's own
                return Copies.NONE_HERE
            raise
        return Copies.BOTH if head.get("ReplicationStatus") in _REPLICATED else Copies.HERE

    def _is_absent(self, key: str) -> bool:
        """Return whether a listing lacks the key: S3 answers 403 for a missing key if the permission is for a prefix.

        A HEAD request has no value for the condition key of the prefix, so the permission to list does not apply to it.
        """
        listing = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return all(found["Key"] != key for found in listing.get("Contents", []))


def _is_upload(key: str | None) -> bool:
    return key is not None and key.startswith(UPLOADS)


def _state_of(copies: Copies) -> State:
    return State.UNKNOWN if copies is Copies.NONE_HERE else State.ACCEPTED


def _state_of_result(result: dict[str, Any]) -> State:
    return State.QUARANTINED if result.get("state") == schema.QUARANTINED else State.PROCESSED


def _plain(value: object) -> object:
    """Return the value for JSON; numbers of DynamoDB, which are whole in these attributes, become `int`."""
    return value if isinstance(value, str | list) else int(str(value))
