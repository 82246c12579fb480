"""Seven sources in memory that answer as DynamoDB, S3 and Secrets Manager, consistent until a test damages them."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final

import jwt
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody

from drill.model import Finding, Proof
from drill.proof.effect import of_records, record_keys
from drill.proof.proving import prove_site
from drill.proof.scope import ReceiptRow, Scope, Site, hour_of, moment_of
from drill.proof.snapshot import Snapshot

EAST: Final = "us-east-1"
WEST: Final = "us-west-2"
REGIONS: Final = (EAST, WEST)
SOURCE: Final = "drill-0a1b2c"
SCOPE: Final = Scope(SOURCE)
KEY: Final = "k" * 44
FIRST_MILLISECOND: Final = 1_769_860_000_000
"""2026-01-31T11:46:40Z."""

Row = dict[str, Any]
Key = tuple[str, str]


class Five:
    """The objects and rows of both regions and the receipts, for a number of uploads.

    Attributes:
        receipts: The client's receipts.
        objects: By region and key: (version id, bytes), newest first; no bytes mean a delete marker.
        rows: The rows by region and keys.
        page: Number of rows or versions in a page.
        order: Shuffles results without a defined order.
    """

    def __init__(
        self,
        uploads: int,
        *,
        page: int = 7,
        seed: int = 0,
        source: str = SOURCE,
        milliseconds: int = 900_000,
        start: int = 0,
    ) -> None:
        self.receipts: list[ReceiptRow] = []
        self.objects: dict[str, dict[str, list[tuple[str, bytes | None]]]] = {region: {} for region in REGIONS}
        self.rows: dict[str, dict[Key, Row]] = {region: {} for region in REGIONS}
        self.archives: dict[str, dict[str, bytes]] = {region: {} for region in REGIONS}
        self.keys: dict[str, str] = dict.fromkeys(REGIONS, KEY)
        self.unreadable: set[tuple[str, str]] = set()
        """Service and region of the clients whose calls fail."""
        self.page = page
        self.order = random.Random(seed)  # noqa: S311 - nothing is hidden by it
        self.calls: list[str] = []
        self.target = SimpleNamespace(regions=REGIONS)
        for number in range(uploads):
            self._upload(number, source, start + number * milliseconds)

    # --- what a test needs -------------------------------------------------------------------------------------

    @property
    def ids(self) -> list[str]:
        return [receipt.object_id for receipt in self.receipts]

    def result(self, object_id: str, region: str) -> Row:
        """Return a RESULT row, to be damaged."""
        return self.rows[region][f"OBJ#{object_id}", "RESULT"]

    def prove(self, scope: Scope = SCOPE, regions: tuple[str, ...] = REGIONS) -> Proof:
        return prove_site(Site(self, regions, REGIONS), scope, self.receipts)

    def snapshot(self) -> Snapshot:
        platform: Any = self
        return Snapshot.take(platform, SCOPE)

    def add(self, other: "Five") -> None:
        """Add the sources of another one."""
        self.receipts += other.receipts
        for region in REGIONS:
            self.objects[region] |= other.objects[region]
            self.rows[region] |= other.rows[region]
            self.archives[region] |= other.archives[region]

    # --- what `Platform` asks for --------------------------------------------------------------------------------

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as boto3
        if (service, region) in self.unreadable:
            return _Unreadable()
        clients: dict[str, Any] = {"dynamodb": _Table, "s3": Bucket, "secretsmanager": _Secret}
        return clients[service](self, region)

    def ingest_bucket(self, region: str) -> str:
        return f"ingest-{region}"

    def archive_bucket(self, region: str) -> str:
        return f"archive-{region}"

    def table(self, region: str) -> str:
        return f"ledger-{region}"

    def secret(self, _region: str) -> str:
        return "receipt-signing"

    # --- one upload ----------------------------------------------------------------------------------------------

    def _upload(self, number: int, source: str, milliseconds: int) -> None:
        held = number % 3
        body = f"{source} {number}".encode() + b"\n{}" * held
        at = FIRST_MILLISECOND + milliseconds
        upload_id = f"{at >> 16:08x}-{at & 0xFFFF:04x}-7000-8000-{number:012x}"
        sha256 = hashlib.sha256(body).hexdigest()
        records = [(ordinal, {"M": {"n": {"N": str(number)}, "o": {"N": str(ordinal)}}}) for ordinal in range(held)]
        receipt = ReceiptRow(source, upload_id, sha256, f"folder/{number}.ndjson", len(body))
        effect = of_records(receipt.object_id, records)
        expectation: dict[str, Any] = {
            "records": held,
            "accepted": held,
            "effect": effect,
            "rejected": (),
            "is_unreadable": not held,
        }
        self.receipts.append(replace(receipt, **expectation, signed=signed(receipt)))
        for region in REGIONS:
            if not held:
                self.archives[region][f"quarantined/{receipt.object_id}.json"] = b"{}"
                self.archives[region][f"quarantined/{receipt.object_id}/object"] = body
            self.objects[region][receipt.object_key] = [(f"v{number}", body)]
            for row in _rows(receipt, effect, records):
                self.rows[region][row["pk"]["S"], row["sk"]["S"]] = row


def signed(receipt: ReceiptRow, key: str = KEY, **other: object) -> str:
    claims: dict[str, Any] = {"object_id": receipt.object_id, "upload_id": receipt.upload_id, "source": receipt.source}
    claims |= {"key": receipt.file_key, "sha256": receipt.sha256}
    return jwt.encode({"iss": "lockstep", "iat": 1, "size": receipt.size, **claims, **other}, key, algorithm="HS256")


def of_the_region(region: str) -> list[Row]:
    """Return the rows of a region without an object."""
    return [
        {"pk": {"S": f"CONTROL#{region}"}, "sk": {"S": "ACTIVE"}, "epoch": {"N": "1"}},
        {"pk": {"S": f"HEALTH#{region}"}, "sk": {"S": "READY"}, "at": {"S": "now"}},
        {"pk": {"S": f"HEARTBEAT#{region}"}, "sk": {"S": "LATEST"}, "at": {"N": "1"}},
        {"pk": {"S": f"OBSERVER#{region}"}, "sk": {"S": "MEMORY"}},
        {"pk": {"S": f"RECONCILER#{region}"}, "sk": {"S": "LATEST"}},
        {"pk": {"S": f"REPLICATION#{region}"}, "sk": {"S": "READY"}},
        {"pk": {"S": f"DIGEST#{region}"}, "sk": {"S": "2026-01-31T11#a"}, "count": {"N": "1"}},
    ]


def found(proof: Proof) -> set[tuple[str, str, str]]:
    """Return kind, object and source of each finding."""
    return {(one.kind, one.object_id, one.where) for one in proof.findings}


def words(findings: "tuple[Finding, ...] | list[Finding]") -> str:
    return "\n".join(one.what for one in findings)


def _rows(receipt: ReceiptRow, effect: str, records: list[tuple[int, Row]]) -> Iterator[Row]:
    object_id, received = receipt.object_id, str(moment_of(receipt.upload_id))
    order = {"S": f"{received}#{object_id}"}
    state = "COMPLETED" if records else "QUARANTINED"
    shard = int(object_id[:8], 16) % 4
    yield {
        "pk": {"S": f"OBJ#{object_id}"},
        "sk": {"S": "RESULT"},
        "state": {"S": state},
        "object_id": {"S": object_id},
        "source": {"S": receipt.source},
        "file_key": {"S": receipt.file_key},
        "object_key": {"S": receipt.object_key},
        "received_at": {"S": received},
        "accepted": {"N": str(len(records))},
        "rejected": {"N": "0"},
        "records": {"N": str(len(records))},
        "effect_digest": {"S": effect},
        "region": {"S": EAST},
        "epoch": {"N": "0"},
        "version_id": {"S": "v"},
        "size": {"N": str(receipt.size)},
        "processed_at": {"S": "2026-01-31T12:00:00.000Z"},
        "file_order": order,
        "state_order": order,
        "state_hour": {"S": f"{state}#{hour_of(receipt.upload_id)}#{shard:02d}"},
    }
    yield {"pk": {"S": f"OBJ#{object_id}"}, "sk": {"S": f"ATTEMPT#{EAST}"}, "attempts": {"N": "1"}}
    upload = {"sk": {"S": f"UPLOAD#{EAST}"}, "region": {"S": EAST}}
    yield upload | {"pk": {"S": f"OBJ#{object_id}"}, "source": {"S": receipt.source}}
    yield upload | {"pk": {"S": f"CLAIM#{receipt.source}#{receipt.upload_id}"}, "claimed_sha256": {"S": receipt.sha256}}
    for ordinal, record in records:
        pk, sk = record_keys(object_id, ordinal)
        yield {
            "pk": {"S": pk},
            "sk": {"S": sk},
            "object_id": {"S": object_id},
            "ordinal": {"N": str(ordinal)},
            "record": record,
        }


class _Client:
    def __init__(self, five: Five, region: str) -> None:
        self._five, self._region = five, region

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401 - as boto3
        return SimpleNamespace(paginate=getattr(self, operation))

    def _pages(self, things: list[Any]) -> Iterator[list[Any]]:
        size = self._five.page
        for start in range(0, len(things) or 1, size):
            self._five.calls.append(self._region)
            yield things[start : start + size]


class _Table(_Client):
    def describe_table(self, *, TableName: str) -> Row:  # noqa: N803
        return {"Table": {"TableArn": f"arn:aws:dynamodb:{self._region}:111111111111:table/{TableName}"}}

    def scan(self, *, TableName: str, ConsistentRead: bool, Segment: int = 0, TotalSegments: int = 1) -> Iterator[Row]:  # noqa: N803
        assert (TableName, ConsistentRead) == (self._five.table(self._region), True)
        rows = [
            row for number, row in enumerate(self._five.rows[self._region].values()) if number % TotalSegments == Segment
        ]
        self._five.order.shuffle(rows)
        for page in self._pages(rows):
            yield {"Items": page}


class _Unreadable:
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any call of boto3
        raise EndpointConnectionError(endpoint_url=name)


class _Secret(_Client):
    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> Row:  # noqa: N803
        assert SecretId == "receipt-signing"
        if VersionStage == "AWSPREVIOUS":
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no version"}}, "GetSecretValue")
        return {"SecretString": json.dumps({"key": self._five.keys[self._region]})}


class Bucket(_Client):
    """One region's ingest bucket, as boto3's client of it."""

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> Iterator[Row]:  # noqa: N803
        assert Bucket == self._five.ingest_bucket(self._region)
        listed = [
            {"Key": key, "VersionId": version_id, "IsLatest": place == 0, "Size": len(body or b""), "Marker": body is None}
            for key, versions in sorted(self._five.objects[self._region].items())
            if key.startswith(Prefix)
            for place, (version_id, body) in enumerate(versions)
        ]
        for page in self._pages(listed):
            kept = [one for one in page if not one["Marker"]]
            yield {"Name": Bucket} | ({"Versions": kept} if kept else {})

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> Iterator[Row]:  # noqa: N803
        assert Bucket == self._five.archive_bucket(self._region)
        held = [{"Key": key} for key in sorted(self._five.archives[self._region]) if key.startswith(Prefix)]
        for page in self._pages(held):
            yield {"Name": Bucket} | ({"Contents": page} if page else {})

    def head_object(self, *, Bucket: str, Key: str, VersionId: str, ChecksumMode: str) -> Row:  # noqa: N803
        assert (Bucket, ChecksumMode) == (self._five.ingest_bucket(self._region), "ENABLED")
        body = self._body(Key, VersionId)
        if len(body) % 2:  # some clients send no SHA-256 of their own
            return {}
        return {"ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode()}

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> Row:  # noqa: N803
        if Bucket == self._five.archive_bucket(self._region):
            content = self._five.archives[self._region][Key]
            return {"Body": StreamingBody(BytesIO(content), len(content))}
        assert Bucket == self._five.ingest_bucket(self._region)
        body = self._body(Key, VersionId)
        return {"Body": StreamingBody(BytesIO(body), len(body))}

    def _body(self, key: str, version_id: str) -> bytes:
        return next(body for held, body in self._five.objects[self._region][key] if held == version_id and body is not None)
