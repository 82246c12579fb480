"""Upload of one file: to the active region, or else to the other one, under the same upload id, until one accepts it."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
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
LARGEST_BYTES: Final = 5 << 30
"""Largest object of one PUT: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html"""
ASKED_BYTES: Final = 16 << 20
"""Size from which a region is asked whether it takes the file, before the file is read."""
_REPORTED_BYTES: Final = 1 << 20

Tell = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Uploader:
    """Upload files, each in one thread; all threads share what is known of the regions."""

    source: str
    """Name of the sender of the files."""
    patience_seconds: float
    """Seconds for which one file is tried."""
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
            known = fingerprint(item, self.stop)
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
        if size > LARGEST_BYTES:
            raise UploadFailed(
                f"it has {size} bytes, and S3 takes at most {LARGEST_BYTES} in one PUT", "send it in parts, or compressed"
            )
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
        grant = self.platform.grant(endpoint, upload)
        if isinstance(work.item.content, bytes):
            new = self.platform.put(endpoint, grant, work.item.content)
        else:
            new = self._put_file(endpoint, grant, work, work.item.content, known)
        self.router.worked(endpoint.region)
        work.receipt = self.receipts.note(upload, State.ACCEPTED, region=endpoint.region, receipt=grant.receipt)
        work.tell(Kind.ACCEPTED if new else Kind.ALREADY_THERE, region=endpoint.region)
        return Outcome(work.item, work.receipt)

    def _put_file(self, endpoint: Endpoint, grant: Grant, work: "_Work", path: Path, known: Fingerprint) -> bool:
        with Body(path, known, self.stop, work.sent) as body:
            try:
                return self.platform.put(endpoint, grant, body)
            except (RegionFailed, Impossible):
                work.take_back()
                if body.failure:
                    raise body.failure from None
                raise

    def _require_hope(self, failures: dict[str, RegionFailed], work: "_Work") -> None:
        """Return if another round may succeed and there is time for it.

        Raises:
            UploadFailed: Every region denies this caller, or `patience_seconds` are over.
        """
        reasons = "; ".join(str(failure) for failure in failures.values())
        refusals = [failure for failure in failures.values() if isinstance(failure, RegionRefused)]
        if len(refusals) == len(failures):
            raise UploadFailed(reasons, refusals[0].hint)
        if work.seconds >= self.patience_seconds:
            hint = f"{refusals[0].hint}; then {RESUME}" if refusals else RESUME
            raise UploadFailed(f"no region accepted it in {work.seconds:.0f} s and {work.tries} tries: {reasons}", hint)

    def _fail(self, work: "_Work", failure: ClientFailure) -> Outcome:
        if work.receipt:
            reason = f"{failure.message}; {failure.hint}"
            work.receipt = self.receipts.note(work.receipt, State.FAILED, reason=reason)
        work.tell(Kind.FAILED, reason=failure.message)
        return Outcome(work.item, work.receipt, failure.message, failure.hint)


class _Work:
    """Progress of one file."""

    def __init__(self, item: Item, receipt: Receipt | None, clock: Clock, tell: Tell) -> None:
        self.item, self.receipt = item, receipt
        self.tries = 0
        self._clock, self._tell = clock, tell
        self._begun = clock.elapsed()
        self._sent = self._reported = 0

    @property
    def upload(self) -> Receipt:
        """The line that was written before the first try."""
        assert self.receipt is not None  # noqa: S101 - for the type checker: no try is made without it
        return self.receipt

    @property
    def seconds(self) -> float:
        """Seconds since work on the file began."""
        return self._clock.elapsed() - self._begun

    def sent(self, size: int) -> None:
        """Count sent bytes, and report them once a megabyte."""
        self._sent += size
        if self._sent - self._reported >= _REPORTED_BYTES:
            self.tell(Kind.SENT, size=self._sent - self._reported)
            self._reported = self._sent

    def take_back(self) -> None:
        """Reset the count of sent bytes: the file has to be sent again."""
        if self._reported:
            self.tell(Kind.SENT, size=-self._reported)
        self._sent = self._reported = 0

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
