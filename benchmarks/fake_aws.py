"""A fake DynamoDB of fixed latency, and S3 objects from a folder, in a separate process for the processor's benchmark.

It answers every request and stores nothing, so that it costs the contestants as little processor time as possible. It marks
which of the processor's records were written, because the processor counts them before RESULT. With `--keep FILE` it appends
the body of every BatchWriteItem to a file, one a line.
"""

import asyncio
import re
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, Final

import typer

_END_OF_HEADERS: Final = b"\r\n\r\n"
_BATCH_WRITE: Final = b"dynamodb_20120810.batchwriteitem"
_QUERY: Final = b"dynamodb_20120810.query"
_PARTITION_KEY: Final = rb'"(REC#[0-9a-f]{64}#[0-9]{6})"'
_RECORD: Final = re.compile(_PARTITION_KEY + rb'},"sk":{"S":"[0-9]{9}([0-9]{3})"')
"""Keys of a record in a put request; its ordinal below the partition key is the last three digits of the sort key."""


_Written = defaultdict[bytes, bytearray]
"""A mark for each record, by partition key."""


class _Connection(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, latency_seconds: float, folder: Path, kept: IO[bytes] | None, written: _Written) -> None:
        self._latency_seconds = latency_seconds
        self._folder = folder
        self._kept = kept
        self._written = written
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
        if not target:
            task = asyncio.get_running_loop().create_task(self._send_object(path))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if self._kept and target == _BATCH_WRITE:
            self._kept.write(body + b"\n")
            self._kept.flush()
        answer = self._table_answer(target, body)
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )

    def _table_answer(self, target: bytes, body: bytes) -> bytes:
        """Return the answer of an operation of DynamoDB; all but two are answered with `{}`."""
        if target == _BATCH_WRITE:
            for partition_key, ordinal in _RECORD.findall(body):
                self._written[partition_key][int(ordinal)] = 1
            return b'{"UnprocessedItems":{}}'
        if target == _QUERY:
            found = re.search(_PARTITION_KEY, body)
            count = sum(self._written[found[1]]) if found else 0
            return b'{"Items":[],"Count":%d,"ScannedCount":%d}' % (count, count)
        return b"{}"

    async def _send_object(self, path: bytes) -> None:
        with (self._folder / Path(path.split(b"?")[0].decode()).name).open("rb") as file, suppress(ConnectionError):
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: binary/octet-stream\r\nContent-Length: %d\r\nx-amz-version-id: v\r\n"
                b'ETag: "e"\r\nLast-Modified: Sun, 29 Nov 2026 12:00:00 GMT\r\n\r\n' % file.seek(0, 2)
            )
            file.seek(0)
            await asyncio.get_running_loop().sendfile(self._transport, file)


def _header(head: bytes, name: bytes) -> bytes:
    """Return the value of a header of a request's head in lower case; empty if it is absent."""
    _, _, rest = head.partition(b"\r\n" + name + b":")
    return rest.split(b"\r\n", 1)[0].strip()


async def _serve(latency_seconds: float, folder: Path, kept: IO[bytes] | None) -> None:
    loop = asyncio.get_running_loop()
    written: _Written = defaultdict(lambda: bytearray(1000))
    server = await loop.create_server(lambda: _Connection(latency_seconds, folder, kept, written), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(
    folder: Annotated[Path, typer.Argument(help="Its files are the S3 objects.")],
    latency_ms: Annotated[float, typer.Option(help="Milliseconds before each answer.")] = 0.0,
    keep: Annotated[Path | None, typer.Option(help="File for the bodies of BatchWriteItem.")] = None,
) -> None:
    """Serve on a free port of 127.0.0.1, and print the port."""
    kept = keep.open("wb") if keep else None
    asyncio.run(_serve(latency_ms / 1000, folder, kept))


if __name__ == "__main__":
    typer.run(main)
