"""The state of an upload or object, and whether it is durable: derived from what exists; never a row of its own."""

from collections.abc import Sequence
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
"""S3's word for an object whose copy has arrived, on the source and on the copy.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html"""
_FROM_RESULT: Final = ("format", "compression", "records", "accepted", "rejected", "reason", "processed_at")
_FROM_ANY: Final = ("upload_id", "source", "size", "received_at")

logger = Logger(child=True)


class State(IntEnum):
    """What is known of an object; the highest that anything proves is its state."""

    UNKNOWN = 0
    """No object is here, as far as this region can see."""
    ACCEPTED = 1
    """The object is in this region's bucket, or this region's processor has begun it; a direct put, any processor."""
    PROCESSED = 2
    """Its effects are in this region's replica of the table."""
    QUARANTINED = 3
    """It cannot be read at all, or was deleted before it was processed; the archive holds the reason.

    A deleted object is PROCESSED after all if the other region's bucket still holds it.
    """


class Copies(IntEnum):
    """In which of the two buckets an object is, as this region's own bucket answers."""

    NONE_HERE = 0
    HERE = 1
    BOTH = 2


class StateReader:
    """Derives states.

    Args:
        s3: A client of this region.
        bucket: This region's ingest bucket.
        region: This region, named in answers: what it sees may lag behind the other.
        regions: Both regions.
    """

    def __init__(self, *, s3: "S3Client", bucket: str, region: str, regions: tuple[str, str]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region
        self._regions = regions

    def describe(self, rows: ObjectRows, object_key: str | None = None) -> dict[str, Any]:
        """Return an object's state, whether it is durable, and what goes with it, ready for JSON.

        Args:
            rows: All that the table says of it.
            object_key: Where the object would be, if a receipt says so; else the rows are asked.
        """
        state, is_durable = self.judge(rows, object_key)
        return self._described(rows, state) | {"durable": is_durable}

    def describe_all(self, objects: Sequence[ObjectRows]) -> list[dict[str, Any]]:
        """Return the state of each and what goes with it, in order; the bucket is asked for several at once.

        It does not say whether they are durable: the index by file, where these rows come from, holds no REPLICA rows.
        """
        with ThreadPoolExecutor(max_workers=_PARALLEL_LOOKS) as pool:
            return list(pool.map(lambda rows: self._described(rows, self._state(rows)), objects))

    def judge(self, rows: ObjectRows, object_key: str | None = None) -> tuple[State, bool]:
        """Return the highest state that is proven, and whether it is proven that the loss of a region loses nothing.

        Durable is what both buckets hold; and once there is a RESULT, both replicas must hold the records that it counts,
        too, which each region notes of its own replica. What cannot be asked is not durable.
        """
        key = object_key or rows.first("object_key")
        if rows.result is None:
            copies = self._copies(key)
            return self._state_without_result(rows, key, copies), copies is Copies.BOTH
        settled = self._settled_in(rows.result, rows.replicas)
        is_durable = settled == set(self._regions) and self._is_in_both_buckets(key)
        if self._region in settled or not _is_upload(key):
            return _state_of_result(rows.result), is_durable
        return self._state_of_unsettled(rows.result, key), is_durable

    def _described(self, rows: ObjectRows, state: State) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "id": rows.object_id,
            "state": state.name.lower(),
            "region": self._region,
            "key": rows.first(schema.FILE_INDEX_PARTITION_KEY),
            **{name: rows.first(name) for name in _FROM_ANY},
            "uploads_issued_in": sorted(str(row["region"]) for row in rows.uploads),
            **{name: (rows.result or {"reason": self._gone(rows)}).get(name) for name in _FROM_RESULT},
        }
        if state is State.UNKNOWN:
            answer["hint"] = (
                f"nothing has arrived in {self._region} yet: PUT the file to the URL of POST /uploads; if you did, in "
                "the other region, ask there or wait for replication"
            )
        return {name: _plain(value) for name, value in answer.items() if value is not None}

    def _state(self, rows: ObjectRows) -> State:
        """Return the highest state that is proven; the bucket is asked only if the table leaves the question open."""
        if rows.result:
            return _state_of_result(rows.result)
        key = rows.first("object_key")
        return self._state_without_result(rows, key, self._copies(key))

    def _state_without_result(self, rows: ObjectRows, key: str | None, copies: Copies) -> State:
        if copies is Copies.NONE_HERE and self._gone(rows):
            return State.QUARANTINED
        return max(self._begun(rows, key), _state_of(copies))

    def _begun(self, rows: ObjectRows, key: str | None) -> State:
        """Return what the rows of processors prove: of an upload this region's alone, for another may be lost by now."""
        own = schema.attempt_sort_key(self._region)
        proof = [row for row in rows.attempts if row[schema.SORT_KEY] == own or not _is_upload(key)]
        return State.ACCEPTED if proof else State.UNKNOWN

    def _state_of_unsettled(self, result: dict[str, Any], key: str | None) -> State:
        """Return the state of an upload of which this replica holds RESULT, and perhaps not the records that it counts.

        RESULT may have come from a region that was lost before the records and the object did. Then nothing here can be
        processed, and only a client that is not told otherwise sends the file again.
        """
        if _state_of_result(result) is State.QUARANTINED:
            return State.QUARANTINED
        return _state_of(self._copies(key))

    def _gone(self, rows: ObjectRows) -> object:
        """Return why this region's bucket holds no version any more; None if the processor has not noted it."""
        own = schema.attempt_sort_key(self._region)
        return next((row.get(schema.GONE) for row in rows.attempts if row[schema.SORT_KEY] == own), None)

    def _settled_in(self, result: dict[str, Any], replicas: Sequence[dict[str, Any]]) -> set[str]:
        """Return the regions that have noted that their replica holds every record of this very RESULT."""
        concluded = (result.get("effect_digest"), result.get(schema.PROCESSING_VERSION, ""))
        settled = {row[schema.SORT_KEY]: (row.get(schema.SETTLED), row.get(schema.SETTLED_VERSION, "")) for row in replicas}
        return {region for region in self._regions if settled.get(schema.replica_sort_key(region)) == concluded}

    def _is_in_both_buckets(self, key: str | None) -> bool:
        try:
            return self._copies(key) is Copies.BOTH
        except (ClientError, BotoCoreError):  # the state is known all the same
            logger.warning("the bucket cannot be asked for an object's copies", object_key=key, exc_info=True)
            return False

    def _copies(self, key: str | None) -> Copies:
        # A direct put lies elsewhere in the bucket, where the issuer may not look.
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
        """Ask the listing, since S3 answers 403 for a missing key to who may list only under a prefix.

        That condition's key has no value in a HEAD, so the permission to list does not hold there.
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
    """Turn DynamoDB's numbers, whole in all these attributes, into what JSON takes."""
    return value if isinstance(value, str | list) else int(str(value))
