"""The real observer in the simulated world."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from handlers.observer import application as observer_application
from handlers.observer import handler as observer_handler
from handlers.shared import schema
from simulation import handlers_in_world
from simulation.http_api import api_url
from simulation.plan import SECONDARY
from simulation.regions import Region
from simulation.scheduler import Process, current_process
from simulation.web import Answer, Web
from simulation.world import ACCOUNT, World

if TYPE_CHECKING:
    from handlers.observer.observation import Observer

RUN_SECONDS: Final = 50.0
"""The function's timeout."""
REPLICATION_RULE: Final = "both-ways"
_handle: Final = handlers_in_world.body_of(observer_handler.handler)


class Environment(Process):
    """An execution environment that is frozen between its runs. An unfinished thread continues in the next run."""

    observer: "Observer"
    run_number: int = 0

    def __init__(self, world: World, region: Region, build: Callable[[], "Observer"]) -> None:
        super().__init__(world.scheduler, "observer", region.name)
        self._held: list[Callable[[], None]] = []
        self.is_frozen = False
        self.observer = build()

    def _resume(self, member: Any) -> None:  # noqa: ANN401 - a greenlet
        if self.is_frozen:
            self._held.append(lambda: self._resume(member))
        else:
            super()._resume(member)

    @property
    def has_ended(self) -> bool:
        """Whether the environment has ended; it is kept between runs."""
        return self.is_dead

    def freeze(self) -> None:
        """Stop its threads."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Resume its threads."""
        self.is_frozen = False
        self._members = [member for member in self._members if not member.dead]
        held, self._held = self._held, []
        for resume in held:
            self.later(resume)


class _Http:
    """The observer's HTTP session; its requests are signed by the observer's role."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def send(self, request: Any) -> Answer:  # noqa: ANN401 - botocore's prepared request
        process = current_process()
        is_signed = "Authorization" in request.headers
        return self._web.send(
            request.method,
            request.url,
            headers={str(name): str(value) for name, value in request.headers.items()},
            body=request.body or b"",
            caller=_session(process.region) if process and is_signed else "",
        )


def connect(web: Web) -> None:
    """Let the observers send their requests through `web`."""
    handlers_in_world.REPLACED_NAMES.update(
        {
            (observer_application, "http_session"): lambda: _Http(web),
            (observer_handler, "application"): lambda: _observer_of(current_process()),
        }
    )
    handlers_in_world.install()


def _observer_of(process: Process | None) -> "Observer":
    assert isinstance(process, Environment)  # noqa: S101 - nothing else runs the observer's handler
    return process.observer


def environment(world: World, region: Region) -> Environment:
    """Return a new execution environment of a region's observer."""
    peer = world.peer(region).name
    more = {
        "API_URL": api_url(region.name),
        "AUTO_PROMOTE": "true" if world.plan.auto_promote else "false",
        "PEER_INGEST_BUCKET": f"ingest-{peer}",
        "PEER_REGION": peer,
        "REPLICATION_RULE_ID": REPLICATION_RULE,
        "SECRET_NAME": "receipts",
    }
    made = Environment(world, region, lambda: observer_application.build(handlers_in_world.variables(region) | more))
    world.adopt(made)
    return made


def run(scheduled_at: float, world: World) -> None:
    """Run the observer in the current execution environment, as EventBridge's schedule does."""
    moment = datetime.fromtimestamp(scheduled_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        _handle({"source": "aws.events", "time": moment}, handlers_in_world.context_of(world))
    finally:
        handlers_in_world.metrics_of("observer").flush_metrics()


def deploy(world: World) -> None:
    """Write to each replica the row that the deployment writes when replication works both ways."""
    key = (schema.replication_partition_key(SECONDARY), schema.READY)
    hosts = {name: {"S": api_url(name).removeprefix("https://")} for name in world.regions}
    item: dict[str, dict[str, Any]] = {schema.PARTITION_KEY: {"S": key[0]}, schema.SORT_KEY: {"S": key[1]}}
    item[schema.API_HOSTS] = {"M": hosts}
    world.write_item(world.regions[SECONDARY], key, item)


def _session(region: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/observer-{region}/session"
