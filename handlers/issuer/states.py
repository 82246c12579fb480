"""The state of an upload or object: derived, as a maximum, from what exists; never a row of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from handlers.issuer.ledger import ObjectRows
from handlers.shared import schema
from handlers.shared.object_keys import UPLOADS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PARALLEL_LOOKS: Final = 8
_REPLICATED: Final = frozenset({"COMPLETED", "REPLICA"})
_FROM_RESULT: Final = ("format", "compression", "records", "accepted", "rejected", "reason", "processed_at")
_FROM_ANY: Final = ("upload_id", "source", "size", "received_at")


class State(IntEnum):
    """What is known of an object; the highest that anything proves is its state."""

    UNKNOWN = 0
    """No object is here, as far as this region can see."""
    ACCEPTED = 1
    """The object is in this region's bucket, or a processor has begun it."""
    DURABLE = 2
    """It is in both regions' buckets: the loss of one region does not lose it."""
    PROCESSED = 3
    """Its effects are in the table."""
    QUARANTINED = 4
    """It cannot be read at all; the archive holds it, with the reason."""


class StateReader:
    """Derives states.

    Args:
        s3: A client of this region.
        bucket: This region's ingest bucket.
        region: This region, named in answers: what it sees may lag behind the other.
    """

    def __init__(self, *, s3: "S3Client", bucket: str, region: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region

    def describe(self, rows: ObjectRows, object_key: str | None = None) -> dict[str, Any]:
        """Return an object's state and what goes with it, ready for JSON.

        Args:
            rows: All that the table says of it.
            object_key: Where the object would be, if a receipt says so; else the rows are asked.
        """
        state = self.state(rows, object_key)
        answer: dict[str, Any] = {
            "id": rows.object_id,
            "state": state.name.lower(),
            "region": self._region,
            "key": rows.first(schema.FILE_INDEX_PARTITION_KEY),
            **{name: rows.first(name) for name in _FROM_ANY},
            "uploads_issued_in": sorted(str(row["region"]) for row in rows.uploads),
            **{name: (rows.result or {}).get(name) for name in _FROM_RESULT},
        }
        if state is State.UNKNOWN:
            answer["hint"] = (
                f"nothing has arrived in {self._region} yet: PUT the file to the URL of POST /uploads; if you did, in "
                "the other region, ask there or wait for replication"
            )
        return {name: _plain(value) for name, value in answer.items() if value is not None}

    def describe_all(self, objects: Sequence[ObjectRows]) -> list[dict[str, Any]]:
        """Return `describe` of each, in order; the bucket is asked for several at once."""
        with ThreadPoolExecutor(max_workers=_PARALLEL_LOOKS) as pool:
            return list(pool.map(self.describe, objects))

    def state(self, rows: ObjectRows, object_key: str | None = None) -> State:
        """Return the highest state that is proven; the bucket is asked only if the table leaves the question open."""
        if rows.result:
            quarantined = rows.result.get("state") == schema.QUARANTINED
            return State.QUARANTINED if quarantined else State.PROCESSED
        begun = State.ACCEPTED if rows.attempts else State.UNKNOWN
        key = object_key or rows.first("object_key")
        # A direct put lies elsewhere in the bucket, where the issuer may not look.
        return max(begun, self._in_bucket(key)) if key and key.startswith(UPLOADS) else begun

    def _in_bucket(self, key: str) -> State:
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == 404 or (status == 403 and self._is_absent(key)):  # noqa: PLR2004 - HTTP's own
                return State.UNKNOWN
            raise
        return State.DURABLE if head.get("ReplicationStatus") in _REPLICATED else State.ACCEPTED

    def _is_absent(self, key: str) -> bool:
        """Ask the listing, since S3 answers 403 for a missing key to who may list only under a prefix.

        That condition's key has no value in a HEAD, so the permission to list does not hold there.
        """
        listing = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return all(found["Key"] != key for found in listing.get("Contents", []))


def _plain(value: object) -> object:
    """Turn DynamoDB's numbers, whole in all these attributes, into what JSON takes."""
    return value if isinstance(value, str | list) else int(str(value))
