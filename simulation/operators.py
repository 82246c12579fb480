"""Run an operator's real commands: those of `operate` that promote, force clients to a region, or reprocess objects.

They use the same clients as the handlers.
"""

from types import SimpleNamespace
from typing import Any

from operations import force, register
from operations.errors import RunFailure
from operations.replay import send_events
from simulation.handlers_in_world import Clock
from simulation.plan import REGIONS, SECONDARY
from simulation.regions import Region
from simulation.scheduler import current_process
from simulation.services import client
from simulation.world import World


def promote(world: World, region: Region) -> None:
    """Make a region the active one; after a refusal do nothing more."""
    try:
        done = register.Register(_target(world), region.name).promote()
    except RunFailure as failure:
        _say(world, region, "promote", f"refused: {failure}")
    else:
        _say(world, region, "promote", "it was active before" if done.already else f"epoch {done.epoch}")


def force_clients(world: World, *, forced: bool) -> None:
    """Force clients to the secondary, or let health checks decide again."""
    force.time = Clock()  # type: ignore[attr-defined]  # the module's own import
    region = world.regions[SECONDARY]
    try:
        force.set_forced(_target(world), forced=forced)
    except RunFailure as failure:
        _say(world, region, "force", f"refused: {failure}")


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
    return SimpleNamespace(
        operator_client=lambda service, name: client(world, world.regions[name], service),
        table_name="ledger",
        regions=REGIONS,
        secondary=SECONDARY,
    )


def _say(world: World, region: Region, command: str, what: str) -> None:
    process = current_process()
    world.note(region, process.name if process else "operator", command, what)
