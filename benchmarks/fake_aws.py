"""A fake DynamoDB of fixed latency, and S3 objects from a folder, in a separate process for the processor's benchmark.

It answers every request and stores little, so that it costs the contestants as little processor time as possible. It marks
which of the processor's records were written, because the processor counts them before RESULT. It keeps the processor's rows
of the object, with its checkpoint, and counts requests; `GET /report` returns them. With `--keep FILE` it appends the body
of every BatchWriteItem to a file, one a line. With `--check` it compares each record that is written again, and digests all.
After `GET /fail-over/SEED` it is the other region's replica: the first region is lost, and the other one is promoted.
"""

import asyncio
import hashlib
import json
import random
import re
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from benchmarks.contestants import PRIMARY, SECONDARY
from handlers.shared import claims, schema

_END_OF_HEADERS: Final = b"\r\n\r\n"
_BATCH_WRITE: Final = b"dynamodb_20120810.batchwriteitem"
_GET: Final = b"dynamodb_20120810.getitem"
_QUERY: Final = b"dynamodb_20120810.query"
_UPDATE: Final = b"dynamodb_20120810.updateitem"
_PUT: Final = b"dynamodb_20120810.putitem"
_PARTITION_KEY: Final = rb'"(REC#[0-9a-f]{64}#[0-9]{6})"'
_RECORD: Final = re.compile(_PARTITION_KEY + rb'},"sk":{"S":"[0-9]{9}([0-9]{3})"')
"""Keys of a record in a put request; its ordinal below the partition key is the last three digits of the sort key."""
_CONTENT: Final = re.compile(_RECORD.pattern + rb'.*?"ordinal":{"N":"([0-9]+)"},.*?"record":(.*?)}}}(?=,{"PutRequest"|]}})')
HASH_BYTES: Final = 8
_REPLICATED: Final = 0.5
"""Chance that an item reached the other region before this one was lost."""
_CONDITION_FAILED: Final = b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}'


_Written = defaultdict[bytes, bytearray]
"""A mark for each record, by partition key."""


class _Table:
    """The rows of the object, and what was sent."""

    def __init__(self, *, is_checked: bool) -> None:
        self.is_checked = is_checked
        self.written: _Written = defaultdict(lambda: bytearray(1000))
        self.requests: Counter[str] = Counter()
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._hashes: _Written = defaultdict(lambda: bytearray(1000 * HASH_BYTES))
        self._region = PRIMARY
        self._differing = self._repeated = 0

    def check(self, body: bytes) -> None:
        """Compare the records of a batch with the ones that were written before."""
        for partition_key, place, ordinal, record in _CONTENT.findall(body):
            digest = hashlib.sha256(ordinal + b" " + record).digest()[:HASH_BYTES]
            hashes, at = self._hashes[partition_key], int(place) * HASH_BYTES
            if any(held := hashes[at : at + HASH_BYTES]):
                self._repeated += 1
                self._differing += held != digest
            hashes[at : at + HASH_BYTES] = digest

    def fail_over(self, seed: int) -> None:
        """Lose the items that have not replicated, each by chance and for itself, and promote the other region.

        RESULT has replicated if it was written.
        """
        draw = random.Random(seed)  # noqa: S311 - which items are lost; not a secret
        for partition_key, marks in self.written.items():
            hashes = self._hashes[partition_key]
            for place, is_written in enumerate(marks):
                if is_written and draw.random() >= _REPLICATED:
                    marks[place] = 0
                    hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES] = bytes(HASH_BYTES)
        self._rows = {key: row for key, row in self._rows.items() if key[1] == schema.RESULT or draw.random() < _REPLICATED}
        self._region = SECONDARY
        self.put(claims.claim_request("ledger", SECONDARY, 1, held=None))

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Keep the checkpoint and the number of attempts of UpdateItem; return its answer."""
        key = request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]
        row = self._rows.setdefault(key, request["Key"] | {"updated_at": {"S": "2026-11-29T12:00:00.000Z"}})
        if checkpoint := request.get("ExpressionAttributeValues", {}).get(":checkpoint"):
            row["checkpoint"] = checkpoint
        elif "checkpoint" in request.get("ExpressionAttributeNames", {}).values():
            row.pop("checkpoint", None)
        if "ReturnValues" not in request:
            return {}
        row["attempts"] = {"N": str(int(row.get("attempts", {"N": "0"})["N"]) + 1)}
        return {"Attributes": {"attempts": row["attempts"]}}

    def put(self, request: dict[str, Any]) -> bool:
        """Keep the row of PutItem; return whether its condition, that there is none, is met."""
        key = request["Item"]["pk"]["S"], request["Item"]["sk"]["S"]
        if "ConditionExpression" in request and key in self._rows:
            return False
        self._rows[key] = request["Item"]
        return True

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of GetItem."""
        row = self._rows.get((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]))
        return {"Item": row} if row else {}

    def rows_of(self, partition_key: str) -> list[dict[str, Any]]:
        """Return the rows of a partition key."""
        return [row for (pk, _), row in self._rows.items() if pk == partition_key]

    def report(self) -> dict[str, Any]:
        """Return what was sent until now."""
        rows = {sk: row for (_, sk), row in self._rows.items()}
        digest = hashlib.sha256(b"".join(hashes for _, hashes in sorted(self._hashes.items())))
        return {
            "requests": dict(self.requests),
            "result": rows.get("RESULT"),
            "checkpoint": rows.get(schema.attempt_sort_key(self._region), {}).get("checkpoint"),
            "records": sum(map(sum, self.written.values())),
            "digest": digest.hexdigest(),
            "repeated": self._repeated,
            "differing": self._differing,
        }


class _Connection(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, latency_seconds: float, folder: Path, kept: IO[bytes] | None, table: _Table) -> None:
        self._latency_seconds = latency_seconds
        self._folder = folder
        self._kept = kept
        self._table = table
        self._buffer = bytearray()
        self._transport: asyncio.Transport
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy; a TCP server makes no other
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_END_OF_HEADERS)) >= 0:
            head = bytes(self._buffer[:end]).lower()
            body_at = end + len(_END_OF_HEADERS)
            size = int(_header(head, b"content-length") or 0)
            if len(self._buffer) < body_at + size:
                return
            body = bytes(self._buffer[body_at : body_at + size])
            path = bytes(self._buffer[:end]).split(b" ", 2)[1]
            del self._buffer[: body_at + size]
            asyncio.get_running_loop().call_later(self._latency_seconds, self._answer, head, path, body)

    def _answer(self, head: bytes, path: bytes, body: bytes) -> None:
        target = _header(head, b"x-amz-target")
        if path.startswith(b"/fail-over/"):
            self._table.fail_over(int(path.rpartition(b"/")[2]))
            path = b"/report"
        if path == b"/report":
            self._send(json.dumps(self._table.report()).encode())
            return
        self._table.requests[(target.partition(b".")[2] or head.split(b" ")[0]).decode()] += 1
        if not target:
            offset = int(_header(head, b"range")[6:-1] or 0)
            task = asyncio.get_running_loop().create_task(self._send_object(path, offset))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if self._kept and target == _BATCH_WRITE:
            self._kept.write(body + b"\n")
            self._kept.flush()
        self._send(self._table_answer(target, body))

    def _send(self, answer: bytes) -> None:
        status = b"400 Bad Request" if answer == _CONDITION_FAILED else b"200 OK"
        self._transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(answer), answer)
        )

    def _table_answer(self, target: bytes, body: bytes) -> bytes:
        """Return the answer of an operation of DynamoDB or SQS; an unknown one is answered with `{}`."""
        if target == _BATCH_WRITE:
            for partition_key, ordinal in _RECORD.findall(body):
                self._table.written[partition_key][int(ordinal)] = 1
            if self._table.is_checked:
                self._table.check(body)
            return b'{"UnprocessedItems":{}}'
        if target == _QUERY:
            if found := re.search(_PARTITION_KEY, body):
                count = sum(self._table.written.get(found[1], b""))
                return b'{"Items":[],"Count":%d,"ScannedCount":%d}' % (count, count)
            (value,) = json.loads(body)["ExpressionAttributeValues"].values()
            return json.dumps({"Items": self._table.rows_of(value["S"])}).encode()
        if answer := {_UPDATE: self._table.update, _GET: self._table.get}.get(target):
            return json.dumps(answer(json.loads(body))).encode()
        if target == _PUT and not self._table.put(json.loads(body)):
            return _CONDITION_FAILED
        return b"{}"

    async def _send_object(self, path: bytes, offset: int) -> None:
        with (self._folder / Path(path.split(b"?")[0].decode()).name).open("rb") as file, suppress(ConnectionError):
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: binary/octet-stream\r\nContent-Length: %d\r\nx-amz-version-id: v\r\n"
                b'ETag: "e"\r\nLast-Modified: Sun, 29 Nov 2026 12:00:00 GMT\r\n\r\n' % (file.seek(0, 2) - offset)
            )
            await asyncio.get_running_loop().sendfile(self._transport, file, offset)


def _header(head: bytes, name: bytes) -> bytes:
    """Return the value of a header of a request's head in lower case; empty if it is absent."""
    _, _, rest = head.partition(b"\r\n" + name + b":")
    return rest.split(b"\r\n", 1)[0].strip()


async def _serve(latency_seconds: float, folder: Path, kept: IO[bytes] | None, table: _Table) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(latency_seconds, folder, kept, table), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(
    folder: Annotated[Path, typer.Argument(help="Its files are the S3 objects.")],
    latency_ms: Annotated[float, typer.Option(help="Milliseconds before each answer.")] = 0.0,
    keep: Annotated[Path | None, typer.Option(help="File for the bodies of BatchWriteItem.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare and sum the records.")] = False,  # noqa: FBT002
) -> None:
    """Serve on a free port of 127.0.0.1, and print the port."""
    kept = keep.open("wb") if keep else None
    asyncio.run(_serve(latency_ms / 1000, folder, kept, _Table(is_checked=check)))


if __name__ == "__main__":
    typer.run(main)
