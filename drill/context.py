"""The context that the phases of a drill share: plan, journal, platform, load and samples."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from client import Event, Kind
from drill.background import Background
from drill.dns import DnsPath
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.load import items as load_items
from drill.load.flow import Flow
from drill.load.items import LoadItem, Wave
from drill.load.sending import Sender, accepted
from drill.plan import Plan
from drill.promise import Upload
from drill.sampler import Sampler
from drill.stops import StopConditions
from drill.targets import supervisor
from drill.targets.fault_injector import FaultInjector
from drill.targets.live import LiveTarget
from drill.targets.local import LocalTarget
from drill.watch import Watch
from operations.account_check import prove_live
from operations.command_line import short
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.ledger import object_id
from operations.target import Mode, Target

_PAUSE_SECONDS: Final = 0.25
_WATCH_SECONDS: Final = 1.0
_MOST_DIRECT: Final = 12
_DURING: Final = frozenset({"load", "inject", "detect", "decide", "switch", "measure"})
"""The phases whose good writes count as writes during the failover."""


class Context:
    """The state of a running drill."""

    def __init__(self, plan: Plan, folder: DrillFolder, journal: Journal, say: Callable[[str], None]) -> None:
        self.plan, self.folder, self.journal, self.say = plan, folder, journal, say
        self.phase = "preflight"
        self._platform: FaultInjector | None = None
        self._sampler: Sampler | None = None
        self._closed = threading.Event()
        self._threads: list[Background] = []
        self.finish_uploads: Callable[[], None] = lambda: None
        """Waits for the uploads of the phase `inject` that the detection does not wait for."""
        self.lost = ""
        """A sentence on the end of the local cloud's supervisor; "" while it runs."""

    # --- the platform ------------------------------------------------------------------------------------------------

    def open(self, *, start: bool) -> None:
        """Connect to the platform and start sampling it.

        Args:
            start: Whether to deploy the platform if it does not exist.
        """
        if self._platform is not None:
            return
        self._platform = self._live() if self.plan.mode == "live" else self._local(start=start)
        for receipt in self.sender.receipts():
            if receipt.id and receipt.state.safe:
                self.watch.expect(receipt.id, time.time())
        for row in self.sender.direct_rows([]):
            self.watch.expect(row.object_id, time.time())
        self._sampler = Sampler(self.deployment, self.watch, self.folder.samples, self.began_at, self.dns.healthy)
        self._sampler.alarms = self.plan.abort_alarms
        self._sampler.start()
        self._threads.append(self._sampler.thread)
        if self.plan.mode == "local":
            self.begin("supervisor watch", self._watch_supervisor)

    def begin(self, name: str, work: Callable[[], object]) -> Background:
        """Run a function in a thread whose failure ends the drill at its next checkpoint."""
        thread = Background(name, work)
        self._threads.append(thread)
        thread.start()
        return thread

    def failures(self) -> list[str]:
        """Return a sentence on each thread that has failed since the last call: what it measures is missing from then on."""
        failed = [(one.name, one.failure) for one in self._threads if one.failure]
        self._threads = [one for one in self._threads if not one.failure]
        return [
            f"The drill's thread {name!r} has ended by {type(failure).__name__}: {failure}. Its figures end there."
            for name, failure in failed
        ]

    def _watch_supervisor(self) -> None:
        """Name a supervisor that has ended at once: without it every region fails, and the uploads would try for minutes."""
        while not self._closed.wait(_WATCH_SECONDS):
            try:
                kept = supervisor.attach(self.folder)
            except (OSError, ValueError):
                continue  # the drill's folder is gone or unreadable, which its journal names
            if kept is None:
                self.lost = (
                    f"{supervisor.why_ended(self.folder)} No region answers; see {short(self.folder.supervisor_log)}. "
                    "This drill is reported as failed. To start another, type: lockstep drill run"
                )
                self.sender.stop()
                return

    @property
    def can_open(self) -> bool:
        """Return whether the platform exists already."""
        return self.is_open or self.plan.mode == "live" or supervisor.attach(self.folder) is not None

    def close(self) -> None:
        """Stop sampling."""
        self._closed.set()
        if self._sampler:
            self._sampler.stop()

    @property
    def platform(self) -> FaultInjector:
        """The fault injector of the platform."""
        if self._platform is None:
            raise RunFailure("The drill is not connected to the platform yet.")
        return self._platform

    @property
    def is_open(self) -> bool:
        """Whether the drill is connected to the platform."""
        return self._platform is not None

    @property
    def deployment(self) -> Deployment:
        """The platform and its stack outputs."""
        return self.platform.deployment

    @property
    def target(self) -> Target:
        """The platform's cloud."""
        return self.platform.target

    @property
    def sampler(self) -> Sampler:
        """The sampler, which reads the regions every second."""
        if self._sampler is None:
            raise RunFailure("The drill is not connected to the platform yet.")
        return self._sampler

    @functools.cached_property
    def sender(self) -> Sender:
        """The sender of the load."""
        return Sender(self.deployment, self.plan.source, self.folder.path)

    @functools.cached_property
    def watch(self) -> Watch:
        """The known results of the drill's objects."""
        return Watch(self.target.regions)

    @functools.cached_property
    def dns(self) -> DnsPath:
        """The region that DNS routes clients to."""
        return DnsPath.of(self.deployment, self.platform.name_server())

    @functools.cached_property
    def stops(self) -> StopConditions:
        """The conditions that end the drill before it does harm."""
        return StopConditions(self.journal, self.target.regions)

    # --- the load ----------------------------------------------------------------------------------------------------

    @functools.cached_property
    def items(self) -> list[LoadItem]:
        """The files of the drill."""
        return load_items.make(self.plan.seed, self.plan.objects, self.plan.source)

    def wave(self, wave: Wave) -> list[LoadItem]:
        """Return the files of a wave."""
        return [one for one in self.items if one.wave is wave]

    def on_event(self, event: Event) -> None:
        """Record an event of the client."""
        if accepted(event) and event.receipt and event.receipt.id:
            self.watch.expect(event.receipt.id, event.at)
            if event.kind is Kind.ACCEPTED:
                self.uploaded[self.phase] += 1

    def on_event_marking(self, moment: str) -> Callable[[Event], None]:
        """Return a function that records events of one kind of client; its first good write after the fault is a moment."""

        def on_event(event: Event) -> None:
            self.on_event(event)
            fault = self.journal.moment("fault")
            is_accepted = accepted(event) and event.receipt is not None and bool(event.receipt.id)
            if is_accepted and self.phase in _DURING and fault is not None and event.at - event.seconds >= fault:
                self.journal.mark(self.phase, moment, event.at)

        return on_event

    @functools.cached_property
    def uploaded(self) -> Counter[str]:
        """The number of files that a region accepted in each phase, also before an interruption."""
        return Counter(self.journal.fact("uploads_by_phase") or {})

    @functools.cached_property
    def flow(self) -> Flow:
        """The client that uploads in every phase from the fault to the failback."""
        return Flow(self.sender, self.wave(Wave.FLOW), self.on_event)

    @functools.cached_property
    def direct_files(self) -> list[tuple[str, bytes, tuple[dict[str, Any], ...]]]:
        """The files to put into each region's bucket without the issuer; on AWS none, for bucket policies may deny it."""
        count = min(_MOST_DIRECT, max(2, self.plan.objects // 20)) if self.plan.objects and self.plan.mode == "local" else 0
        return load_items.direct(self.plan.seed, count)

    def put_directly(self, region: str) -> None:
        """Put the direct files into a region's bucket, and expect their results."""
        self.sender.put_directly(region, self.direct_files)
        for row in self.sender.direct_rows([]):
            self.watch.expect(row.object_id, time.time())

    def accepted_uploads(self) -> list[Upload]:
        """Return every object that a region accepted, as its sender knows it."""
        uploads = [Upload.of_receipt(one) for one in self.sender.receipts() if one.id and one.region]
        direct = [
            Upload(object_id(one["key"], one["version_id"]), one["region"], at=one["at"]) for one in self.sender.direct()
        ]
        return uploads + direct

    # --- notes and waiting -------------------------------------------------------------------------------------------

    @property
    def began_at(self) -> float:
        """Epoch seconds at which the drill began."""
        return self.journal.entries[0].at

    def note(self, what: str, *, level: str = "info", region: str | None = None) -> None:
        """Append an entry to the timeline."""
        self.journal.append(self.phase, "note", what=what, level=level, region=region)
        self.say(what)

    def waiting(self, seconds: float) -> Iterator[None]:
        """Yield repeatedly until the time is over, and check the stop conditions each time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.checkpoint()
            yield
            time.sleep(_PAUSE_SECONDS)

    def checkpoint(self) -> None:
        """Show the supervisor that the drill is running, and check the stop conditions.

        Raises:
            RunFailure: The local cloud or a thread of the drill has ended.
            Stop: A stop condition holds.
        """
        if self.lost:
            raise RunFailure(self.lost)
        if failures := self.failures():
            raise RunFailure(" ".join(failures), hint="This drill is reported as failed.")
        with contextlib.suppress(OSError):
            self.folder.alive.touch()
        if self._sampler:
            self.stops.check(self._sampler.latest, self._sampler.ringing)

    def _local(self, *, start: bool) -> LocalTarget:
        kept = supervisor.ensure(self.folder, self.plan, self.say) if start else supervisor.attach(self.folder)
        if kept is None:
            raise RunFailure(
                "The local cloud of this drill has ended: it is kept for 15 minutes after a drill is interrupted.",
                hint="This drill is reported as failed. To start another, type: lockstep drill run",
            )
        target = kept.target.of_run(self.plan.source)
        return LocalTarget(target, self._deployment(target), self.plan.source)

    def _live(self) -> LiveTarget:
        plan = self.plan
        target = Target(
            mode=Mode.LIVE,
            account=str(plan.account),
            environment=plan.environment,
            primary=plan.primary,
            secondary=plan.secondary,
            control=plan.control,
            run_id=plan.source,
            prefix=plan.prefix,
            is_protected=plan.is_protected,
            profile=plan.profile,
            operator_profile=plan.operator_profile,
        )
        if not self.folder.deployment.exists():
            # Only before the first fault: STS may be unavailable later.
            prove_live(target)
        return LiveTarget(
            target, self._deployment(target), plan.source, stop_alarm=str(plan.stop_alarm), fis_role=str(plan.fis_role)
        )

    def _deployment(self, target: Target) -> Deployment:
        if self.folder.deployment.exists():
            return Deployment.load(self.folder.deployment, target)
        deployment = Deployment.read(target)
        deployment.save(self.folder.deployment)
        return deployment
