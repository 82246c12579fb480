"""Uploading one file: into the active region, else into the other, under the same upload id, until one has it."""

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
RESUME: Final = "type `python -m client resume` when it can be reached: it goes on under the same upload id"
_TOLD_BYTES: Final = 1 << 20

Tell = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Uploader:
    """Uploads files, each wholly in one thread; what one learns of a region serves all."""

    source: str
    """Whose files these are."""
    patience_seconds: float
    """How long one file is tried."""
    receipts: Receipts
    """Where everything is written down first."""
    platform: Platform
    """Speaks with regions."""
    router: Router
    """Says which to try first."""
    clock: Clock
    stop: threading.Event
    """Set when all is to be left as it is."""
    tell: Tell
    """Is told what happens."""
    jitter: Callable[[], float] = random.random
    """Gives a share of 0 to 1 of a pause, so that many clients do not come back at once."""

    def upload(self, item: Item, planned: Receipt | None) -> Outcome:
        """Upload a file.

        Args:
            item: The file.
            planned: Its line in the receipts file, if it has one yet.

        Raises:
            ClientFailure: Nothing at all can go on: the receipts file cannot be written, the credentials have expired.
        """
        work = _Work(item, planned, self.clock, self.tell)
        work.tell(Kind.BEGUN)
        try:
            if self.stop.is_set():
                raise Interrupted  # noqa: TRY301 - as it may be raised below, at any moment
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

    def _send(self, work: "_Work", known: Fingerprint) -> Outcome:
        """Try every region again and again until one has the file."""
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
                except Impossible as failure:
                    raise UploadFailed(str(failure), failure.hint) from failure
            self._require_hope(failures, work)
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(pause, 10))
            self.clock.sleep(longest * self.jitter(), self.stop)
        raise AssertionError  # pragma: no cover - patience ends long before

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
        """Go on only if waiting may help, and there is time left to wait.

        Raises:
            UploadFailed: No region lets this caller in, or patience is at its end.
        """
        said = "; ".join(str(failure) for failure in failures.values())
        refusals = [failure for failure in failures.values() if isinstance(failure, RegionRefused)]
        if len(refusals) == len(failures):
            raise UploadFailed(said, refusals[0].hint)
        if work.seconds >= self.patience_seconds:
            hint = f"{refusals[0].hint}; then {RESUME}" if refusals else RESUME
            raise UploadFailed(f"no region took it in {work.seconds:.0f} s and {work.tries} tries: {said}", hint)

    def _fail(self, work: "_Work", failure: ClientFailure) -> Outcome:
        if work.receipt:
            reason = f"{failure.message}; {failure.hint}"
            work.receipt = self.receipts.note(work.receipt, State.FAILED, reason=reason)
        work.tell(Kind.FAILED, reason=failure.message)
        return Outcome(work.item, work.receipt, failure.message, failure.hint)


class _Work:
    """One file under way."""

    def __init__(self, item: Item, receipt: Receipt | None, clock: Clock, tell: Tell) -> None:
        self.item, self.receipt = item, receipt
        self.tries = 0
        self._clock, self._tell = clock, tell
        self._begun = clock.elapsed()
        self._sent = self._told = 0

    @property
    def upload(self) -> Receipt:
        """The line that was written before the first try."""
        assert self.receipt is not None  # noqa: S101 - told to the type checker: no try is made without it
        return self.receipt

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return self._clock.elapsed() - self._begun

    def sent(self, size: int) -> None:
        """Count bytes, and tell of them now and then."""
        self._sent += size
        if self._sent - self._told >= _TOLD_BYTES:
            self.tell(Kind.SENT, size=self._sent - self._told)
            self._told = self._sent

    def take_back(self) -> None:
        """Forget what was sent: it must be sent again."""
        if self._told:
            self.tell(Kind.SENT, size=-self._told)
        self._sent = self._told = 0

    def tell(self, kind: Kind, *, region: str = "", reason: str = "", size: int | None = None) -> None:
        """Tell what happened."""
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
