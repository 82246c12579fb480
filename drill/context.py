"""What the phases of a drill share: its plan, its journal, the platform, the load, and what is watched."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Final

from client import Event
from drill.dns import DnsPath
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.load import items as load_items
from drill.load.items import LoadItem, Wave
from drill.load.sending import Sender, accepted
from drill.plan import Plan
from drill.sampler import Sampler
from drill.stops import StopConditions
from drill.targets import supervisor
from drill.targets.fault_injector import FaultInjector
from drill.targets.live import LiveTarget
from drill.targets.local import LocalTarget
from drill.watch import Watch
from operations.account_check import prove_live
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.target import Mode, Target

_PAUSE_SECONDS: Final = 0.25
_DURING: Final = frozenset({"load", "inject", "detect", "decide", "switch", "measure"})
"""The phases in which a good write is one during the failover."""


class Context:
    """A drill under way.

    Args:
        plan: What is to be done.
        folder: Where it is written down.
        journal: What was done.
        say: Shows what is being done at the moment.
    """

    def __init__(self, plan: Plan, folder: DrillFolder, journal: Journal, say: Callable[[str], None]) -> None:
        self.plan, self.folder, self.journal, self.say = plan, folder, journal, say
        self.phase = "preflight"
        self._platform: FaultInjector | None = None
        self._sampler: Sampler | None = None

    # --- the platform ------------------------------------------------------------------------------------------------

    def open(self, *, start: bool) -> None:
        """Reach the platform, and begin to look at it.

        Args:
            start: Whether to deploy one if there is none.

        Raises:
            RunFailure: There is none, or it could not be deployed.
        """
        if self._platform is not None:
            return
        self._platform = self._live() if self.plan.mode == "live" else self._local(start=start)
        for receipt in self.sender.receipts():
            if receipt.id and receipt.state.safe:
                self.watch.expect(receipt.id, time.time())
        self._sampler = Sampler(self.deployment, self.watch, self.folder.samples, self.began_at, self.dns.healthy)
        self._sampler.start()

    @property
    def can_open(self) -> bool:
        """Whether there is a platform to reach, without deploying one."""
        return self.is_open or self.plan.mode == "live" or supervisor.attach(self.folder) is not None

    def close(self) -> None:
        """Stop looking."""
        if self._sampler:
            self._sampler.stop()

    @property
    def platform(self) -> FaultInjector:
        """The platform, and the power to disturb it."""
        if self._platform is None:
            raise RunFailure("The platform was not reached yet.")
        return self._platform

    @property
    def is_open(self) -> bool:
        """Whether the platform was reached."""
        return self._platform is not None

    @property
    def deployment(self) -> Deployment:
        """The platform's outputs."""
        return self.platform.deployment

    @property
    def target(self) -> Target:
        """The platform's cloud."""
        return self.platform.target

    @property
    def sampler(self) -> Sampler:
        """What looks at the regions every second."""
        if self._sampler is None:
            raise RunFailure("The platform was not reached yet.")
        return self._sampler

    @functools.cached_property
    def sender(self) -> Sender:
        """What uploads."""
        return Sender(self.deployment, self.plan.source, self.folder.path)

    @functools.cached_property
    def watch(self) -> Watch:
        """What is known of the drill's objects."""
        return Watch(self.target.regions)

    @functools.cached_property
    def dns(self) -> DnsPath:
        """Which region DNS sends clients to."""
        return DnsPath.of(self.deployment, self.platform.name_server())

    @functools.cached_property
    def stops(self) -> StopConditions:
        """What ends the drill before it does harm."""
        return StopConditions(self.journal, self.target.regions)

    # --- the load ----------------------------------------------------------------------------------------------------

    @functools.cached_property
    def items(self) -> list[LoadItem]:
        """All files of the drill."""
        return load_items.make(self.plan.seed, self.plan.objects, self.plan.source)

    def wave(self, wave: Wave) -> list[LoadItem]:
        """The files of a wave."""
        return [one for one in self.items if one.wave is wave]

    def on_event(self, event: Event) -> None:
        """Take note of what the client did."""
        if accepted(event) and event.receipt and event.receipt.id:
            self.watch.expect(event.receipt.id, event.at)
            fault = self.journal.moment("fault")
            if self.phase in _DURING and fault is not None and event.at - event.seconds >= fault:
                self.journal.mark(self.phase, "first_good_write_helper", event.at)

    def on_dns_event(self, event: Event) -> None:
        """Take note of what a client did that goes by DNS alone."""
        if accepted(event) and event.receipt and event.receipt.id:
            self.watch.expect(event.receipt.id, event.at)
            fault = self.journal.moment("fault")
            if self.phase in _DURING and fault is not None and event.at - event.seconds >= fault:
                self.journal.mark(self.phase, "first_good_write_dns", event.at)

    # --- telling and waiting -----------------------------------------------------------------------------------------

    @property
    def began_at(self) -> float:
        """When the drill began, epoch seconds."""
        return self.journal.entries[0].at

    def note(self, what: str, *, level: str = "info", region: str | None = None) -> None:
        """Write a line of the timeline."""
        self.journal.append(self.phase, "note", what=what, level=level, region=region)
        self.say(what)

    def waiting(self, seconds: float) -> Iterator[None]:
        """Yield again and again until the time is over; stop conditions are looked at in between.

        Raises:
            Stop: One holds.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.checkpoint()
            yield
            time.sleep(_PAUSE_SECONDS)

    def checkpoint(self) -> None:
        """Let the supervisor know that somebody is at work, and see whether the drill must stop.

        Raises:
            Stop: It must.
        """
        with contextlib.suppress(OSError):
            self.folder.alive.touch()
        if self._sampler:
            self.stops.check(self._sampler.latest)

    def _local(self, *, start: bool) -> LocalTarget:
        kept = supervisor.ensure(self.folder, self.plan, self.say) if start else supervisor.attach(self.folder)
        if kept is None:
            raise RunFailure(
                "The local cloud of this drill is gone: it is kept for a quarter of an hour after a drill was killed.",
                hint="Begin another drill; this one is reported as failed.",
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
            profile=plan.profile,
            operator_profile=plan.operator_profile,
        )
        if not self.folder.deployment.exists():
            # Only before the first fault: STS may be what is lost later.
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
