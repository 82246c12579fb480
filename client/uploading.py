"""Upload of one file: to the active region, or else to the other one, under the same upload id, until one accepts it."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from client.clock import Clock
from client.configuration import Endpoint
from client.content import Body, Fingerprint, Item, fingerprint
from client.errors import ClientFailure, Interrupted, UploadFailed
from client.events import Event, Kind, Outcome
from client.platform import Grant, Impossible, Platform, RegionFailed, RegionRefused
from client.receipts import Receipt, Receipts, State
from client.routing import Router

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0
RESUME: Final = "type `lockstep resume` when a region can be reached: it continues under the same upload id"
ASKED_BYTES: Final = 16 << 20
"""Size from which a region is asked whether it takes the file, before the file is read."""
PARTS_AT_ONCE: Final = 4
"""Number of parts of one file that are sent at once."""
_PARTS_ASKED: Final = 32
"""Number of parts that a region is asked for at once; their grants expire."""
_PART_TRIES: Final = 3
"""Tries in one region without a new part, before the other region is tried, which has none of the parts."""
_REPORTED_BYTES: Final = 1 << 20

Tell = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Uploader:
    """Upload files, each in one thread; all threads share what is known of the regions."""

    source: str
    """Name of the sender of the files."""
    patience_seconds: float
    """Seconds for which one file is tried; of a file in parts, since the last part arrived."""
    part_bytes: int
    """Files that are larger are sent in parts of this size."""
    receipts: Receipts
    """The receipts file, written before each step."""
    platform: Platform
    """Client of the regions."""
    router: Router
    """Order in which regions are tried."""
    clock: Clock
    stop: threading.Event
    """Set to stop all uploads."""
    tell: Tell
    """Called with each event."""
    jitter: Callable[[], float] = random.random
    """Returns a share of a pause, 0 to 1, so that many clients do not retry at the same time."""

    def upload(self, item: Item, planned: Receipt | None) -> Outcome:
        """Upload a file.

        Args:
            item: The file.
            planned: Its line in the receipts file, if it has one.

        Raises:
            ClientFailure: No upload can continue: the receipts file cannot be written, or the credentials have expired.
        """
        work = _Work(item, planned, self.clock, self.tell)
        work.tell(Kind.BEGUN)
        try:
            if self.stop.is_set():
                raise Interrupted  # noqa: TRY301 - handled like one that is raised below
            self._require_size(item)
            known = fingerprint(item, self.stop, self.part_bytes)
            work.receipt = self.receipts.begin(item, known, self.source)
            if work.receipt.state.safe:
                work.tell(Kind.ALREADY_THERE, region=work.receipt.region)
                return Outcome(item, work.receipt)
            return self._send(work, known)
        except Interrupted as failure:
            work.tell(Kind.INTERRUPTED, reason=failure.message)
            return Outcome(item, work.receipt, failure.message, failure.hint)
        except UploadFailed as failure:
            return self._fail(work, failure)

    def _require_size(self, item: Item) -> None:
        """Refuse a file that is too large before it is read, which may take minutes.

        Raises:
            UploadFailed: No region takes a file of this size.
        """
        try:
            size = 0 if isinstance(item.content, bytes) else item.content.stat().st_size
        except OSError:
            return  # reading it reports why
        for endpoint in self.router.order() if size >= ASKED_BYTES else ():
            try:
                self.platform.require_size(endpoint, item.key, size)
            except RegionFailed:
                continue  # the upload itself reports a region that fails
            except Impossible as failure:
                raise UploadFailed(str(failure), failure.hint) from failure
            return

    def _send(self, work: "_Work", known: Fingerprint) -> Outcome:
        """Try every region repeatedly until one accepts the file."""
        try:
            return self._send_once(work, known)
        except Impossible as failure:
            if not failure.is_of_upload_id or not self._is_nowhere(work.upload):
                raise UploadFailed(str(failure), failure.hint) from failure
        # The id was made by a wrong clock, or is old, and no region has the upload: another id cannot store it twice.
        work.receipt = self.receipts.renew(work.upload)
        try:
            return self._send_once(work, known)
        except Impossible as failure:
            raise UploadFailed(str(failure), failure.hint) from failure

    def _is_nowhere(self, upload: Receipt) -> bool:
        """Return whether every region answers that it does not know an upload."""
        try:
            return all(self.platform.state(endpoint, upload).state is None for endpoint in self.router.order())
        except (RegionFailed, Impossible):
            return False

    def _send_once(self, work: "_Work", known: Fingerprint) -> Outcome:
        for pause in range(1_000_000):
            failures = {}
            for endpoint in self.router.order():
                if self.stop.is_set():
                    raise Interrupted
                try:
                    return self._try(endpoint, work, known)
                except RegionFailed as failure:
                    failures[endpoint.region] = failure
                    self.router.failed(endpoint.region)
                    work.tell(Kind.TRY_FAILED, region=endpoint.region, reason=str(failure))
            self._require_hope(failures, work)
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(pause, 10))
            self.clock.sleep(longest * self.jitter(), self.stop)
        raise AssertionError  # pragma: no cover - `patience_seconds` ends the loop long before

    def _try(self, endpoint: Endpoint, work: "_Work", known: Fingerprint) -> Outcome:
        work.tries += 1
        upload = work.upload
        grant = self.platform.grant(endpoint, upload, known.part_size)
        if isinstance(work.item.content, bytes):
            new = self.platform.put(endpoint, grant, work.item.content)
        elif not grant.url:
            new = self._put_parts(endpoint, grant, work, work.item.content, known)
        else:
            new = self._put_file(endpoint, grant, work, work.item.content, known)
        self.router.worked(endpoint.region)
        work.receipt = self.receipts.note(upload, State.ACCEPTED, region=endpoint.region, receipt=grant.receipt)
        work.tell(Kind.ACCEPTED if new else Kind.ALREADY_THERE, region=endpoint.region)
        return Outcome(work.item, work.receipt)

    def _put_file(  # noqa: PLR0913 - the parts of a request
        self, endpoint: Endpoint, grant: Grant, work: "_Work", path: Path, known: Fingerprint, *, number: int = 0
    ) -> bool:
        with Body(path, known, self.stop, work.sent, number) as body:
            try:
                return self.platform.put(endpoint, grant, body)
            except (RegionFailed, Impossible):
                work.sent(-body.sent)
                if body.failure:
                    raise body.failure from None
                raise

    def _put_parts(self, endpoint: Endpoint, grant: Grant, work: "_Work", path: Path, known: Fingerprint) -> bool:
        """Send the parts that a region does not hold, and complete the upload; return False if it was complete.

        The region knows which parts have arrived, so a later run asks it, and the receipts file need not list them.
        """
        left = dict(enumerate(known.parts, start=1))
        counted = work.counted
        tries = 0
        while True:
            before = len(left)
            if self.stop.is_set():
                raise Interrupted
            try:
                if not left:
                    self.platform.complete(endpoint, work.upload, grant.receipt, known.parts)
                    return True
                asked = dict(islice(left.items(), _PARTS_ASKED))
                granted = self.platform.parts(endpoint, work.upload, grant.receipt, asked)
                if granted is None:
                    return False
                for number in asked.keys() - granted.keys():
                    work.sent(known.bytes_of(number))
                    del left[number]
                before = len(left)  # a part that the region held already is no progress
                put = partial(self._put_file, endpoint, work=work, path=path, known=known)
                self._put_granted(put, granted, left)
                tries = 0 if granted else tries
            except RegionFailed:
                tries = 0 if len(left) < before else tries + 1
                if tries == _PART_TRIES:
                    work.sent(counted - work.counted)
                    raise
                if not left:  # to learn why it cannot be completed; each part that is there is counted again
                    left = dict(enumerate(known.parts, start=1))
                    work.sent(counted - work.counted)
                self.clock.sleep(FIRST_PAUSE_SECONDS * 2**tries * self.jitter(), self.stop)
            if len(left) < before:
                work.progressed()

    def _put_granted(self, put: Callable[..., bool], granted: dict[int, Grant], left: dict[int, str]) -> None:
        """Send parts, several at once, and remove each that arrived from `left`; the first failure ends it."""
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            futures = {pool.submit(put, grant=grant, number=number): number for number, grant in granted.items()}
            try:
                for future in as_completed(futures):
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)
                for future, number in futures.items():
                    if not future.cancelled() and not future.exception():
                        del left[number]

    def _require_hope(self, failures: dict[str, RegionFailed], work: "_Work") -> None:
        """Return if another round may succeed and there is time for it.

        Raises:
            UploadFailed: Every region denies this caller, or `patience_seconds` are over.
        """
        reasons = "; ".join(str(failure) for failure in failures.values())
        refusals = [failure for failure in failures.values() if isinstance(failure, RegionRefused)]
        if len(refusals) == len(failures):
            raise UploadFailed(reasons, refusals[0].hint)
        if work.idle_seconds >= self.patience_seconds:
            hint = f"{refusals[0].hint}; then {RESUME}" if refusals else RESUME
            raise UploadFailed(f"no region accepted it in {work.seconds:.0f} s and {work.tries} tries: {reasons}", hint)

    def _fail(self, work: "_Work", failure: ClientFailure) -> Outcome:
        if work.receipt:
            reason = f"{failure.message}; {failure.hint}"
            work.receipt = self.receipts.note(work.receipt, State.FAILED, reason=reason)
        work.tell(Kind.FAILED, reason=failure.message)
        return Outcome(work.item, work.receipt, failure.message, failure.hint)


class _Work:
    """Progress of one file.

    Attributes:
        counted: Number of sent bytes that need not be sent again.
    """

    def __init__(self, item: Item, receipt: Receipt | None, clock: Clock, tell: Tell) -> None:
        self.item, self.receipt = item, receipt
        self.tries = 0
        self._clock, self._tell = clock, tell
        self._begun = self._progressed = clock.elapsed()
        self._lock = threading.Lock()
        self.counted = self._reported = 0

    @property
    def upload(self) -> Receipt:
        """The line that was written before the first try."""
        assert self.receipt is not None  # noqa: S101 - for the type checker: no try is made without it
        return self.receipt

    @property
    def seconds(self) -> float:
        """Seconds since work on the file began."""
        return self._clock.elapsed() - self._begun

    @property
    def idle_seconds(self) -> float:
        """Seconds since work on the file began, or since a part of it arrived."""
        return self._clock.elapsed() - self._progressed

    def progressed(self) -> None:
        """Note that a part of the file has arrived."""
        self._progressed = self._clock.elapsed()

    def sent(self, size: int) -> None:
        """Count sent bytes, negative ones that have to be sent again, and report them once a megabyte."""
        with self._lock:
            self.counted += size
            change = self.counted - self._reported
            if abs(change) < _REPORTED_BYTES:
                return
            self._reported = self.counted
        self.tell(Kind.SENT, size=change)

    def tell(self, kind: Kind, *, region: str = "", reason: str = "", size: int | None = None) -> None:
        """Report an event."""
        self._tell(
            Event(
                kind=kind,
                at=self._clock.now(),
                item=self.item,
                region=region,
                seconds=self.seconds,
                tries=self.tries,
                size=size if size is not None else self.receipt.size if self.receipt else 0,
                reason=reason,
                receipt=self.receipt,
            )
        )
