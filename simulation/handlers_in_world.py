"""Run the real handlers in the simulated world, which replaces the machine's services.

It replaces only things outside the handlers: boto3's clients, the clock, random numbers and threads.
"""

import concurrent.futures
import hashlib
import logging
import os
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "true")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Simulation")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "simulation")

import boto3
import botocore.auth
import jwt.api_jwt
from aws_lambda_powertools import Logger, Metrics
from botocore.credentials import Credentials

from handlers.issuer import validation
from handlers.issuer.ledger import Ledger as IssuerLedger
from handlers.issuer.ledger import Retention
from handlers.issuer.states import StateReader
from handlers.processor import application as processor_application
from handlers.processor import handler as processor_handler
from handlers.processor import record_writer, walk
from handlers.processor.pipeline import Pipeline
from handlers.processor.transform import Reject
from simulation import cloudwatch, secrets_manager
from simulation.plan import PRIMARY, REGIONS, SECONDARY, SLOW_BATCH, SLOW_WRITERS
from simulation.regions import Region
from simulation.scheduler import Executor, Future, Process, Thread, as_completed, current_process, wait
from simulation.services import client
from simulation.world import ENVIRONMENT, FUNCTION_SECONDS, MAXIMUM_RECEIVES, SHADOW_DELAY_SECONDS, World

_state: Final = SimpleNamespace(world=None, pipeline=None, reconciler=None)


class Clock(ModuleType):
    """The module `time` of the current region."""

    def __init__(self) -> None:
        super().__init__("time")

    @staticmethod
    def time() -> float:
        """Return epoch seconds by the region's clock; clocks outside the regions are correct."""
        world: World = _state.world
        process = current_process()
        region = world.regions.get(process.region) if process else None
        return world.clock(region) if region else world.now

    @staticmethod
    def monotonic() -> float:
        """Return seconds that never go backwards."""
        world: World = _state.world
        return world.now

    perf_counter = monotonic

    @staticmethod
    def sleep(seconds: float) -> None:
        """Let simulated time pass."""
        process = current_process()
        if process:
            process.wait(seconds)


class _Random(ModuleType):
    """The module `random`."""

    def __init__(self) -> None:
        super().__init__("random")

    @staticmethod
    def uniform(low: float, high: float) -> float:
        """Return a number between two."""
        world: World = _state.world
        return low + (high - low) * world.chance.unit("uniform", world.number())

    @staticmethod
    def random() -> float:
        """Return a number from 0 up to 1."""
        return _Random.uniform(0.0, 1.0)


class _Secrets(ModuleType):
    """The module `secrets`, with values that the history determines."""

    def __init__(self) -> None:
        super().__init__("secrets")

    @staticmethod
    def token_bytes(size: int) -> bytes:
        """Return bytes that no earlier call returned."""
        world: World = _state.world
        return hashlib.shake_128(f"{world.plan.seed} {world.number()}".encode()).digest(size)

    @staticmethod
    def token_hex(size: int) -> str:
        """Return such bytes as hexadecimal text."""
        return _Secrets.token_bytes(size).hex()

    @staticmethod
    def randbits(bits: int) -> int:
        """Return a number of `bits` bits."""
        return int.from_bytes(_Secrets.token_bytes(-(-bits // 8)), "big") >> -bits % 8


class _Now(datetime):
    """`datetime` for libraries that read the current time from it."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Now":
        """Return the time by the clock of the current region."""
        return cls.fromtimestamp(Clock.time(), tz)


def _signing_time(remove_tzinfo: bool = True) -> datetime:  # noqa: FBT001, FBT002 - botocore's own
    """Return the time for botocore's signatures."""
    return _Now.now(None if not remove_tzinfo else UTC).replace(tzinfo=None if remove_tzinfo else UTC)


@cache
def metrics_of(service: str) -> cloudwatch.Metrics:
    """Return a function's metrics, which a history without alarms does not keep."""

    def take(process: Process, line: Any) -> None:  # noqa: ANN401 - a line of the log
        world: World = _state.world
        region = world.regions[process.region]
        region.cloudwatch.take_log(line, world.clock(region))

    def is_read() -> bool:
        world: World | None = _state.world
        return world is not None and bool(world.plan.watch)

    return cloudwatch.Metrics(service, take=take, is_read=is_read)


class _Silence:
    """Powertools' logger without output, because the story is the simulation's log."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def _client(service: str, region_name: str = "", **_: object) -> Any:  # noqa: ANN401 - clients have no type in common
    """Replace `boto3.client`; the default region is that of the function, as in Lambda."""
    process, world = current_process(), _state.world
    return client(world, world.regions[region_name or (process.region if process else PRIMARY)], service)


def _credentials() -> Credentials:
    return Credentials("AKIASIMULATED", "simulated")


_CLOCK: Final = Clock()
_REPLACED: Final = [
    (time, _CLOCK),
    (random, _Random()),
    (secrets, _Secrets()),
    (boto3, SimpleNamespace(client=_client, Session=lambda: SimpleNamespace(get_credentials=_credentials))),
    (threading, SimpleNamespace(Thread=Thread, Lock=threading.Lock, Event=threading.Event)),
    (concurrent.futures.ThreadPoolExecutor, Executor),
    (concurrent.futures.Future, Future),
    (concurrent.futures.wait, wait),
    (concurrent.futures.as_completed, as_completed),
]
"""Pairs of an object that a module may have imported, and its replacement in the simulation."""
_REPLACED_DEFAULTS: Final = [
    (time.time, _CLOCK.time),
    (time.monotonic, _CLOCK.monotonic),
    (random.random, _Random.random),
]
REPLACED_NAMES: Final[dict[tuple[ModuleType, str], object]] = {
    (processor_handler, "application"): lambda: _state.pipeline,
    (processor_handler, "reconciler"): lambda: _state.reconciler,
    (validation, "MINIMUM_PART_BYTES"): 1,
    (walk, "_SECONDS_BETWEEN_LOOKS"): 0.0,  # simulated time does not pass between two records
    (botocore.auth, "get_current_datetime"): _signing_time,
    (jwt.api_jwt, "datetime"): _Now,
}
_installed: Final[set[str]] = set()
_LIMITS: Final = [
    (name, vars(record_writer)[name], slow) for name, slow in (("WRITERS", SLOW_WRITERS), ("_BATCH_ITEMS", SLOW_BATCH))
]
"""Constants of the processor that a plan with a pace replaces: a name, its value, its value then."""


def install() -> None:
    """Replace clock, random numbers, threads and clients in every imported module of the handlers and the client."""
    for name in sys.modules.keys() - _installed:
        if name.startswith(("handlers.", "client.")):
            install_in(sys.modules[name])
    _installed.update(sys.modules)
    for (owner, name), simulated in REPLACED_NAMES.items():
        setattr(owner, name, simulated)


def install_in(module: ModuleType) -> None:
    """Replace them in a module."""
    for attribute, value in list(vars(module).items()):
        _replace_defaults(value)
        if isinstance(value, Logger | logging.Logger):
            setattr(module, attribute, _Silence())
        elif isinstance(value, Metrics):
            setattr(module, attribute, metrics_of(module.__name__.split(".")[1]))
        for real, simulated in _REPLACED:
            if value is real:
                setattr(module, attribute, simulated)


def _replace_defaults(value: object) -> None:
    """Replace the clock in defaults of arguments: `clock: Callable[[], float] = time.monotonic`."""
    for function in [value, *(vars(value).values() if isinstance(value, type) else ())]:
        if isinstance(function, FunctionType):
            defaults = function.__kwdefaults__ or {}
            defaults.update({name: _simulated(default) for name, default in defaults.items()})
            function.__defaults__ = function.__defaults__ and tuple(map(_simulated, function.__defaults__))


def _simulated(default: object) -> object:
    return next((simulated for real, simulated in _REPLACED_DEFAULTS if default is real), default)


def enter(world: World) -> None:
    """Set the world in which handlers run."""
    install()
    _state.world = world
    for name, real, slow in _LIMITS:
        setattr(record_writer, name, slow if world.plan.pace else real)
    secrets_manager.create(world)


def transform_of(version: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the transform of a version. The second rejects and changes records that the first accepts unchanged."""

    def transform(record: dict[str, Any]) -> dict[str, Any]:
        if process := current_process():
            process.computed += _state.world.plan.reading
        kind = record.get("kind", "g")  # a canary has none
        if kind == "b" or (kind == "v" and version > 1):
            raise Reject("not wanted")
        return record | {"changed": version} if kind == "w" and version > 1 else record

    return transform


def variables(region: Region) -> dict[str, str]:
    """Return the environment variables in the function's template."""
    return {
        "AWS_REGION": region.name,
        "ENVIRONMENT": ENVIRONMENT,
        "TABLE_NAME": "ledger",
        "QUEUE_URL": "ingest",
        "DEAD_LETTER_QUEUE_URL": "dead-letters",
        "ARCHIVE_BUCKET": "archive",
        "INGEST_BUCKET": f"ingest-{region.name}",
        "SOURCE": "ingest",
        "PRIMARY_REGION": PRIMARY,
        "SECONDARY_REGION": SECONDARY,
        "CANARY_RETENTION_DAYS": "30",
        "MAXIMUM_OBJECT_BYTES": "1000000",
        "MAXIMUM_EXPANDED_BYTES": "2000000",
        "SHADOW_DELAY_SECONDS": str(SHADOW_DELAY_SECONDS),
        "SHADOW_MAXIMUM_AGE_SECONDS": str(int(_state.world.plan.overdue)),
        "CONTROL_CACHE_SECONDS": "5",
        "ATTEMPT_RETENTION_DAYS": "30",
        "MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES),
    }


def build_processor(world: World, region: Region) -> Pipeline:
    """Return the processor of a new execution environment."""
    _state.world = world
    return processor_application.build(variables(region))


def invoke_reconciler(world: World, region: Region) -> None:
    """Run the reconciler of the processor's function in a new execution environment, as the schedule does."""
    _state.world, _state.pipeline = world, processor_application.build(variables(region))
    _state.reconciler = processor_application.build_reconciler(variables(region))
    _handle({"source": "aws.events"}, context_of(world))


def version_name(version: int) -> str:
    """Return the processing version of a transform's records and results."""
    return f"v{version}"


def with_transform(pipeline: Pipeline, version: int) -> Pipeline:
    """Return the pipeline with another transform, as after a deployment."""
    return replace(pipeline, transform=transform_of(version), processing_version=version_name(version))


def body_of(handler: Any) -> Callable[[dict[str, Any], Any], dict[str, Any]]:  # noqa: ANN401 - decorated in some way
    """Return a handler without Powertools' decorators, which only write logs, traces and metrics."""
    while not handler.__globals__["__name__"].startswith("handlers."):
        handler = handler.__wrapped__
    handle: Callable[[dict[str, Any], Any], dict[str, Any]] = handler
    return handle


_handle: Final = body_of(processor_handler.handler)


def invoke_processor(world: World, pipeline: Pipeline, records: list[dict[str, Any]]) -> set[str]:
    """Run the processor on a batch; return the ids of the messages to deliver again."""
    _state.pipeline = pipeline
    answer = _handle({"Records": records}, context_of(world))
    return {one["itemIdentifier"] for one in answer["batchItemFailures"]}


def context_of(world: World) -> SimpleNamespace:
    """Return Lambda's context for an invocation that begins now."""
    ends, process = world.now + FUNCTION_SECONDS, current_process()
    if process:
        process.computed = 0.0

    def left() -> int:
        return int((ends - world.now - (process.computed if process else 0.0)) * 1000)

    return SimpleNamespace(aws_request_id="simulated", get_remaining_time_in_millis=left)


def ids_of_file(world: World, region: Region, file_key: str) -> set[str]:
    """Return the ids of the newest objects that a region's issuer finds by a file's key."""
    reader = client(world, region, "dynamodb")
    ledger = IssuerLedger(dynamodb=reader, table_name="ledger", region=region.name, retention=Retention())
    found, _ = ledger.files(file_key, limit=100, before=None, may_read=lambda _: True)
    return {one.object_id for one in found}


def says_durable(world: World, region: Region, object_id: str, object_key: str) -> bool:
    """Return whether the issuer of a region reports an object as durable now."""
    dynamodb, s3 = client(world, region, "dynamodb"), client(world, region, "s3")
    ledger = IssuerLedger(dynamodb=dynamodb, table_name="ledger", region=region.name, retention=Retention())
    reader = StateReader(s3=s3, bucket=f"ingest-{region.name}", region=region.name, regions=REGIONS)
    _, is_durable = reader.judge(ledger.object(object_id), object_key)
    return is_durable
