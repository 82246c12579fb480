"""The two-region world: AWS's work between calls, and the faults that each call meets."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote_plus

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from simulation.chance import Chance
from simulation.expressions import Item
from simulation.plan import CALL_FAULTS, CLIENT_CALL_FAULTS, REGIONS, STANDING_FAULTS, Fault, Kind, Plan
from simulation.regions import Key, Queued, Region, Stamp, Version
from simulation.scheduler import EPOCH, Crash, Process, Scheduler, current_process

ACCOUNT: Final = "123456789012"
MAXIMUM_RECEIVES: Final = 5
VISIBILITY_SECONDS: Final = 360.0
FUNCTION_SECONDS: Final = 60.0
SHADOW_DELAY_SECONDS: Final = 15
ENVIRONMENT: Final = "sim"
_ITEM_LAG: Final = (0.6, 1800.0)
"""Median and maximum seconds of an item's replication; AWS promises no maximum."""
_OBJECT_LAG: Final = (4.0, 2400.0)
"""Median and maximum seconds of an object's replication; S3 Replication Time Control promises 15 minutes for most."""
_LONGEST_LAG: Final = 3600.0
_EVENT_LAG: Final = (0.8, 600.0)
_AT_ONCE: Final = 1e-6
_LATENCY: Final = 0.012
_UNTIL: Final = {
    Kind.BLACKOUT: "dark_until",
    Kind.OUTAGE: "throttled_until",
    Kind.EXPIRED: "expired_until",
    Kind.KEY_DENIED: "key_denied_until",
    Kind.SILENCE: "silent_until",
}
"""The region's attribute that holds the end of a fault."""

_Answer = TypeVar("_Answer")
AnyProcess = TypeVar("AnyProcess", bound=Process)
Line = tuple[float, str, str, str, str]
"""A line of the story: simulated seconds, region, actor, call, effect."""


@dataclass
class World:
    """The state of a history.

    Attributes:
        plan: The plan.
        chance: The draws.
        scheduler: The simulated time.
        regions: The regions by name.
        story: The lines of the story.
        writes: Epoch seconds and region of each write of an item.
        coverage: Number of times that each fault met each call, by phase.
        slowest: Maximum seconds of a call without a delaying fault.
    """

    plan: Plan
    chance: Chance = field(init=False)
    scheduler: Scheduler = field(default_factory=Scheduler)
    regions: dict[str, Region] = field(default_factory=lambda: {name: Region(name) for name in REGIONS})
    story: list[Line] = field(default_factory=list)
    writes: list[tuple[float, str]] = field(default_factory=list)
    coverage: dict[tuple[str, str, str], int] = field(default_factory=dict)
    phase: str = "steady"
    parted_until: float = 0.0
    lag_until: float = 0.0
    lag_factor: float = 1.0
    longest_lag: float = _LONGEST_LAG
    slowest: float = field(init=False)
    on_message: Callable[[Region], None] = lambda _region: None
    on_completed: Callable[[Region, Version], None] = lambda *_: None
    on_item: Callable[[Region, Key, Stamp, Item | None, Item | None], None] = lambda *_: None
    _numbers: int = 0
    _processes: list[Process] = field(default_factory=list)
    _call_faults: dict[tuple[str, int], list[Kind]] = field(default_factory=dict)
    _standing: set[tuple[Kind, str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = Chance(self.plan.seed)
        self.slowest = self.plan.slowest
        for fault in self.plan.faults:
            if fault.kind in STANDING_FAULTS:
                self._standing.add((fault.kind, fault.region, fault.name))
            if fault.kind in CALL_FAULTS:
                whose = "client" if fault.kind in CLIENT_CALL_FAULTS else fault.region
                whose = f"journal {fault.region}" if fault.kind is Kind.TORN else whose
                self._call_faults.setdefault((whose, int(fault.at)), []).append(fault.kind)

    @property
    def now(self) -> float:
        """Simulated epoch seconds."""
        return self.scheduler.now

    def number(self) -> int:
        """Return a number that no earlier call returned."""
        self._numbers += 1
        return self._numbers

    def peer(self, region: Region) -> Region:
        """Return the other region."""
        return self.regions[REGIONS[1] if region.name == REGIONS[0] else REGIONS[0]]

    def clock(self, region: Region) -> float:
        """Return epoch seconds by the region's clock."""
        return self.now + region.skew

    def note(self, region: Region, actor: str, call: str, effect: str) -> None:
        """Add a line to the story."""
        self.story.append((round(self.now - EPOCH, 6), region.name, actor, call, effect))

    def process(self, name: str, region: Region) -> Process:
        """Return a new process of a region, which ends with it."""
        return self.adopt(Process(self.scheduler, name, region.name))

    def adopt(self, process: AnyProcess) -> AnyProcess:
        """Register a process, which then ends with its region."""
        self._processes = [one for one in self._processes if not one.has_ended]
        self._processes.append(process)
        return process

    # --- a call on its way ---------------------------------------------------------------------------------------

    def call(self, region: Region, operation: str, effect: Callable[[], _Answer], what: str = "") -> _Answer:
        """Make a call to AWS from the current process. It takes time, and may meet a fault.

        Raises:
            ClientError: AWS refuses it.
            BotoCoreError: The response is lost, or the region is dark.
            Crash: The process ends here.
        """
        process = current_process()
        if process is None:
            return effect()
        if process.is_dead:
            raise Crash
        region.calls += 1
        number = region.calls
        faults = self.call_faults(region.name, number)
        if self.plan.crash_rate and self.chance.happens(self.plan.crash_rate, "crash", region.name, number):
            faults = [*faults, Kind.CRASH_AFTER if number % 2 else Kind.CRASH_BEFORE]
        seconds = self.chance.lag(_LATENCY, self.slowest, "latency", region.name, number)
        if self.now < region.stalled_until:
            seconds += region.stall
        process.slowest_call = max(process.slowest_call, seconds)
        process.wait(seconds)
        return self._arrive(region, process, operation, effect, what, faults)

    def call_faults(self, whose: str, number: int) -> list[Kind]:
        """Return the faults of the call with a number, of a region or of another caller."""
        return self._call_faults.get((whose, number), [])

    def _arrive(  # noqa: PLR0913, PLR0917 - what a call is
        self, region: Region, process: Process, operation: str, effect: Callable[[], _Answer], what: str, faults: list[Kind]
    ) -> _Answer:
        for kind in faults:
            self.cover(kind, operation)
            process.met_fault = True
        if Kind.CRASH_BEFORE in faults:
            self.note(region, process.name, operation, f"{what}: the process crashes before it")
            raise Crash
        if self.now < region.dark_until or region.is_destroyed or self._is_cut_off(process, region):
            self.cover(Kind.BLACKOUT, operation)
            process.met_fault = True
            self.note(region, process.name, operation, f"{what}: no answer, the region is dark")
            raise EndpointConnectionError(endpoint_url=f"https://{region.name}")
        if self.now < region.expired_until and process.name != "operator":
            self.cover(Kind.EXPIRED, operation)
            process.met_fault = True
            self.note(region, process.name, operation, f"{what}: refused, the credentials have expired")
            name = operation.split(":")[1]
            raise refusal(name, "ExpiredTokenException", "The security token included in the request is expired", 403)
        if Kind.REFUSED in faults:
            self.note(region, process.name, operation, f"{what}: refused, throttled")
            raise refusal(operation, "ThrottlingException", "Rate exceeded", 400)
        if Kind.UNPROCESSED in faults and operation == "dynamodb:BatchWriteItem":
            self.unprocessed = True
        answer = effect()
        if Kind.REPEATED in faults:  # the first answer was lost, so the SDK sent it again
            self.note(region, process.name, operation, f"{what}: sent twice")
            answer = effect()
        if Kind.CRASH_AFTER in faults:
            self.note(region, process.name, operation, f"{what}: done, then the process crashes")
            raise Crash
        if Kind.ANSWER_LOST in faults:
            self.note(region, process.name, operation, f"{what}: done, the answer is lost")
            raise ReadTimeoutError(endpoint_url=f"https://{region.name}")
        return answer

    def _is_cut_off(self, process: Process, region: Region) -> bool:
        """Return whether a process cannot reach a region, because the regions are partitioned or its own is dark."""
        own = self.regions.get(process.region)
        return own is not None and own is not region and self.now < max(self.parted_until, own.dark_until)

    unprocessed: bool = False
    """Whether the next batch is processed only in part."""

    def cover(self, kind: Kind, operation: str) -> None:
        """Count a fault that met a call."""
        cell = (kind.value, self.phase, operation)
        self.coverage[cell] = self.coverage.get(cell, 0) + 1

    # --- DynamoDB ------------------------------------------------------------------------------------------------

    def write_item(self, region: Region, key: Key, item: Item | None) -> None:
        """Write an item to a replica, and replicate it by itself and in no order.

        A deletion of a missing item changes nothing, so nothing is replicated.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
        """
        if item is None and region.item(*key) is None:
            return
        stamp = (self.clock(region), self.number(), region.name)
        self._take(region, key, stamp, item)
        number = region.writes
        region.writes += 1
        self.writes.append((self.now, region.name))
        lag = self.chance.lag(*_ITEM_LAG, "item", region.name, *key, stamp[1], shape=self.plan.lags)
        if self.plan.unreplicated is not None:
            if region.name == REGIONS[0] and number in self.plan.unreplicated:
                return
            lag = _AT_ONCE
        self.send(region, lag, lambda peer: self._take(peer, key, stamp, item))

    def _take(self, region: Region, key: Key, stamp: Stamp, item: Item | None) -> None:
        entry = region.entry(key)
        if stamp > entry.stamp:
            if stamp[2] != region.name:
                self.note(region, "replication", "item arrives", f"{key[0]} {key[1]}")
            entry.before, entry.stamp, entry.item, entry.written_at = entry.item, stamp, item, self.now
            region.hold(key, entry.before, item)
            self.on_item(region, key, stamp, entry.before, item)

    def send(self, region: Region, lag: float, arrive: Callable[[Region], object]) -> None:
        """Replicate a change. It is lost if its source region is lost first, and waits during a partition."""
        peer = self.peer(region)
        if self.now < self.lag_until:
            lag = min(lag * self.lag_factor, _LONGEST_LAG)
        lag = min(lag, self.longest_lag)

        def deliver() -> None:
            if region.is_destroyed or peer.is_destroyed:
                return
            blocked = max(self.parted_until, region.dark_until, peer.dark_until)
            if self.now < blocked:
                self.scheduler.after(blocked - self.now + lag, deliver)
                return
            arrive(peer)

        self.scheduler.after(lag, deliver)

    # --- S3 ------------------------------------------------------------------------------------------------------

    def put_version(self, region: Region, key: str, body: bytes) -> Version:
        """Put an object into the ingest bucket. S3 sends its event, replicates it, and sends the replica's event."""
        number = self.number()
        version = Version(key, f"version-{number:06d}", body, self.clock(region), "PENDING", arrived_at=self.now)
        region.ingest[key, version.version_id] = version
        self.announce(region, version, number)
        lag = self.chance.lag(*_OBJECT_LAG, "object", region.name, key, number, shape=self.plan.lags)
        lag = lag if self.plan.unreplicated is None else _AT_ONCE
        if self._stands(Kind.UNREPLICATED, region, version):
            version.replication = "FAILED"
        else:
            self.send(region, lag, lambda peer: self._replicated(peer, version))
        return version

    def _stands(self, kind: Kind, region: Region, version: Version) -> bool:
        """Return whether a fault of one object affects a version of it in a region, and count it."""
        if (kind, region.name, version.key.rsplit("/", 1)[-1].partition(".")[0]) not in self._standing:
            return False
        self.cover(kind, "-")
        self.note(region, "fault", kind, version.key)
        return True

    def _replicated(self, peer: Region, version: Version) -> None:
        if (version.key, version.version_id) not in self.peer(peer).ingest:
            return  # deleted before it was replicated
        copy = Version(version.key, version.version_id, version.body, version.created_at, "REPLICA", arrived_at=self.now)
        peer.ingest[copy.key, copy.version_id] = copy
        version.replication = "COMPLETED"
        self.note(peer, "replication", "object arrives", version.key)
        self.announce(peer, copy, self.number())

    def announce(self, region: Region, version: Version, number: int) -> None:
        """Let S3 send the event of a version, at least once."""
        if self._stands(Kind.LOSE_EVENT, region, version):
            return
        body = json.dumps({"Records": [event_record(region, version)]})
        times = 2 if self.chance.happens(0.02, "event twice", region.name, version.version_id, number) else 1
        for again in range(times):
            lag = self.chance.lag(*_EVENT_LAG, "event", region.name, version.version_id, number, again, shape=self.plan.lags)
            self.scheduler.after(lag, lambda: self.send_message(region, body, {}, 0.0))

    # --- SQS -----------------------------------------------------------------------------------------------------

    def send_message(self, region: Region, body: str, attributes: dict[str, Any], delay: float) -> Queued | None:
        """Put a message on the ingest queue; return None if the region is destroyed."""
        if region.is_destroyed:
            return None
        message = Queued(self.number(), body, attributes, self.clock(region), self.now + delay)
        region.queue[message.number] = message
        self.scheduler.after(delay, lambda: self.on_message(region))
        return message

    def receive(self, region: Region, most: int) -> list[Queued]:
        """Receive visible messages, in no order; each is hidden for the visibility timeout."""
        visible = [message for message in region.queue.values() if message.visible_at <= self.now]
        visible.sort(key=lambda one: self.chance.unit("receive", region.name, one.number, one.receives))
        taken: list[Queued] = []
        for message in visible:
            if len(taken) == most:
                break
            if message.receives >= MAXIMUM_RECEIVES:
                del region.queue[message.number]
                region.dead[message.number] = message
                self.note(region, "SQS", "redrive policy", f"message {message.number} goes to the dead-letter queue")
                continue
            message.receives += 1
            twice = self.chance.happens(0.005, "receive twice", region.name, message.number, message.receives)
            message.visible_at = self.now + (1.0 if twice else VISIBILITY_SECONDS)
            self.scheduler.after(message.visible_at - self.now, lambda: self.on_message(region))
            taken.append(message)
        return taken

    # --- faults that begin at a time -----------------------------------------------------------------------------

    def begin(self, fault: Fault) -> None:
        """Begin a timed fault."""
        region, until = self.regions[fault.region], self.now + fault.lasts
        self.cover(fault.kind, "-")
        match fault.kind:
            case Kind.DESTROY:
                self._destroy(region)
            case Kind.BLACKOUT | Kind.OUTAGE | Kind.EXPIRED | Kind.KEY_DENIED | Kind.SILENCE:
                held = _UNTIL[fault.kind]  # a shorter fault does not end a longer one
                setattr(region, held, max(until, getattr(region, held)))
            case Kind.PARTITION:
                self.parted_until = max(until, self.parted_until)
            case Kind.STALL:
                region.stalled_until, region.stall = until, fault.amount
            case Kind.LAG:
                self.lag_until, self.lag_factor = until, fault.amount
            case Kind.SKEW:
                region.skew = fault.amount
                self.scheduler.after(fault.lasts, lambda: setattr(region, "skew", 0.0))
            case Kind.DEPLOY:
                region.transform_version = int(fault.amount)
            case Kind.REDRIVE:
                self.redrive(region)
            case Kind.LOSE_MESSAGES:
                region.queue.clear()
            case _:
                return
        self.note(region, "fault", fault.kind, f"for {fault.lasts:g} s" if fault.lasts else "")

    def redrive(self, region: Region) -> None:
        """Move the dead letters back to the ingest queue."""
        for message in list(region.dead.values()):
            self.send_message(region, message.body, message.attributes, 0.0)
        region.dead.clear()

    def _destroy(self, region: Region) -> None:
        region.is_destroyed = True
        self.phase = "region lost"
        for process in self._processes:
            if process.region == region.name:
                process.crash()


class ServiceClient:
    """A client of one service in one region."""

    service: str
    """The service's name in the story and the coverage."""

    def __init__(self, world: World, region: Region) -> None:
        self._world = world
        self._region = region

    def _call(self, operation: str, effect: Callable[[], _Answer], what: str) -> _Answer:
        return self._world.call(self._region, f"{self.service}:{operation}", effect, what)

    def _note(self, operation: str, effect: str) -> None:
        process = current_process()
        self._world.note(self._region, process.name if process else "simulator", f"{self.service}:{operation}", effect)


def event_record(region: Region, version: Version) -> dict[str, Any]:
    """Return S3's event record of a created object."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region.name,
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": f"ingest-{region.name}"},
            "object": {"key": quote_plus(version.key, safe="/"), "size": len(version.body), "versionId": version.version_id},
        },
    }


def refusal(operation: str, code: str, message: str, status: int) -> ClientError:
    """Return botocore's error for a refused call."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def alive(world: World) -> Iterator[Region]:
    """Yield the regions that were not destroyed."""
    return (region for region in world.regions.values() if not region.is_destroyed)
