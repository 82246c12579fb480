"""Run an operator's real commands: those of `operate` that promote, fail back, force clients to a region, or reprocess.

They use the same clients as the handlers.
"""

from types import SimpleNamespace
from typing import Any, Final

from operations import failback_checks, force, register, status
from operations.errors import RunFailure
from operations.replay import send_events
from simulation.handlers_in_world import Clock
from simulation.http_api import api_url
from simulation.plan import REGIONS, SECONDARY
from simulation.regions import Region
from simulation.scheduler import current_process
from simulation.services import client
from simulation.web import Web
from simulation.world import World

_AGAIN_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 10.0
"""Seconds between two looks of `operate failback`."""


def promote(world: World, region: Region) -> None:
    """Make a region the active one; after a refusal do nothing more."""
    try:
        done = register.Register(_target(world), region.name).promote()
    except RunFailure as failure:
        _say(world, region, "promote", f"refused: {failure}")
    else:
        _say(world, region, "promote", "it was active before" if done.already else f"epoch {done.epoch}")


def fail_back(world: World, region: Region, web: Web, *, until: float) -> float | None:
    """Look at both regions, as `operate failback` does, until its checks let a region become active.

    Returns:
        When it was decided, in epoch seconds; None if the checks have not passed until the given time.
    """

    def api(_: object, name: str, timeout: float) -> Any:  # noqa: ANN401 - what is used of `operations.signed_http.Api`
        def call(method: str, path: str, **_: bool) -> SimpleNamespace:
            return SimpleNamespace(status=web.send(method, api_url(name) + path, seconds=timeout).status_code)

        return SimpleNamespace(call=call)

    status.time, status.Api = Clock(), api  # type: ignore[attr-defined,assignment]  # the module's own imports
    decided_at, before = world.now, [""]
    while world.now < until:
        found, now = status.look(_target(world)), world.clock(region)
        unmet = failback_checks.unmet(found, back_to=region.name, now=now, decided_at=decided_at)
        shut = [one.text for one in unmet]
        if not shut:
            _say(world, region, "failback", "the checks allow it")
            return decided_at
        if shut != before:
            _say(world, region, "failback", f"refused: {'; '.join(shut)}")
        before = shut
        Clock.sleep(_LOOK_SECONDS)
    return None


def force_clients(world: World, *, forced: bool) -> None:
    """Force clients to the secondary, or let health checks decide again."""
    force.time = Clock()  # type: ignore[attr-defined]  # the module's own import
    region = world.regions[SECONDARY]
    while True:
        try:
            force.set_forced(_target(world), forced=forced)
        except RunFailure as failure:
            _say(world, region, "force", f"refused: {failure}")
            if not forced:  # otherwise clients would stay there for good
                Clock.sleep(_AGAIN_SECONDS)
                continue
        return


def reprocess(world: World, region: Region) -> None:
    """Reprocess every object of a region under the deployed version."""
    try:
        sent = send_events(_deployment(world), region.name, "incoming/", reprocess=True)
    except RunFailure as failure:
        _say(world, region, "reprocess", f"refused: {failure}")
    else:
        _say(world, region, "reprocess", f"{sent} objects")


def _deployment(world: World) -> Any:  # noqa: ANN401 - what is used of `operations.deployment.Deployment`
    return SimpleNamespace(
        client=lambda service, name: client(world, world.regions[name], service),
        ingest_bucket=lambda name: f"ingest-{name}",
        regional={name: {"IngestQueueUrl": "ingest"} for name in REGIONS},
    )


def _target(world: World) -> Any:  # noqa: ANN401 - what is used of `operations.target.Target`
    def client_of(service: str, name: str) -> Any:  # noqa: ANN401 - clients have no type in common
        return client(world, world.regions[name], service)

    return SimpleNamespace(
        operator_client=client_of,
        fail_fast_client=client_of,
        name_of=lambda resource: {"ingest-dlq": "dead-letters"}.get(resource, resource),
        table_name="ledger",
        regions=REGIONS,
        secondary=SECONDARY,
    )


def _say(world: World, region: Region, command: str, what: str) -> None:
    process = current_process()
    world.note(region, process.name if process else "operator", command, what)
