"""Send the load through the client, with its own failover or with DNS failover only."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
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
    Kind,
    Receipt,
    Request,
    Transport,
    Unreachable,
    read_receipts,
)
from drill.load import expected
from drill.load.items import LoadItem
from drill.proof import effect
from drill.proof.scope import ReceiptRow
from operations.deployment import Deployment
from operations.errors import RunFailure

_WORKERS: Final = 4
_API_SECONDS: Final = 5.0
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

    def send(self, items: Sequence[LoadItem], on_event: OnEvent, *, lose_answers_of: frozenset[str] = frozenset()) -> None:
        """Upload files to any region that accepts them. Files with a receipt are not sent again.

        Args:
            items: The files.
            on_event: Called with each event.
            lose_answers_of: Keys of files whose first PUT arrives and whose response is lost.

        Raises:
            RunFailure: A file could not be uploaded.
        """
        regions = self._deployment.target.regions
        transport = LosingTransport(HttpTransport(connections=_WORKERS), lose_answers_of)
        with self._client("receipts.jsonl", regions, transport) as client:
            _upload(client, items, on_event)

    def send_to(self, region: str, items: Sequence[LoadItem], on_event: OnEvent) -> None:
        """Upload files to one region only, even if it fails.

        Raises:
            RunFailure: A file could not be uploaded.
        """
        with self._client(f"receipts-{region}.jsonl", (region,), HttpTransport(connections=_WORKERS)) as client:
            _upload(client, items, on_event)

    def ask_states(self) -> None:
        """Read the state of each upload from the platform, and write it to the receipts files."""
        for file in self._files():
            regions = self._deployment.target.regions
            with self._client(file.name, regions, HttpTransport(connections=_WORKERS)) as client:
                client.verify(workers=_WORKERS)

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

    @contextlib.contextmanager
    def _client(self, receipts: str, regions: Sequence[str], transport: Transport) -> Iterator[Client]:
        target = self._deployment.target
        configuration = Configuration(
            endpoints=tuple(Endpoint(region=one, url=self._deployment.api_url(one)) for one in regions),
            source=self._source,
            receipts=self._folder / receipts,
            workers=_WORKERS,
            api_seconds=_API_SECONDS,
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
    """Sends requests, and drops the response to the first PUT of some files, which did arrive.

    Args:
        transport: The transport that sends the requests.
        keys: Texts in the URLs of those files.
    """

    def __init__(self, transport: Transport, keys: frozenset[str]) -> None:
        self._transport, self._keys = transport, set(keys)
        self._lock = threading.Lock()

    def send(self, request: Request) -> ClientAnswer:
        """Send a request.

        Raises:
            Unreachable: No response came, or this one is dropped.
        """
        answer = self._transport.send(request)
        with self._lock:
            lost = next((key for key in self._keys if request.method == "PUT" and key in request.url), None)
            self._keys.discard(lost or "")
        if lost:
            raise Unreachable("the connection broke before its answer came (the drill lost it)")
        return answer


def _with_expectation(row: ReceiptRow, made: LoadItem | None) -> ReceiptRow:
    """Add the values that follow from the file's content and from its identity."""
    if made is None:
        return row
    row = dataclasses.replace(row, records=made.records)
    if not expected.IS_KNOWN:
        return row
    records = expected.records(made.parsed)
    return dataclasses.replace(row, accepted=len(records), effect=effect.of_records(row.object_id, records))


def _upload(client: Client, items: Sequence[LoadItem], on_event: OnEvent) -> None:
    outcomes = client.upload_all([one.item for one in items], on_event=on_event)
    failed = [one for one in outcomes if not one.succeeded]
    if failed:
        first = failed[0]
        raise RunFailure(
            f"{len(failed)} of {len(outcomes)} files were not uploaded; the first, {first.item.key}: {first.error}",
            hint=first.hint,
        )


def accepted(event: Event) -> bool:
    """Return whether an event confirms that a region has the file."""
    return event.kind in {Kind.ACCEPTED, Kind.ALREADY_THERE}
