"""The issuer's functions: the real handler, with a copy of its module for each execution environment, as in Lambda."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter, ResponseBuilder

from handlers.issuer.application import Application
from simulation.handlers_in_world import body_of, install, install_in
from simulation.plan import PRIMARY, SECONDARY
from simulation.regions import Region
from simulation.scheduler import Future
from simulation.world import ACCOUNT, World

MAXIMUM_OBJECT_BYTES: Final = 1_000_000
UPLOAD_EXPIRY_SECONDS: Final = 900
_FUNCTION_SECONDS: Final = 20.0
_HANDLER: Final = "handlers.issuer.handler"
_OBSERVER_ROLES: Final = ",".join(f"arn:aws:iam::{ACCOUNT}:role/observer-{region}" for region in (PRIMARY, SECONDARY))
_FAILED: Final[dict[str, Any]] = {"statusCode": 500, "body": '{"message":"Internal Server Error"}'}
"""Response of an HTTP API for a function that crashed or timed out."""


class _OwnResolver(APIGatewayHttpResolver):
    """Keeps the event in its own environment; Powertools keeps it in a class, which is equivalent in Lambda."""

    def _resolve(self) -> ResponseBuilder[Any]:
        vars(self)["own"] = (BaseRouter.current_event, BaseRouter.lambda_context)
        return super()._resolve()

    @property
    def current_event(self) -> Any:  # type: ignore[override]  # noqa: ANN401 - Powertools' event
        """The event of the invocation."""
        return vars(self)["own"][0]

    @property
    def lambda_context(self) -> Any:  # type: ignore[override]  # noqa: ANN401 - Powertools' context
        """The context of the invocation."""
        return vars(self)["own"][1]


@dataclass
class _Environment:
    """An execution environment."""

    module: ModuleType
    handle: Callable[[dict[str, Any], Any], dict[str, Any]]


_spare: Final[list[_Environment]] = []
"""Unused copies of the module; the next cold start replaces their application."""


class FrontDoor:
    """Invokes the issuer of each region."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._warm: dict[str, list[_Environment]] = {name: [] for name in world.regions}

    def invoke(self, region: Region, event: dict[str, Any]) -> Future:
        """Start an invocation; the future's value is the function's response, or the API's if the function fails."""
        world, future = self._world, Future()
        process = world.process("issuer", region)
        number = world.number()
        context = SimpleNamespace(aws_request_id=f"request-{number}", get_remaining_time_in_millis=lambda: 1000)

        def work() -> None:
            warm = self._warm[region.name]
            environment = warm.pop() if warm else self._start(region)
            answer = environment.handle(event, context)
            warm.append(environment)
            future.settle(answer, world.scheduler)

        def end() -> None:
            if not future.is_done:
                process.crash()

        process.start(work, lambda: future.settle(_FAILED, world.scheduler))
        world.scheduler.after(_FUNCTION_SECONDS, end)
        return future

    def close(self) -> None:
        """Release every environment for other histories."""
        for environments in self._warm.values():
            _spare.extend(environments)
            environments.clear()

    def _start(self, region: Region) -> _Environment:
        environment = _spare.pop() if _spare else _new()
        application = Application.build(_variables(region))
        vars(environment.module)["application"] = lambda: application
        return environment


def _new() -> _Environment:
    install()
    spec = importlib.util.find_spec(_HANDLER)
    assert spec is not None  # noqa: S101 - it is imported
    assert spec.loader is not None  # noqa: S101 - from a file
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    install_in(module)
    vars(module)["app"].__class__ = _OwnResolver
    return _Environment(module, body_of(module.handler))


def _variables(region: Region) -> dict[str, str]:
    """Return the environment variables in the function's template."""
    return {
        "AWS_REGION": region.name,
        "ENVIRONMENT": "sim",
        "TABLE_NAME": "ledger",
        "INGEST_BUCKET": f"ingest-{region.name}",
        "DATA_KEY_ARN": f"arn:aws:kms:{region.name}:{ACCOUNT}:key/data",
        "QUEUE_URL": "ingest",
        "SECRET_NAME": "receipt-signing",
        "PRIMARY_REGION": PRIMARY,
        "SECONDARY_REGION": SECONDARY,
        "MAXIMUM_OBJECT_BYTES": str(MAXIMUM_OBJECT_BYTES),
        "UPLOAD_EXPIRY_SECONDS": str(UPLOAD_EXPIRY_SECONDS),
        "UPLOAD_RETENTION_DAYS": "30",
        "CANARY_RETENTION_DAYS": "30",
        "OBSERVER_ROLE_ARNS": _OBSERVER_ROLES,
    }
