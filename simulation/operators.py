"""Runs an operator's commands unchanged: those of `operate` that promote, send clients elsewhere, or reprocess objects.

They ask and write through the same clients as the handlers.
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
    """Make a region the active one; a person to whom it is refused reads why, and goes no further."""
    try:
        done = register.Register(_target(world), region.name).promote()
    except RunFailure as failure:
        _say(world, region, "promote", f"refused: {failure}")
    else:
        _say(world, region, "promote", "it was active before" if done.already else f"epoch {done.epoch}")


def force_clients(world: World, *, forced: bool) -> None:
    """Send clients to the secondary, or let health decide again."""
    force.time = Clock()  # type: ignore[attr-defined]  # the module's own import
    region = world.regions[SECONDARY]
    try:
        force.set_forced(_target(world), forced=forced)
    except RunFailure as failure:
        _say(world, region, "force", f"refused: {failure}")


def reprocess(world: World, region: Region) -> None:
    """Have every object of a region processed again under the version that is deployed."""
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
