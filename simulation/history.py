"""Run a history: the plan's events happen in the world, the handlers run, the faults stop, and everything must settle."""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from handlers.processor.pipeline import Pipeline
from handlers.shared.object_keys import Upload as UploadKey
from handlers.shared.object_keys import object_identity
from simulation import clients, handlers_in_world, operators, rotation
from simulation.checks import Accepted, acknowledged, canary_ids, check, durable, failed, is_seldom, overdue
from simulation.clients import People
from simulation.plan import CALL_FAULTS, REGIONS, STANDING_FAULTS, Fault, Kind, Plan, Upload, Watch
from simulation.regions import Queued, Region
from simulation.scheduler import EPOCH
from simulation.secrets_manager import HOME
from simulation.watch import Watch as WriteWatch
from simulation.watchers import Watchers
from simulation.world import FUNCTION_SECONDS, MAXIMUM_RECEIVES, World, alive, event_record

SCHEDULED_EVERY: Final = 300.0
"""Seconds between two runs, from the function's schedule."""
RECONCILED_EVERY: Final = 1800.0
"""Seconds between two runs in a history without alarms; walks pause for an hour, and each run costs the simulator time."""
LOOKS: Final = (15.0, 30.0, 60.0, 120.0, 240.0, 600.0, 1200.0, 2400.0, 3600.0)
"""Times at which the issuers report whether objects are durable, beside the time before a region is destroyed."""
_LOOKS_AFTER_REPROCESSING: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
CONCURRENCY: Final = 4
_BUNDLED: Final = 8
"""Maximum number of objects in a message."""
_FOREIGN: Final[tuple[Any, ...]] = (
    {},
    "text",
    {
        "eventName": "ObjectRemoved:Delete",
        "eventTime": "now",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "incoming/a"}},
    },
    {
        "eventName": "ObjectCreated:Put",
        "eventTime": "now",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "elsewhere/a"}},
    },
)
"""Records of an event without an object of the platform."""
_FAST_CALL_SECONDS: Final = 0.7
"""Maximum seconds of a call with which an invocation can end before its timeout; it reserves 5 seconds for its last
calls."""
BATCH_SIZE: Final = 10


@dataclass
class History:
    """A history and its results."""

    plan: Plan
    world: World = field(init=False)
    accepted: list[Accepted] = field(default_factory=list)
    violations: list[tuple[str, str]] = field(default_factory=list)
    _warm: dict[str, list[Pipeline]] = field(default_factory=lambda: {name: [] for name in REGIONS})
    _polls: set[str] = field(default_factory=set)
    _watch: WriteWatch = field(init=False)
    watchers: Watchers | None = None
    most_messages: dict[str, int] = field(default_factory=dict)
    people: People | None = None
    rotations: int = 0
    extra_puts: int = 0
    """Number of repeated puts of objects, beside the uploads that are drawn twice."""
    meddled: set[str] = field(default_factory=set)
    """Ids of the objects with a lost version, a lost record or a changed record."""

    def __post_init__(self) -> None:
        self.world = World(self.plan)
        self._watch = WriteWatch(self._name_of, self._is_canary, lambda: self.world.now, self._ordinals_of)
        self.world.on_message = self._poll_soon
        self.world.on_item = self._watch.take

    def run(self) -> "History":
        """Run the history, then check it."""
        handlers_in_world.enter(self.world)
        self.people = People(self) if any(upload.by_client for upload in self.plan.uploads) else None
        self.watchers = self._begin_watching()
        for upload in self.plan.uploads:
            if upload.by_client and self.people:
                self.people.expect(upload, file_key_of(upload), body_of(upload))
            else:
                self._at(upload.at, partial(self._put, upload))
        for fault in self.plan.faults:
            if fault.kind not in CALL_FAULTS and fault.kind not in STANDING_FAULTS:
                self._at(fault.at, partial(self._begin, fault))
        ends = self.plan.horizon + self.plan.settle - 3600 * (not self.plan.watch)
        every = RECONCILED_EVERY if is_seldom(self.plan) else SCHEDULED_EVERY
        for place, name in enumerate(REGIONS):
            for number in range(1, int(ends / every)):
                self._at(number * every + 7 * place, partial(self._reconcile, self.world.regions[name]))
        for moment in LOOKS:
            self._at(moment, self._look_at_durable)
        scheduler = self.world.scheduler
        scheduler.run(EPOCH + self.plan.horizon)
        self.stop_faults()
        scheduler.run(EPOCH + self.plan.horizon + self.plan.settle)
        if self.watchers:
            self.violations += self.watchers.end()
        self.violations += [*self._watch.violations, *check(self)]
        if self.people:
            self.violations += self.people.judge()
            self.people.close()
        return self

    def _begin_watching(self) -> Watchers | None:
        if self.plan.watch is Watch.NOTHING:
            return None
        watchers = Watchers(self)
        watchers.begin()
        return watchers

    def digest(self) -> str:
        """Return a hash of the story, the same for the same plan on any machine."""
        lines = "\n".join("\t".join(map(str, line)) for line in self.world.story)
        return hashlib.sha256(lines.encode()).hexdigest()

    def stop_faults(self) -> None:
        """Heal the faults, promote a survivor, and redrive, as the runbook requires."""
        self.violations += overdue(self)
        world = self.world
        world.parted_until = world.lag_until = 0.0
        for region in alive(world):
            region.dark_until = region.stalled_until = region.throttled_until = region.silent_until = 0.0
            region.expired_until = region.key_denied_until = 0.0
            world.redrive(region)
            world.on_message(region)
        was_denied = any(fault.kind is Kind.KEY_DENIED for fault in self.plan.faults)
        if was_denied and world.regions[HOME].secret.status == "Failed":  # as the runbook asks where `secret-drift` rings
            self.rotations += 1
            rotation.rotate(world)
        if self.people:
            self.people.stop_faults()
        survivors = list(alive(world))
        if len(survivors) == 1:
            self._promote(survivors[0])

    def _at(self, seconds: float, action: Callable[[], object]) -> None:
        self.world.scheduler.after(EPOCH + seconds - self.world.now, action)

    def _is_canary(self, object_id: str) -> bool:
        return object_id in canary_ids(self.world)

    def _name_of(self, object_id: str) -> str:
        return next((one.upload.name for one in self.accepted if one.object_id == object_id), object_id)

    def _ordinals_of(self, object_id: str, version: str) -> Collection[int]:
        found = (one.expected(int(version.removeprefix("v"))) for one in self.accepted if one.object_id == object_id)
        return next(found, {}).keys()

    # --- clients ---------------------------------------------------------------------------------------------------

    def _put(self, upload: Upload) -> None:
        name = self.watchers.region_for(upload) if self.watchers else upload.region
        world, region = self.world, self.world.regions[name]
        if region.is_destroyed or world.now < region.dark_until:
            return  # the client gets no answer; what it tries next is another upload
        body = body_of(upload)
        key = key_of(upload, body)
        if upload.altered:
            body += body  # every line once more
        for number in range(2 if upload.twin else 1):
            version = world.put_version(region, key, body)
            world.note(region, "client", "PUT", f"{key} is accepted as {version.version_id}")
            if number == 0 or upload.direct:  # through the issuer, two versions are one object
                identity = object_identity("ingest", key, version.version_id)
                self.accepted.append(Accepted(upload, identity, version, region.name))

    # --- faults ----------------------------------------------------------------------------------------------------

    def _begin(self, fault: Fault) -> None:
        region = self.world.regions[fault.region]
        if region.is_destroyed:
            return
        match fault.kind:
            case Kind.PROMOTE | Kind.FORCE | Kind.UNFORCE | Kind.REPROCESS:
                self._operate(fault, region)
            case Kind.FAILBACK if self.watchers:
                self.watchers.fail_back(region)
            case Kind.DUPLICATE | Kind.DELETE | Kind.LOSE_RECORD | Kind.LOSE_IN_REPLICA | Kind.CHANGE_IN_REPLICA:
                self._touch(fault, region)
            case Kind.BUNDLE:
                self._bundle(fault, region)
            case Kind.ROTATE:
                self.rotations += 1
                rotation.rotate(self.world)
            case _ if fault.kind not in clients.FAULTS:
                self._begin_in_world(fault, region)
            case _ if self.people:
                self.people.begin(fault)

    def _begin_in_world(self, fault: Fault, region: Region) -> None:
        if fault.kind is Kind.DESTROY:
            self._look_at_durable()
        self.world.begin(fault)
        if fault.kind is Kind.DEPLOY:
            self._warm[region.name].clear()

    def _touch(self, fault: Fault, region: Region) -> None:
        for one in self.accepted:
            version = region.ingest.get((one.version.key, one.version.version_id))
            if one.upload.name != fault.name or (version is None and not fault.amount):
                continue
            if version is None or fault.kind not in {Kind.DUPLICATE, Kind.DELETE}:
                self._touch_record(region, one.object_id, fault)
            elif fault.kind is Kind.DUPLICATE:
                self.world.announce(region, version, self.world.number())
            else:
                self.meddled.add(one.object_id)
                del region.ingest[version.key, version.version_id]
                self.world.note(region, "client", "DELETE", f"{version.key} {version.version_id}")

    def _touch_record(self, region: Region, object_id: str, fault: Fault) -> None:
        kind, result = fault.kind, region.item(f"OBJ#{object_id}", "RESULT")
        rows = [result] if fault.amount else region.partition(f"REC#{object_id}#000000")[:1]
        for item in filter(None, rows):
            self.meddled.add(object_id)
            key = (item["pk"]["S"], item["sk"]["S"])
            if kind is Kind.LOSE_RECORD:
                self.world.write_item(region, key, None)
            else:
                is_lost = kind is Kind.LOSE_IN_REPLICA
                region.change(key, None if is_lost else item | {"record": {"M": {"changed by": {"S": "nobody"}}}})
            self.world.note(region, "operator", kind, " ".join(key))

    def _bundle(self, fault: Fault, region: Region) -> None:
        """Send a message with the newest objects of the bucket, and `amount` records without an object."""
        world = self.world
        records: list[Any] = [event_record(region, version) for version in list(region.ingest.values())[-_BUNDLED:]]
        self.extra_puts += len(records)
        for number in range(int(fault.amount)):
            place = world.chance.below(len(records) + 1, "place", fault.at, number)
            records.insert(place, _FOREIGN[world.chance.below(len(_FOREIGN), "foreign", fault.at, number)])
        content = {"Records": records} if records else {"Event": "s3:TestEvent"}
        world.note(region, "fault", fault.kind, f"{len(records)} records, {fault.amount:g} of them name no object")
        world.send_message(region, json.dumps(content), {}, 0.0)

    def _look_at_durable(self) -> None:
        self.violations += durable(self)

    def _operate(self, fault: Fault, region: Region) -> None:
        self.world.phase = "promoted" if self.world.phase == "steady" else self.world.phase
        self.world.coverage[fault.kind.value, self.world.phase, "-"] = 1
        if fault.kind is Kind.PROMOTE:
            self._promote(region)
            return
        process, forced = self.world.process("operator", region), fault.kind is Kind.FORCE
        if fault.kind is Kind.REPROCESS:
            for seconds in _LOOKS_AFTER_REPROCESSING:
                self.world.scheduler.after(seconds, self._look_at_durable)
            self.extra_puts += len(region.ingest)
            process.start(lambda: operators.reprocess(self.world, region), lambda: None)
        else:
            process.start(lambda: operators.force_clients(self.world, forced=forced), lambda: None)

    def _promote(self, region: Region) -> None:
        process = self.world.process("operator", region)
        self.world.note(region, "operator", "promote", region.name)
        process.start(lambda: operators.promote(self.world, region), lambda: None)

    # --- the reconciler ----------------------------------------------------------------------------------------------

    def _reconcile(self, region: Region) -> None:
        if region.is_destroyed or self.world.now < max(region.dark_until, region.throttled_until, region.silent_until):
            return
        process = self.world.process("reconciler", region)
        process.start(lambda: self._run_reconciler(region), lambda: None)

    def _run_reconciler(self, region: Region) -> None:
        try:
            handlers_in_world.invoke_reconciler(self.world, region)
        except Exception as error:  # noqa: BLE001 - an invocation that failed: the next one does it again
            self.world.note(region, "lambda", "reconcile", f"not done: {type(error).__name__}")

    # --- Lambda ----------------------------------------------------------------------------------------------------

    def _poll_soon(self, region: Region) -> None:
        if region.name not in self._polls and not region.is_destroyed:
            self._polls.add(region.name)
            world = self.world
            wait = 0.05 + world.chance.unit("poll", region.name, world.number())
            world.scheduler.after(wait, lambda: self._poll(region))

    def _poll(self, region: Region) -> None:
        self._polls.discard(region.name)
        world = self.world
        if region.is_destroyed:
            return
        blocked = max(region.dark_until, region.throttled_until)
        if world.now < blocked:
            world.scheduler.after(blocked - world.now, lambda: self._poll_soon(region))
            return
        if region.running >= CONCURRENCY:
            return  # the next invocation to end asks again
        messages = world.receive(region, BATCH_SIZE)
        if messages:
            self._watch_queue(region)
            self._invoke(region, messages)
            self._poll_soon(region)

    def _invoke(self, region: Region, messages: list[Queued]) -> None:
        world = self.world
        for message in messages:
            what = f"message {message.number} about {message.about}, delivery {message.receives}"
            world.note(region, "lambda", "invoke", what)
        region.running += 1
        pipeline = self._warm[region.name].pop() if self._warm[region.name] else self._new_environment(region)
        process, has_answered = world.process("processor", region), False

        def work() -> None:
            nonlocal has_answered
            records = [lambda_record(message) for message in messages]
            failed_ids = handlers_in_world.invoke_processor(world, pipeline, records)
            has_answered = True  # Lambda's poller deletes the messages, not in the function's time
            for message in messages:
                is_last = message.receives >= MAXIMUM_RECEIVES and f"message-{message.number}" in failed_ids
                if is_last and not process.met_fault:
                    self.violations += failed(region, message)
            done = [message for message in messages if f"message-{message.number}" not in failed_ids]
            try:
                world.call(region, "lambda:DeleteMessage", lambda: self._acknowledge(region, done))
            except Exception:  # noqa: BLE001 - Lambda's own trouble: the messages come again
                world.note(region, "lambda", "lambda:DeleteMessage", "not done")
            self._keep_warm(region, pipeline)
            end()

        def end() -> None:
            region.running -= 1
            self._poll_soon(region)

        def time_out() -> None:
            if not (has_answered or process.has_ended):
                world.note(region, "lambda", "timeout", f"the invocation is killed after {FUNCTION_SECONDS:g} s")
                if process.slowest_call < _FAST_CALL_SECONDS:
                    self.violations.append(_timed_out(messages, process.slowest_call))
                process.crash()

        process.start(work, end)
        world.scheduler.after(FUNCTION_SECONDS, time_out)

    def _acknowledge(self, region: Region, messages: list[Queued]) -> None:
        for message in messages:
            if region.queue.pop(message.number, None):
                self.world.note(
                    region,
                    "lambda",
                    "lambda:DeleteMessage",
                    f"message {message.number} about {message.about} is acknowledged",
                )
                self.violations += acknowledged(self, region, message)

    def _keep_warm(self, region: Region, pipeline: Pipeline) -> None:
        """Keep an environment for later invocations, unless a deployment replaced it."""
        if pipeline.processing_version == handlers_in_world.version_name(region.transform_version):
            self._warm[region.name].append(pipeline)

    def _new_environment(self, region: Region) -> Pipeline:
        pipeline = handlers_in_world.build_processor(self.world, region)
        return handlers_in_world.with_transform(pipeline, region.transform_version)

    def _watch_queue(self, region: Region) -> None:
        self.most_messages[region.name] = max(self.most_messages.get(region.name, 0), len(region.queue))


def _timed_out(messages: list[Queued], slowest: float) -> tuple[str, str]:
    what = f"message {messages[0].number} and {len(messages) - 1} more: no call took more than {slowest:.2f} s"
    return "an invocation ends before its timeout", what


def lambda_record(message: Queued) -> dict[str, Any]:
    """Return a message in the format of Lambda's event."""
    return {
        "messageId": f"message-{message.number}",
        "receiptHandle": f"handle-{message.number}-{message.receives}",
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent_at * 1000)),
        },
        "messageAttributes": message.attributes,
        "eventSource": "aws:sqs",
    }


def body_of(upload: Upload) -> bytes:
    """Return a file's bytes."""
    lines = [json.dumps({"file": upload.name, "n": place, "kind": kind}) for place, kind in enumerate(upload.records)]
    return (f"[{', '.join(lines)}" if upload.damaged else "\n".join([*lines, ""])).encode()  # a JSON array without its end


def file_key_of(upload: Upload) -> str:
    """Return the client's name of the file."""
    return f"{upload.name}.json" if upload.damaged else f"{upload.name}.ndjson"


def key_of(upload: Upload, body: bytes) -> str:
    """Return the key of a file; through the issuer it has an upload id of the upload's time."""
    file_key = file_key_of(upload)
    if upload.direct:
        return f"incoming/{file_key}"
    digest = hashlib.sha256(upload.name.encode()).hexdigest()
    milliseconds = f"{int((EPOCH + upload.at) * 1000):012x}"
    upload_id = f"{milliseconds[:8]}-{milliseconds[8:]}-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
    return UploadKey("simulation", upload_id, hashlib.sha256(body).hexdigest(), file_key).object_key
