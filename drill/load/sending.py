"""Send the load through the client, with its own failover or with DNS failover only."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from botocore.credentials import Credentials

from client import Answer as ClientAnswer
from client import (
    Client,
    Configuration,
    Endpoint,
    Event,
    HttpTransport,
    Item,
    Kind,
    Receipt,
    Request,
    State,
    Transport,
    Unreachable,
    Until,
    read_receipts,
)
from drill.load import expected
from drill.load.items import PART_BYTES, LoadItem, Shape
from drill.proof import effect
from drill.proof.scope import DIRECT, ReceiptRow
from operations.deployment import Deployment
from operations.errors import RunFailure

_WORKERS: Final = 4
_DIRECT_FILE: Final = "direct.jsonl"
OnEvent = Callable[[Event], None]
T = TypeVar("T")


class Sender:
    """Uploads files as a user of the platform does, with the client only.

    Args:
        deployment: The platform.
        source: The source of the drill's uploads.
        folder: The folder of the receipts files: `receipts.jsonl`, and `receipts-<region>.jsonl` for uploads to one
            region only.
    """

    def __init__(self, deployment: Deployment, source: str, folder: Path) -> None:
        self._deployment, self._source, self._folder = deployment, source, folder
        self._at_work: dict[int, Client] = {}
        self._lock = threading.Lock()

    def send(
        self,
        items: Sequence[LoadItem],
        on_event: OnEvent,
        *,
        receipts: str = "receipts.jsonl",
        transport: Transport | None = None,
        workers: int = _WORKERS,
    ) -> None:
        """Upload files to any region that accepts them. Files with a receipt are not sent again.

        Args:
            items: The files.
            on_event: Called with each event.
            receipts: Name of the receipts file, which begins with `receipts`; one client at a time uses it.
            transport: Sends the requests; the network by default.
            workers: Number of files sent at once.
        """
        regions = self._deployment.target.regions
        with self._client(receipts, regions, transport or self.transport(workers), workers) as client:
            self._upload(client, items, on_event)

    @staticmethod
    def transport(connections: int = _WORKERS) -> Transport:
        """Return a transport that sends requests over the network."""
        return HttpTransport(connections=connections)

    def send_to(self, region: str, items: Sequence[LoadItem], on_event: OnEvent) -> None:
        """Upload files to one region only, even if it fails."""
        with self._client(f"receipts-{region}.jsonl", (region,), self.transport()) as client:
            self._upload(client, items, on_event)

    def send_again(self, region: str, items: Sequence[LoadItem], on_event: OnEvent) -> int:
        """Verify all uploads in the surviving region, send the missing ones again, and return their number."""
        by_key, again = {one.item.key: one for one in items}, 0
        for file in self._files():
            with self._client(file.name, (region,), self.transport()) as client:
                client.verify(workers=_WORKERS)
                missing = [by_key[one.key] for one in client.receipts if one.state is State.MISSING and one.key in by_key]
                self._upload(client, missing, on_event)
                again += len(missing)
        return again

    def put_directly(self, region: str, files: Sequence[tuple[str, bytes, Sequence[dict[str, Any] | None]]]) -> int:
        """Put files into a region's bucket without the issuer, and note their versions; return how many are noted.

        A file that is in the bucket already, from before a kill, is not put again: each version is an object of its own.
        """
        s3, bucket = self._deployment.client("s3", region), self._deployment.ingest_bucket(region)
        known = {one["key"] for one in self.direct()}
        for name, content, _ in files:
            key = f"{DIRECT}{self._source}/{region}/{name}"
            if key in known:
                continue
            held = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
            version_id = held[0]["VersionId"] if held else s3.put_object(Bucket=bucket, Key=key, Body=content)["VersionId"]
            line = {
                "key": key,
                "version_id": version_id,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
            }
            with (self._folder / _DIRECT_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps({**line, "region": region, "at": time.time()}) + "\n")
        return len(self.direct())

    def direct(self) -> list[dict[str, Any]]:
        """Return the objects that were put without the issuer: key, version_id, sha256, size, region, at."""
        file = self._folder / _DIRECT_FILE
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def direct_rows(self, files: Sequence[tuple[str, bytes, Sequence[dict[str, Any] | None]]]) -> list[ReceiptRow]:
        """Return these objects for the proof, with the expected result of the given files."""
        parsed = {name: records for name, _, records in files}
        rows = []
        for one in self.direct():
            row = ReceiptRow(self._source, "", one["sha256"], one["key"], one["size"], version_id=one["version_id"])
            name = one["key"].rpartition("/")[2]
            rows.append(_expecting(row, parsed[name]) if name in parsed else row)
        return rows

    def ask_states(self, name: str = "") -> None:
        """Read from the platform whether each upload is durable, and write it to the receipts files, or to the named one."""
        for file in self._files():
            if name and file.name != name:
                continue
            with self._client(file.name, self._deployment.target.regions, self.transport()) as client:
                client.verify(workers=_WORKERS, until=Until.DURABLE)

    def stop(self) -> None:
        """Cancel running uploads, from any thread."""
        with self._lock:
            for client in self._at_work.values():
                client.stop()

    def receipts(self) -> list[Receipt]:
        """Return the client's receipts."""
        return [one for file in self._files() for one in read_receipts(file)]

    def rows(self, items: Sequence[LoadItem] = ()) -> list[ReceiptRow]:
        """Return the receipts for the proof. Those of the given files include the expected result."""
        made = {one.item.key: one for one in items}
        return [
            _with_expectation(row, made.get(row.file_key))
            for file in self._files()
            for row in ReceiptRow.of_lines(dataclasses.asdict(one) for one in read_receipts(file))
        ]

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("receipts*.jsonl"))

    def _upload(self, client: Client, items: Sequence[LoadItem], on_event: OnEvent) -> None:
        sent = [self._on_disk(one) for one in items]
        try:
            outcomes = client.upload_all(sent, on_event=on_event)
        finally:
            for one in sent:
                if isinstance(one.content, Path):
                    one.content.unlink(missing_ok=True)
        failed = [one for one in outcomes if not one.succeeded]
        if failed:
            first = failed[0]
            raise RunFailure(
                f"{len(failed)} of {len(outcomes)} files were not uploaded; the first, {first.item.key}: {first.error}",
                hint=first.hint,
            )

    def _on_disk(self, one: LoadItem) -> Item:
        """Write a file to be sent in parts to the drill's folder, because the client sends bytes of memory in one PUT."""
        if one.shape is not Shape.IN_PARTS or isinstance(one.item.content, Path):
            return one.item
        file = self._folder / Path(one.item.key).name
        file.write_bytes(one.item.content)
        return Item(one.item.key, file)

    @contextlib.contextmanager
    def _client(
        self, receipts: str, regions: Sequence[str], transport: Transport, workers: int = _WORKERS
    ) -> Iterator[Client]:
        target = self._deployment.target
        configuration = Configuration(
            endpoints=tuple(Endpoint(region=one, url=self._deployment.api_url(one)) for one in regions),
            source=self._source,
            receipts=self._folder / receipts,
            workers=workers,
            part_bytes=PART_BYTES,
            profile=target.profile,
        )
        held: Any = target.caller_credentials()
        credentials = Credentials(held.access_key, held.secret_key, held.token) if target.endpoint_url else None
        with Client(configuration, transport=transport, credentials=credentials) as client:
            with self._lock:
                self._at_work[id(client)] = client
            try:
                yield client
            finally:
                with self._lock:
                    del self._at_work[id(client)]


class LosingTransport:
    """Sends requests, and drops the response to the first PUT of some files, which did arrive."""

    def __init__(self, transport: Transport, keys: frozenset[str]) -> None:
        self._transport, self._keys = transport, set(keys)
        self._lock = threading.Lock()

    def send(self, request: Request) -> ClientAnswer:
        """Send a request."""
        answer = self._transport.send(request)
        with self._lock:
            lost = next((key for key in self._keys if request.method == "PUT" and key in request.url), None)
            self._keys.discard(lost or "")
        if lost:
            raise Unreachable("the connection broke before the response arrived (the drill dropped it)")
        return answer


def _with_expectation(row: ReceiptRow, made: LoadItem | None) -> ReceiptRow:
    """Add the values that follow from the file's content and from its identity."""
    if made is None:
        return row
    return _expecting(row, made.parsed, is_unreadable=made.is_unreadable)


def _expecting(row: ReceiptRow, parsed: Sequence[dict[str, Any] | None], *, is_unreadable: bool = False) -> ReceiptRow:
    row = dataclasses.replace(row, records=len(parsed), is_unreadable=is_unreadable)
    if not expected.IS_KNOWN:
        return row
    records = expected.records(parsed)
    accepted = {ordinal for ordinal, _ in records}
    return dataclasses.replace(
        row,
        accepted=len(records),
        effect=effect.of_records(row.object_id, records),
        rejected=tuple(one for one in range(len(parsed)) if one not in accepted),
    )


def accepted(event: Event) -> bool:
    """Return whether an event confirms that a region has the file."""
    return event.kind in {Kind.ACCEPTED, Kind.ALREADY_THERE}
