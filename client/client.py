"""The client object: the operations that the command line and other programs use."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from botocore.credentials import Credentials

from client.clock import Clock, SystemClock
from client.configuration import Configuration
from client.content import Item, fingerprint
from client.discovery import Discovery, Lookup, make_lookup
from client.errors import UploadFailed
from client.events import Event, Kind, Outcome
from client.platform import Platform
from client.receipts import Receipt, Receipts, State
from client.routing import Router
from client.transport import HttpTransport, Signer, Transport, find_credentials
from client.uploading import PARTS_AT_ONCE, Uploader
from client.verifying import Standing, Until, Verifier

_VERIFY_PAUSE_SECONDS: Final = 2.0
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
OnEvent = Callable[[Event], None]


class Client:
    """Upload files to a region that accepts them. A context manager: it locks the receipts file while it is open.

    Args:
        configuration: Endpoints, limits and files.
        transport: Sends requests; the network by default.
        credentials: Sign the requests; those of `configuration.profile` by default.
        clock: Source of the time; this machine's by default.
        lookup: Finds the active region; made from the configuration by default.
        receipts: The receipts file; the configuration's by default.

    Raises:
        ClientFailure: There are no credentials, or the receipts file cannot be used.
    """

    def __init__(  # noqa: PLR0913 - one configuration, and by keyword what tests and drills replace
        self,
        configuration: Configuration,
        *,
        transport: Transport | None = None,
        credentials: Credentials | None = None,
        clock: Clock | None = None,
        lookup: Lookup | None = None,
        receipts: Receipts | None = None,
    ) -> None:
        self._configuration = configuration
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._telling = threading.Lock()
        self._on_event: OnEvent | None = None
        signer = Signer(credentials or find_credentials(configuration.profile))
        self._own_transport = None if transport else _network(configuration)
        sender = transport or self._own_transport
        assert sender is not None  # noqa: S101 - one of the two is set
        self._platform = Platform(
            sender,
            signer,
            self._clock,
            api_seconds=configuration.api_seconds,
            storage_seconds=configuration.storage_seconds,
        )
        names = configuration.region_names
        discovery = Discovery(lookup or make_lookup(configuration, sender), self._clock, self._warn, names)
        self._router = Router(configuration.all_endpoints, discovery, self._clock)
        self._receipts = receipts or Receipts(configuration.receipts, now=self._clock.now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Unlock the receipts file and close every connection."""
        self._receipts.close()
        if self._own_transport:
            self._own_transport.close()

    def stop(self) -> None:
        """Stop from any thread. Uploads in progress end within the time of one response and can be resumed."""
        self._stop.set()

    @property
    def receipts(self) -> list[Receipt]:
        """The last receipt of each upload, in the order in which they were planned."""
        return self._receipts.all

    def upload(self, path: Path, key: str | None = None) -> Receipt:
        """Upload one file, and return its receipt once a region has it.

        Args:
            path: The file.
            key: Key of the object; the file's name by default.

        Raises:
            UploadFailed: The file was not uploaded; the error holds the reason and the next step.
            ClientFailure: Nothing can be uploaded.
        """
        (outcome,) = self.upload_all([Item(key or path.name, path)])
        if outcome.receipt is None or not outcome.succeeded:
            raise UploadFailed(outcome.error, outcome.hint)
        return outcome.receipt

    def upload_all(
        self, items: Iterable[Item], *, workers: int | None = None, on_event: OnEvent | None = None
    ) -> list[Outcome]:
        """Upload many files, several at once.

        Every file has its upload id on the disk before the first byte is sent. The same content under the same key and
        source is the same upload, now and in every later run with the same receipts file.

        Args:
            items: The files.
            workers: Number of files sent at once; the configuration's by default.
            on_event: Called with each event, by one worker thread at a time.

        Returns:
            For each item, in order: a receipt, or an error with the next step.

        Raises:
            ClientFailure: No upload can continue; the receipts file holds the progress.
        """
        given = list(items)
        known = [fingerprint(one, self._stop) if isinstance(one.content, bytes) and one.content else None for one in given]
        planned = self._receipts.plan(list(zip(given, known, strict=True)), self._configuration.source)
        uploader = Uploader(
            source=self._configuration.source,
            patience_seconds=self._configuration.patience_seconds,
            part_bytes=self._configuration.part_bytes,
            receipts=self._receipts,
            platform=self._platform,
            router=self._router,
            clock=self._clock,
            stop=self._stop,
            tell=self._tell,
        )
        self._on_event = on_event
        pairs = list(zip(given, planned, strict=True))
        return self._in_parallel(lambda pair: uploader.upload(*pair), pairs, workers)

    def resume(self, *, workers: int | None = None, on_event: OnEvent | None = None) -> list[Outcome]:
        """Upload the items of earlier runs that no region is known to have, under the same upload ids.

        Raises:
            ClientFailure: No upload can continue.
        """
        outcomes = self.upload_all(self.resumable, workers=workers, on_event=on_event)
        return outcomes + [self._unresumable(one) for one in self._left if not self._is_resumable(one)]

    @property
    def resumable(self) -> list[Item]:
        """The items that `resume` uploads."""
        return [Item(one.key, Path(one.file)) for one in self._left if self._is_resumable(one)]

    def verify(
        self,
        *,
        until: Until = Until.PROCESSED,
        wait_seconds: float = 0.0,
        workers: int | None = None,
        on_event: Callable[[Standing], None] | None = None,
    ) -> list[Standing]:
        """Ask the regions for the state of every upload.

        Args:
            until: State that each upload has to reach.
            wait_seconds: How long to ask again for uploads that are still in progress.
            workers: Number of uploads asked for at once.
            on_event: Called with each event, by one thread at a time.

        Raises:
            ClientFailure: The receipts file cannot be written, or the credentials have expired.
        """
        verifier = Verifier(self._receipts, self._platform, self._router, self._configuration.all_endpoints)
        deadline = self._clock.elapsed() + wait_seconds
        standings: dict[str, Standing] = {}
        asked = [one for one in self.receipts if one.state is not State.REPLACED]
        while asked:
            found = self._in_parallel(lambda one: verifier.verify(one, until), asked, workers)
            for standing in found:
                standings[standing.receipt.upload_id] = standing
                if on_event:
                    on_event(standing)
            asked = [one.receipt for one in found if one.waits]
            left = deadline - self._clock.elapsed()
            if left <= 0 or self._stop.is_set():
                break
            self._clock.sleep(min(_VERIFY_PAUSE_SECONDS, left), self._stop)
        return list(standings.values())

    @property
    def _left(self) -> list[Receipt]:
        return [one for one in self.receipts if not one.state.safe and one.state is not State.REPLACED]

    def _is_resumable(self, receipt: Receipt) -> bool:
        return bool(receipt.file) and receipt.source == self._configuration.source

    def _in_parallel(self, do: Callable[[_Given], _Made], given: Sequence[_Given], workers: int | None) -> list[_Made]:
        """Call `do` for each item in worker threads; the first exception stops all of them before it is raised."""
        pool = ThreadPoolExecutor(max_workers=workers or self._configuration.workers)
        try:
            futures: list[Future[_Made]] = [pool.submit(do, one) for one in given]
            return [future.result() for future in futures]
        except BaseException:
            self._stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _unresumable(self, receipt: Receipt) -> Outcome:
        item = Item(receipt.key, Path(receipt.file) if receipt.file else b"")
        if receipt.file:
            message = f"it belongs to the source {receipt.source!r}; this run has the source {self._configuration.source!r}"
            return Outcome(item, receipt, message, f"type --source {receipt.source}")
        message = "its content was in the memory of a program, not in a file"
        return Outcome(item, receipt, message, "run that program again: it continues the same upload")

    def _tell(self, event: Event) -> None:
        with self._telling:
            if self._on_event:
                self._on_event(event)

    def _warn(self, reason: str) -> None:
        self._tell(Event(Kind.WARNING, self._clock.now(), reason=reason))


def _network(configuration: Configuration) -> HttpTransport:
    return HttpTransport(connect_seconds=configuration.connect_seconds, connections=configuration.workers * PARTS_AT_ONCE)
