"""One run of the observer, step by step. No step that fails stops another."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from aws_lambda_powertools import Logger

from handlers.issuer.upload_id import new_upload_id
from handlers.observer import peer
from handlers.observer.auto_promote import Situation, Streak
from handlers.observer.canary import LOST, Canary, CanarySupervisor
from handlers.observer.digests import Budget
from handlers.observer.heartbeat import Heartbeat
from handlers.observer.hours import HourDigests, round_of
from handlers.observer.measures import Ages, Measures
from handlers.observer.memory import Memory, MemoryStore, NextCanary, canary_seconds
from handlers.observer.peer import Look, PeerReader, PeerView
from handlers.observer.secret_versions import SecretVersions
from handlers.observer.settings import Settings
from handlers.observer.steps import Begun, Steps
from handlers.observer.telemetry import Telemetry
from handlers.observer.web import Http, is_ready
from handlers.shared import timestamps
from handlers.shared.claims import Active, highest
from handlers.shared.control import ControlRegister

logger = Logger(child=True)

SECONDS: Final = {
    "recall": 3.0,
    "look": 6.0,
    "peer": 8.0,
    "canary": 6.0,
    "heartbeat": 3.0,
    "promotion": 3.0,
    "digests": 8.0,
    "keep": 2.0,
}
"""Time limit of each kind of step. The looks run in parallel, and the peer is asked at the same time. A run has two steps of
`canary` and of `promotion` each, and of `recall` until its first canary, so it takes at most 43 seconds, even if nothing
answers."""
CLAIMED_BY: Final = "observer"
_UNREADABLE: Final[Mapping[str, str]] = {}
"""Marks, by identity, a row that could not be read."""


@dataclass(frozen=True)
class Here:
    """The state of this region in one run; None for a value that could not be read."""

    claims: Mapping[str, int] | None
    active: Active | None
    canary_seconds: float | None
    """Seconds of the canary that was judged."""
    queue_depth: int | None
    dead_letters: int | None
    ages: Ages | None
    is_ready: bool

    def is_active(self, region: str) -> bool:
        """Return whether the region is the active one; False if the active region is unknown."""
        return self.active is not None and self.active.region == region


@dataclass(frozen=True)
class _Asked:
    """The steps that ask the peer."""

    look: Begun[Look]
    claims: Begun[dict[str, int]]
    ready: Begun[bool | None]
    secrets: tuple[Begun[str], Begun[str]] | None
    """Of this region and of the peer; None if this run does not ask."""


@dataclass(frozen=True)
class Observer:
    """Does the runs; holds every object that they need."""

    settings: Settings
    telemetry: Telemetry
    memory: MemoryStore
    register: ControlRegister
    canaries: CanarySupervisor
    measures: Measures
    is_forced: Callable[[], bool]
    """Returns whether an operator forces clients to this region."""
    deployed_hosts: Callable[[], Mapping[str, str] | None]
    """Returns the host of each region's API; None before the deployment has written that files replicate both ways."""
    write_heartbeat: Callable[[Heartbeat], bool]
    """Writes to this region's replica."""
    replicated_heartbeat: Callable[[], Heartbeat | None]
    """Returns the peer's heartbeat in this region's replica."""
    peer: PeerReader
    secrets: SecretVersions
    digests: HourDigests
    http: Http
    clock: Callable[[], float] = time.time
    """Epoch seconds."""

    def observe(self, run_at: float) -> dict[str, Any]:
        """Do one run.

        Args:
            run_at: Scheduled time, in epoch seconds. A repeated run counts once.

        Returns:
            The outcome, for one line of the log.
        """
        steps = Steps(self.telemetry)
        recalled = steps.run("recall the last run", self.memory.recall, seconds=SECONDS["recall"], otherwise=None)
        memory = (recalled or Memory()).of_the_past(self.clock())
        begins_round = round_of(run_at) > round_of(memory.run_at)
        has_begun = recalled is None or recalled.canary is not None or recalled.canary_seconds is not None
        is_deployed = True
        if begins_round or not has_begun:
            is_deployed, peer_api_url = self._deployed(steps, memory.peer_api_url)
            memory = replace(memory, peer_api_url=peer_api_url)
        peer = self._begin_peer(steps, memory.peer_api_url, with_secrets=begins_round)
        here = self._look_here(steps, memory)
        if self._holds_canaries(has_begun=has_begun, is_deployed=is_deployed):
            canary, went = None, None
        else:
            canary, went = self._send_canary(steps, memory, here, run_at, may_keep=recalled is not None)
        heartbeat = self._beat(steps, here, went)
        view = self._end_peer(steps, peer)
        self._report_split_brain(here.claims, view.claims)
        self._report_secret_drift(steps, peer)
        streak = self._consider_promotion(steps, memory.streak, here, view, run_at)
        if begins_round or memory.scan:
            memory = self._renew_digests(steps, memory)
        memory = replace(
            memory,
            run_at=max(memory.run_at, run_at),
            canary=canary,
            canary_seconds=went,
            streak=streak,
        )
        if recalled is not None:  # otherwise the stored state is better than the state of this run alone
            keep = partial(self.memory.keep, memory, self.clock())
            steps.run("keep this run", keep, seconds=SECONDS["keep"], otherwise=None)
        return {
            "failed": steps.failed,
            "peer": view.problems,
            "peer_numbers": view.numbers,
            "canary_seconds": went,
            "epoch": heartbeat.epoch,
        }

    def _deployed(self, steps: Steps, last_known: str | None) -> tuple[bool, str | None]:
        """Return whether the deployment has set both rules, and the URL of the peer's API.

        If the row cannot be read, canaries are sent: a needless canary is noise, but a missing one hides an outage.
        """
        hosts = steps.run(
            "read what the deployment wrote", self.deployed_hosts, seconds=SECONDS["recall"], otherwise=_UNREADABLE
        )
        if hosts is _UNREADABLE:
            return True, last_known
        host = (hosts or {}).get(self.settings.peer_region)
        return hosts is not None, f"https://{host}" if host else None

    # --- this region ----------------------------------------------------------------------------------------------

    def _look_here(self, steps: Steps, memory: Memory) -> Here:
        """Check this region with parallel steps; the canary comes last, because its check needs the active region."""
        seconds = SECONDS["look"]
        depth = steps.begin("measure the queue", self.measures.queue_depth, seconds=seconds)
        dead = steps.begin("measure the dead-letter queue", self.measures.dead_letters, seconds=seconds)
        ready = steps.begin("ask the own API", lambda: is_ready(self.http, self.settings.api_url), seconds=seconds)
        forced = steps.begin("read whether clients are forced here", self.is_forced, seconds=seconds)
        register = steps.run("read the register", self.register.claims, seconds=SECONDS["look"], otherwise=None)
        claims = register.epochs if register else None
        active = None if claims is None else highest(claims, primary_region=self.settings.primary_region)
        if register and register.problems:
            self.telemetry.count("MalformedControlRows", len(register.problems))
        waiting = steps.end(depth, otherwise=None)
        ages = steps.run(
            "ask CloudWatch",
            lambda: self.measures.ages(self.clock(), waiting),
            seconds=seconds,
            otherwise=None,
        )
        here = Here(
            claims=claims,
            active=active,
            canary_seconds=None,
            queue_depth=waiting.messages if waiting else None,
            dead_letters=steps.end(dead, otherwise=None),
            ages=ages,
            is_ready=steps.end(ready, otherwise=False),
        )
        self._publish_forced(steps, forced)
        return replace(here, canary_seconds=self._judge_canary(steps, memory.canary, here))

    def _publish_forced(self, steps: Steps, forced: Begun[bool]) -> None:
        """Publish 0 or 1; publish nothing while the row cannot be read, so that the last value stays valid."""
        is_forced: bool | None = steps.end(forced, otherwise=None)
        if is_forced is not None:
            self.telemetry.count("ForceFailover", int(is_forced))

    def _judge_canary(self, steps: Steps, canary: Canary | None, here: Here) -> float | None:
        if canary is None:
            return None
        seconds = steps.run(
            "judge the canary",
            lambda: self.canaries.judge(canary, is_active=here.is_active(self.settings.region)),
            seconds=SECONDS["canary"],
            otherwise=LOST,
        )
        if seconds is not None and seconds > LOST:
            self.telemetry.seconds("CanarySeconds", seconds)
        return seconds

    def _holds_canaries(self, *, has_begun: bool, is_deployed: bool) -> bool:
        """Return whether this region sends no canary yet: it never has, and files do not replicate both ways.

        A canary that is held back is not a success: `CanaryFailed` is not published, and the alarm `canaries-held` starts
        if no deployment ends this state.
        """
        if has_begun or is_deployed:
            return False
        logger.info("no canary is sent until files replicate both ways: the failover stack is not deployed yet")
        self.telemetry.count("CanariesHeld")
        return True

    def _send_canary(
        self, steps: Steps, memory: Memory, here: Here, run_at: float, *, may_keep: bool
    ) -> tuple[Canary | None, float | None]:
        """Send the next canary, unless one is still in progress or this run has sent its own; publish the result.

        Returns:
            The canary to judge in the next run, and the newest known seconds of canaries.
        """
        is_waiting = memory.canary is not None and here.canary_seconds is None
        if is_waiting or run_at <= memory.run_at:
            canary = memory.canary if is_waiting else None
            went = canary_seconds(memory, verdict=here.canary_seconds, uploaded_in=None)
        else:
            canary = steps.run(
                "send a canary",
                lambda: self._send_kept(memory, run_at, is_active=here.is_active(self.settings.region), may_keep=may_keep),
                seconds=SECONDS["canary"],
                otherwise=None,
            )
            went = canary_seconds(memory, verdict=here.canary_seconds, uploaded_in=canary.uploaded_in if canary else LOST)
        self.telemetry.count("CanaryFailed", int(went == LOST))
        return canary, went

    def _send_kept(self, memory: Memory, run_at: float, *, is_active: bool, may_keep: bool) -> Canary:
        """Send the run's canary with a random upload id, which is stored in this region's row first.

        If the row could not be read it is not written either: its content is worth more than one canary.
        """
        following = memory.next_canary
        if following is None or following.run_at != run_at:
            following = NextCanary(run_at, new_upload_id(run_at))
            if may_keep:
                self.memory.keep(replace(memory, next_canary=following), self.clock())
        return self.canaries.send(run_at, upload_id=following.upload_id, is_active=is_active)

    def _beat(self, steps: Steps, here: Here, went: float | None) -> Heartbeat:
        pending = here.ages.replication_pending if here.ages else None
        heartbeat = Heartbeat(
            at=self.clock(),
            api_url=self.settings.api_url,
            ready=here.is_ready,
            canary_seconds=went,
            queue_depth=here.queue_depth,
            shadow_age=here.ages.shadow_age if here.ages else None,
            dead_letters=here.dead_letters,
            # S3 publishes nothing when no operation is pending.
            replication_pending=int(pending or 0) if here.ages else None,
            epoch=here.active.epoch if here.active else None,
        )
        is_written = steps.run(
            "write the heartbeat", lambda: self.write_heartbeat(heartbeat), seconds=SECONDS["heartbeat"], otherwise=False
        )
        self.telemetry.count("Heartbeats", int(is_written))
        return heartbeat

    # --- the peer -------------------------------------------------------------------------------------------------

    def _begin_peer(self, steps: Steps, api_url: str | None, *, with_secrets: bool) -> _Asked:
        """Begin to ask the peer; the steps run while this region is checked, so a silent peer costs no extra time."""
        seconds = SECONDS["peer"]
        return _Asked(
            look=steps.begin("read the peer's heartbeat", self.peer.look, seconds=seconds),
            claims=steps.begin("read the peer's register", self.peer.claims, seconds=seconds),
            ready=steps.begin(
                "ask the peer's API", lambda: is_ready(self.http, api_url) if api_url else None, seconds=seconds
            ),
            secrets=(
                steps.begin("read the secret's version", self.secrets.current_here, seconds=seconds),
                steps.begin("read the peer's secret's version", self.secrets.current_there, seconds=seconds),
            )
            if with_secrets
            else None,
        )

    def _end_peer(self, steps: Steps, asked: _Asked) -> PeerView:
        """Return the state of the peer, and publish whether it is healthy."""
        view = PeerView(
            look=steps.end(asked.look, otherwise=Look(could_read=False)),
            is_ready=steps.end(asked.ready, otherwise=False),
            claims=steps.end(asked.claims, otherwise=None),
            now=self.clock(),
        )
        if view.problems:
            logger.warning("the other region is unhealthy", region=self.settings.peer_region, problems=view.problems)
        self.telemetry.count("PeerUnhealthy", int(bool(view.problems)))
        return view

    # --- both regions ---------------------------------------------------------------------------------------------

    def _report_split_brain(self, here: Mapping[str, int] | None, there: Mapping[str, int] | None) -> None:
        """Compare the two views of the register and publish a difference; do nothing while one cannot be read."""
        if here is None or there is None:
            return
        verdict = peer.compare(here, there, primary_region=self.settings.primary_region)
        if verdict.is_split:
            self.telemetry.count("SplitBrain")
            logger.error(
                "the two regions' registers name different regions",
                active_here=verdict.active_here,
                active_there=verdict.active_there,
            )

    def _report_secret_drift(self, steps: Steps, asked: _Asked) -> None:
        """Compare the key versions of both regions and publish a difference; do nothing while one cannot be read."""
        if asked.secrets is None:
            return
        here, there = (steps.end(each, otherwise=None) for each in asked.secrets)
        if here is not None and there is not None and here != there:
            self.telemetry.count("SecretVersionsDiffer")
            logger.warning("the two regions sign receipts with different keys", version_here=here, version_there=there)

    def _consider_promotion(self, steps: Steps, streak: Streak, here: Here, view: PeerView, run_at: float) -> Streak:
        """Promote this region if its settings allow it and the peer was dead for enough runs; return the streak."""
        settings = self.settings
        if view.is_dead:
            replicated = steps.run(
                "read the replicated heartbeat", self.replicated_heartbeat, seconds=SECONDS["promotion"], otherwise=None
            )
            heartbeat_at = replicated.at if replicated else None
            streak = streak.followed_by(is_dead=True, run_at=run_at, heartbeat_at=heartbeat_at)
            logger.warning("the other region seems dead", runs=streak.runs, auto_promote=settings.auto_promote)
        else:
            streak = Streak()
        situation = Situation(
            is_enabled=settings.auto_promote,
            region=settings.region,
            primary_region=settings.primary_region,
            active_region=here.active.region if here.active else None,
            is_ready=here.is_ready,
            streak=streak,
        )
        if not situation.must_promote:
            return streak
        claimed = steps.run(
            "promote this region",
            lambda: self.register.claim(
                settings.region,
                claimed_by=CLAIMED_BY,
                claimed_at=timestamps.from_epoch(self.clock()),
                seen=view.claims,
            ),
            seconds=SECONDS["promotion"],
            otherwise=None,
        )
        if claimed is None:
            return streak  # the next run tries again
        self.telemetry.count("AutoPromoted")
        logger.warning("this region has promoted itself", epoch=claimed.epoch, runs=streak.runs)
        return Streak()

    def _renew_digests(self, steps: Steps, memory: Memory) -> Memory:
        """Digest some hours and compare them; return the memory with the progress."""
        outcome = steps.run(
            "renew the digests",
            lambda: self.digests.renew(now=self.clock(), unfinished=memory.scan, turn=memory.turn, budget=Budget()),
            seconds=SECONDS["digests"],
            otherwise=None,
        )
        if outcome is None:
            # The next run starts the hour again: the position of this one may be the cause of the failure.
            return replace(memory, scan=None)
        if outcome.conflicts:
            self.telemetry.count("LwwConflicts", outcome.conflicts)
        self.telemetry.count("DigestMismatch", outcome.mismatches)
        return replace(memory, scan=outcome.scan, turn=outcome.turn)
