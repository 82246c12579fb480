"""Buckets and replicas of two regions, and receipts, for any number of uploads; each page is made as AWS would return it.

Nothing is stored. A page is made on request, from objects that depend only on their number, so that the measured memory is
the proof's own.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, overload

import jwt

from drill.proof.effect import of_records, record_keys
from drill.proof.scope import ReceiptRow, Scope, hour_of, moment_of

REGIONS: Final = ("us-east-1", "us-west-2")
SOURCE: Final = "drill-0be4c8"
SCOPE: Final = Scope(SOURCE, stored_checksums=0)
"""A million calls for checksums would measure the network, and there is none here."""
ROWS_AN_OBJECT: Final = 5
"""RESULT, ATTEMPT, UPLOAD, CLAIM and a record."""

_ROWS_A_PAGE: Final = 2500
"""About 1 MB, at which DynamoDB ends a page."""
_VERSIONS_A_PAGE: Final = 1000
_FIRST_MILLISECOND: Final = 1_769_860_000_000
_KEY: Final = "k" * 44
_MILLISECONDS: Final = 10
"""Between two uploads: a million of them take not quite three hours."""

Row = dict[str, Any]


def receipt(number: int) -> ReceiptRow:
    """Return the receipt of an upload."""
    at = _FIRST_MILLISECOND + number * _MILLISECONDS
    upload_id = f"{at >> 16:08x}-{at & 0xFFFF:04x}-7000-8000-{number:012x}"
    sha256 = hashlib.sha256(b"%d" % number).hexdigest()
    unsigned = ReceiptRow(SOURCE, upload_id, sha256, f"readings/{number:08d}.ndjson", 1000 + number % 100)
    claims: dict[str, Any] = {"object_id": unsigned.object_id, "upload_id": upload_id, "key": unsigned.file_key}
    claims |= {"iss": "lockstep", "iat": 1, "source": SOURCE, "size": unsigned.size, "sha256": sha256}
    return replace(unsigned, signed=jwt.encode(claims, _KEY, algorithm="HS256"))


class Receipts(Sequence[ReceiptRow]):
    """The receipts of as many uploads as there are."""

    def __init__(self, objects: int) -> None:
        self._objects = objects

    def __len__(self) -> int:
        return self._objects

    def __iter__(self) -> Iterator[ReceiptRow]:
        return map(receipt, range(self._objects))

    @overload
    def __getitem__(self, index: int) -> ReceiptRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ReceiptRow]: ...
    def __getitem__(self, index: int | slice) -> ReceiptRow | Sequence[ReceiptRow]:
        """Return one, or some."""
        numbers = range(self._objects)[index]
        return receipt(numbers) if isinstance(numbers, int) else [receipt(number) for number in numbers]


class World:
    """The parts of a platform that the proof uses.

    Args:
        objects: How many uploads there are.
        tampered: In how many of them a record is not what RESULT says, in both regions.
    """

    def __init__(self, objects: int, tampered: int = 0) -> None:
        self.objects = objects
        self.tampered = tampered

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a client of the service."""
        return _Client(self, region, service)

    def ingest_bucket(self, region: str) -> str:
        """Return the bucket's name."""
        return f"serverless-ingest-prod-111111111111-{region}-an"

    def archive_bucket(self, region: str) -> str:
        """Return the archive bucket's name; it is empty, because no record is rejected."""
        return f"serverless-archive-prod-111111111111-{region}-an"

    def secret(self, _region: str) -> str:
        """Return the secret's name."""
        return "serverless-receipt-signing-prod"

    def table(self, region: str) -> str:
        """Return the table's name, the same in each region."""
        return f"serverless-ledger-prod-{region}"

    def rows(self, numbers: range) -> Iterator[Row]:
        """Yield the rows of some uploads."""
        for number in numbers:
            yield from _rows(receipt(number), number, is_tampered=number < self.tampered)


class _Client:
    def __init__(self, world: World, region: str, service: str) -> None:
        self._world, self._region, self._service = world, region, service

    def get_paginator(self, operation: str) -> "_Client":
        if operation == "list_objects_v2":
            return _Client(self._world, self._region, "archive")
        expected = {"dynamodb": "scan", "s3": "list_object_versions"}[self._service]
        if operation != expected:
            raise NotImplementedError(f"{self._service} has no {operation} here")
        return self

    def get_secret_value(self, **_: str) -> Row:
        return {"SecretString": json.dumps({"key": _KEY})}

    def paginate(self, **arguments: Any) -> Iterator[Row]:  # noqa: ANN401 - as AWS takes them
        if self._service == "dynamodb":
            yield from self._scan(arguments.get("Segment", 0), arguments.get("TotalSegments", 1))
        elif self._service == "archive":
            yield {"Name": self._world.archive_bucket(self._region)}
        elif arguments.get("Prefix", SCOPE.prefix) == SCOPE.prefix:
            yield from self._versions()
        else:
            yield {"Name": self._world.ingest_bucket(self._region)}

    def describe_table(self, *, TableName: str) -> Row:  # noqa: N803 - DynamoDB's name
        return {"Table": {"TableArn": f"arn:aws:dynamodb:{self._region}:111111111111:table/{TableName}"}}

    def _scan(self, segment: int, segments: int) -> Iterator[Row]:
        numbers = range(segment, self._world.objects, segments)
        step = _ROWS_A_PAGE // ROWS_AN_OBJECT
        for start in range(0, len(numbers), step):
            items = list(self._world.rows(numbers[start : start + step]))
            yield {"Items": items, "Count": len(items), "ScannedCount": len(items)}

    def _versions(self) -> Iterator[Row]:
        for start in range(0, self._world.objects, _VERSIONS_A_PAGE):
            numbers = range(start, min(start + _VERSIONS_A_PAGE, self._world.objects))
            versions = [_version(receipt(number), number) for number in numbers]
            yield {"Name": self._world.ingest_bucket(self._region), "Versions": versions}

    def head_object(self, *, Key: str, **_: str) -> Row:  # noqa: N803 - S3's names
        return {"ChecksumSHA256": base64.b64encode(bytes.fromhex(Key.split("/")[4])).decode()}


def _version(one: ReceiptRow, number: int) -> Row:
    return {
        "ETag": f'"{number:032x}"',
        "ChecksumAlgorithm": ["SHA256"],
        "ChecksumType": "FULL_OBJECT",
        "Size": one.size,
        "StorageClass": "STANDARD",
        "Key": one.object_key,
        "VersionId": f"v{number:031x}",
        "IsLatest": True,
        "Owner": {"ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"},
    }


def _rows(one: ReceiptRow, number: int, *, is_tampered: bool) -> Iterator[Row]:
    object_id, received = one.object_id, str(moment_of(one.upload_id))
    order = {"S": f"{received}#{object_id}"}
    record: Row = {"M": {"sensor": {"S": f"s-{number % 997}"}, "value": {"N": f"{number}.5"}, "good": {"BOOL": True}}}
    pk, sk = record_keys(object_id, 0)
    shared = {"object_id": {"S": object_id}, "source": {"S": SOURCE}, "object_key": {"S": one.object_key}}
    yield shared | {
        "pk": {"S": f"OBJ#{object_id}"},
        "sk": {"S": "RESULT"},
        "state": {"S": "COMPLETED"},
        "file_key": {"S": one.file_key},
        "received_at": {"S": received},
        "accepted": {"N": "1"},
        "rejected": {"N": "0"},
        "records": {"N": "1"},
        "effect_digest": {"S": of_records(object_id, [(0, record)])},
        "region": {"S": REGIONS[0]},
        "epoch": {"N": "0"},
        "version_id": {"S": f"v{number:031x}"},
        "size": {"N": str(one.size)},
        "format": {"S": "ndjson"},
        "compression": {"S": "none"},
        "processed_at": {"S": received},
        "file_order": order,
        "state_order": order,
        "state_hour": {"S": f"COMPLETED#{hour_of(one.upload_id)}#{int(object_id[:8], 16) % 4:02d}"},
    }
    yield {
        "pk": {"S": f"OBJ#{object_id}"},
        "sk": {"S": f"ATTEMPT#{REGIONS[0]}"},
        "object_id": {"S": object_id},
        "started_at": {"S": received},
        "updated_at": {"S": received},
        "attempts": {"N": "1"},
    }
    uploaded = {"sk": {"S": f"UPLOAD#{REGIONS[0]}"}, "region": {"S": REGIONS[0]}}
    yield (
        shared
        | uploaded
        | {
            "pk": {"S": f"OBJ#{object_id}"},
            "upload_id": {"S": one.upload_id},
            "size": {"N": str(one.size)},
            "sha256": {"S": one.sha256},
            "received_at": {"S": received},
            "issued_at": {"S": received},
            "file_key": {"S": one.file_key},
            "file_order": order,
        }
    )
    yield uploaded | {
        "pk": {"S": f"CLAIM#{SOURCE}#{one.upload_id}"},
        "claimed_key": {"S": one.file_key},
        "claimed_size": {"N": str(one.size)},
        "claimed_sha256": {"S": one.sha256},
    }
    if is_tampered:
        record = {"M": record["M"] | {"value": {"N": "0"}}}
    yield {"pk": {"S": pk}, "sk": {"S": sk}, "object_id": {"S": object_id}, "ordinal": {"N": "0"}, "record": record}
