"""Run the observers, CloudWatch's alarms, Route 53 and their checks during a history."""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from simulation import observers, operators
from simulation.alarms import ALARMS
from simulation.checks import Judged
from simulation.front_door import FrontDoor
from simulation.health_checks import HealthChecks
from simulation.plan import PRIMARY, REGIONS, Fault, Kind, Upload, Watch
from simulation.regions import Region
from simulation.scheduler import EPOCH
from simulation.watched_checks import FAILBACK_SECONDS, WatchedChecks
from simulation.watched_plans import CALM_SECONDS, LONGEST_LAG, QUIET_SECONDS
from simulation.web import Web

_COUNTED_RECEIVES: Final = 3
_MINUTE: Final = 60


@dataclass
class Watchers:
    """Runs the observers, the alarms, Route 53 and their checks."""

    history: Judged
    door: FrontDoor = field(init=False)
    web: Web = field(init=False)
    health_checks: HealthChecks = field(init=False)
    checks: WatchedChecks = field(init=False)
    is_over: bool = False
    _environments: dict[str, observers.Environment] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        world = self.history.world
        self.door = FrontDoor(world)
        self.web = Web(world, self.door.invoke)
        observers.connect(self.web)
        self.health_checks = HealthChecks(world, self.web)
        self.checks = WatchedChecks(self.history, self.health_checks)

    @property
    def _has_observers(self) -> bool:
        return self.history.plan.watch is Watch.OBSERVERS

    def begin(self) -> None:
        """Schedule all runs until the history's end."""
        world, plan = self.history.world, self.history.plan
        first = int(plan.watched_from // _MINUTE)
        if self._has_observers:
            world.longest_lag = LONGEST_LAG
            world.scheduler.after(plan.horizon, partial(setattr, world, "slowest", CALM_SECONDS))
            observers.deploy(world)
            self.health_checks.begin()
        for minute in range(first + 1, int((plan.horizon + plan.settle) // _MINUTE)):
            for place, name in enumerate(REGIONS):
                region, seconds = world.regions[name], minute * _MINUTE
                world.scheduler.after(seconds + 1 + place, partial(self._evaluate, region))
                if self._has_observers:
                    late = 3 + 9 * place + 4 * world.chance.unit("observer", name, minute)
                    world.scheduler.after(seconds + late, partial(self._observe, region, EPOCH + seconds))

    def region_for(self, upload: Upload) -> str:
        """Return the region to which a client sends a file; a file for the primary goes to Route 53's answer."""
        if not self._has_observers or upload.region != PRIMARY:
            return upload.region
        return self.health_checks.resolve(upload.name)

    def end(self) -> list[tuple[str, str]]:
        """Do the last checks, stop the observers, wait for unfinished work, and return the broken invariants."""
        self.checks.end()
        self.is_over = self.health_checks.is_over = True
        scheduler = self.history.world.scheduler
        if self._has_observers:
            scheduler.run(scheduler.now + QUIET_SECONDS)
        self.door.close()
        return self.checks.violations

    # --- the operator ------------------------------------------------------------------------------------------------

    def fail_back(self, region: Region) -> None:
        """Fail back to a region once the checks allow it, and lose the other region at once."""
        world, plan = self.history.world, self.history.plan
        until = EPOCH + plan.horizon + FAILBACK_SECONDS

        def work() -> None:
            decided_at = operators.fail_back(world, region, self.web, until=until)
            self.checks.fails_back(region, decided_at)
            if decided_at is not None:
                world.begin(Fault(Kind.DESTROY, world.peer(region).name, world.now))
                operators.promote(world, region)

        world.process("operator", region).start(work, lambda: None)

    # --- CloudWatch --------------------------------------------------------------------------------------------------

    def _evaluate(self, region: Region) -> None:
        """Add SQS's metrics of the minute that ends, and evaluate the region's alarms."""
        world = self.history.world
        if not region.is_destroyed and world.now >= region.dark_until:
            _sample(region, world.now)
            _sample_replication(world.peer(region), region, world.now)
            alarms = tuple(
                alarm for alarm in ALARMS if self._has_observers or ("service", "observer") not in alarm.dimensions
            )
            for resource, state in region.cloudwatch.evaluate(alarms, world.now):
                world.note(region, "CloudWatch", "alarm", f"{resource}: {state}")
        self.checks.look(region)

    # --- the observer ------------------------------------------------------------------------------------------------

    def _observe(self, region: Region, scheduled_at: float) -> None:
        world = self.history.world
        is_silent = region.is_destroyed or world.now < max(region.dark_until, region.silent_until)
        if self.is_over or is_silent or region.name in self._running:
            return
        environment = self._environments.get(region.name)
        if environment is None or environment.is_dead:
            environment = self._environments[region.name] = observers.environment(world, region)
        self._running.add(region.name)
        environment.thaw()
        run_number = world.number()
        environment.run_number = run_number

        def end() -> None:
            self._running.discard(region.name)

        def work() -> None:
            try:
                observers.run(scheduled_at, world)
            except Exception as error:  # noqa: BLE001 - an invocation that failed: the next one is a minute away
                world.note(region, "lambda", "observe", f"not done: {type(error).__name__}: {error}")
            environment.freeze()
            end()

        def kill() -> None:
            if environment.run_number == run_number and not environment.is_frozen:
                world.note(region, "lambda", "observe", "timed out")
                environment.crash()

        environment.start(work, end)
        world.scheduler.after(observers.RUN_SECONDS, kill)


def _sample_replication(source: Region, destination: Region, now: float) -> None:
    """Publish S3's metric of a direction in its destination: the most objects that were on their way at one time.

    It is of the minute before the last one, because S3 publishes it late, and of no minute without such an object.
    """
    first, last = now - 2 * _MINUTE, now - _MINUTE
    spans = []
    for place, version in source.ingest.items():
        if version.replication in {"PENDING", "COMPLETED"}:
            copy = destination.ingest.get(place)
            spans.append((version.arrived_at, copy.arrived_at if copy else now))
    moments = [first, *(begins for begins, _ in spans if first < begins < last)]
    pending = max(sum(begins <= moment < ends for begins, ends in spans) for moment in moments)
    if pending and not source.is_destroyed:
        dimensions = {
            "SourceBucket": f"ingest-{source.name}",
            "DestinationBucket": f"ingest-{destination.name}",
            "RuleId": observers.REPLICATION_RULE,
        }
        destination.cloudwatch.put("AWS/S3", "OperationsPendingReplication", dimensions, pending, now - 2)


def _sample(region: Region, now: float) -> None:
    """Publish SQS's metrics of a queue for the last minute. The age leaves out what was received more than three times.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    ready = [one for one in region.queue.values() if one.receives or one.visible_at <= now]
    waiting = [now - one.sent_at for one in ready if one.receives <= _COUNTED_RECEIVES]
    ended, put = now - 2, region.cloudwatch.put
    put("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "ingest"}, max(waiting, default=0.0), ended)
    put("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "ingest-dlq"}, len(region.dead), ended)
