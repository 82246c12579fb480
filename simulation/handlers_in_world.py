"""The real handlers, run in the simulated world: what they would ask of the machine, they ask of the world instead.

Only what lies outside the handlers is replaced: boto3's clients, the clock, chance and threads. No line of a handler is.
"""

import concurrent.futures
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
os.environ.setdefault("POWERTOOLS_TRACE_DISABLED", "true")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Simulation")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "simulation")

from aws_lambda_powertools import Logger

from handlers.issuer.ledger import Ledger as IssuerLedger
from handlers.issuer.ledger import Retention
from handlers.issuer.states import StateReader
from handlers.processor import application as processor_application
from handlers.processor import handler as processor_handler
from handlers.processor.pipeline import Pipeline
from handlers.processor.transform import Reject
from handlers.shared.control import ControlRegister
from simulation.plan import PRIMARY, REGIONS, SECONDARY
from simulation.regions import Region
from simulation.scheduler import Executor, current_process
from simulation.services import client
from simulation.world import FUNCTION_SECONDS, MAXIMUM_RECEIVES, World

SHADOW_DELAY_SECONDS: Final = 15
SHADOW_MAXIMUM_AGE_SECONDS: Final = 4 * 86_400

_BUILDERS: Final = {"application", "reconciler"}

_state: Final = SimpleNamespace(world=None, pipeline=None, reconciler=None)


class _Clock(ModuleType):
    """The module `time`, of the region that runs."""

    def __init__(self) -> None:
        super().__init__("time")

    @staticmethod
    def time() -> float:
        """Return epoch seconds by the region's clock."""
        world: World = _state.world
        process = current_process()
        return world.clock(world.regions[process.region]) if process else world.now

    @staticmethod
    def monotonic() -> float:
        """Return seconds that never go backwards."""
        world: World = _state.world
        return world.now

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


class _Metrics:
    """Powertools' metrics: sums by name, in the region that runs."""

    def set_default_dimensions(self, **_: str) -> None:
        """Dimensions are the region's in the simulation."""

    def add_metric(self, name: str, _unit: object, value: float) -> None:
        """Add to a metric."""
        process = current_process()
        if process:
            world: World = _state.world
            metrics = world.regions[process.region].metrics
            metrics[name] = metrics.get(name, 0.0) + value


class _Silence:
    """Powertools' logger: the story is the simulation's log."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def install() -> None:
    """Replace clock, chance and threads in every module of the handlers; to call it again changes nothing."""
    clock, chance, metrics = _Clock(), _Random(), _Metrics()
    for name, module in list(sys.modules.items()):
        if not name.startswith("handlers."):
            continue
        for attribute, value in list(vars(module).items()):
            _replace_defaults(value, clock)
            if value is time:
                setattr(module, attribute, clock)
            elif value is random:
                setattr(module, attribute, chance)
            elif value is concurrent.futures.ThreadPoolExecutor:
                setattr(module, attribute, Executor)
            elif isinstance(value, Logger):
                setattr(module, attribute, _Silence())
    outside: dict[str, Any] = {
        "application": lambda: _state.pipeline,
        "reconciler": lambda: _state.reconciler,
        "metrics": metrics,
        "boto3": SimpleNamespace(
            client=lambda service, region_name, **_: client(_state.world, _state.world.regions[region_name], service)
        ),
    }
    for module in (processor_application, processor_handler):
        for name in outside.keys() & vars(module).keys() - (_BUILDERS if module is processor_application else set()):
            setattr(module, name, outside[name])


def _replace_defaults(value: object, clock: _Clock) -> None:
    """Replace the clock where it is the default of an argument: `clock: Callable[[], float] = time.monotonic`."""
    for function in [value, *(vars(value).values() if isinstance(value, type) else ())]:
        defaults = (function.__kwdefaults__ or {}) if isinstance(function, FunctionType) else {}
        for name, default in defaults.items():
            for real, simulated in ((time.time, clock.time), (time.monotonic, clock.monotonic)):
                if default is real:
                    defaults[name] = simulated


def enter(world: World) -> None:
    """Make a world the one in which handlers run."""
    install()
    _state.world = world


def transform_of(version: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the transform of a version; the second rejects and changes records that the first takes as they are."""

    def transform(record: dict[str, Any]) -> dict[str, Any]:
        kind = record["kind"]
        if kind == "b" or (kind == "v" and version > 1):
            raise Reject("not wanted")
        return record | {"changed": version} if kind == "w" and version > 1 else record

    return transform


def _variables(region: Region) -> dict[str, str]:
    """Return the function's environment variables, as its template sets them up."""
    return {
        "AWS_REGION": region.name,
        "ENVIRONMENT": "sim",
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
        "SHADOW_MAXIMUM_AGE_SECONDS": str(SHADOW_MAXIMUM_AGE_SECONDS),
        "CONTROL_CACHE_SECONDS": "5",
        "ATTEMPT_RETENTION_DAYS": "30",
        "MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES),
    }


def build_processor(world: World, region: Region) -> Pipeline:
    """Return the processor of a new execution environment."""
    _state.world = world
    return processor_application.build(_variables(region))


def invoke_reconciler(world: World, region: Region) -> None:
    """Have the processor's function reconcile, in a new execution environment, as the schedule does."""
    _state.world, _state.pipeline = world, processor_application.build(_variables(region))
    _state.reconciler = processor_application.build_reconciler(_variables(region))
    _handle({"source": "aws.events"}, _context(world))


def with_transform(pipeline: Pipeline, version: int) -> Pipeline:
    """Return the pipeline as a deployment of another transform makes it."""
    return replace(pipeline, transform=transform_of(version), processing_version=f"v{version}")


def _body_of_handler() -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Return the handler below Powertools' decorators, which write logs, traces and metrics only."""
    function: Any = processor_handler.handler
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    handle: Callable[[dict[str, Any], Any], dict[str, Any]] = function
    return handle


_handle: Final = _body_of_handler()


def invoke_processor(world: World, pipeline: Pipeline, records: list[dict[str, Any]]) -> set[str]:
    """Run the processor on a batch; return the ids of the messages that it wants delivered again."""
    _state.pipeline = pipeline
    answer = _handle({"Records": records}, _context(world))
    return {one["itemIdentifier"] for one in answer["batchItemFailures"]}


def _context(world: World) -> SimpleNamespace:
    ends = world.now + FUNCTION_SECONDS
    return SimpleNamespace(get_remaining_time_in_millis=lambda: int((ends - world.now) * 1000))


def says_durable(world: World, region: Region, object_id: str, object_key: str) -> bool:
    """Return whether the issuer of a region answers now that an object is durable."""
    dynamodb, s3 = client(world, region, "dynamodb"), client(world, region, "s3")
    ledger = IssuerLedger(dynamodb=dynamodb, table_name="ledger", region=region.name, retention=Retention())
    reader = StateReader(s3=s3, bucket=f"ingest-{region.name}", region=region.name, regions=REGIONS)
    _, is_durable = reader.judge(ledger.object(object_id), object_key)
    return is_durable


def promote(world: World, region: Region) -> None:
    """Claim to be the active region, as an operator does; give up after a few refusals, as a person would call again."""
    register = ControlRegister(dynamodb=client(world, region, "dynamodb"), table_name="ledger", regions=REGIONS)
    for _ in range(4):
        with suppress(Exception):
            register.claim(region.name, claimed_by="simulation", claimed_at="2026-01-01T00:00:00.000Z")
            return
