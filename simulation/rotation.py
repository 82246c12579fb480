"""Rotate the secret as Secrets Manager does: by four steps of the real function, each an invocation that may fail."""

from types import SimpleNamespace
from typing import Final

from handlers.rotation import handler as rotation_handler
from simulation import secrets_manager
from simulation.handlers_in_world import body_of
from simulation.regions import Region
from simulation.world import FUNCTION_SECONDS, World

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 45.0
"""Seconds between two attempts of a step. Secrets Manager retries a failed rotation after an undocumented time."""

_handle: Final = body_of(rotation_handler.handler)


def rotate(world: World) -> None:
    """Rotate the secret to a new version, or continue a pending rotation, as RotateSecret does."""
    region = world.regions[secrets_manager.HOME]
    if region.is_destroyed or world.now < region.dark_until:
        return
    number = world.number()
    version_id = secrets_manager.begin_rotation(world, region, f"{number:08x}-0000-4000-8000-{number:012x}")
    world.note(region, "Secrets Manager", "RotateSecret", f"to version {version_id}")
    _step(world, region, version_id, 0, _ATTEMPTS)


def _step(world: World, region: Region, version_id: str, place: int, attempts: int) -> None:
    if place == len(STEPS) or region.is_destroyed:
        return
    process = world.process("rotation", region)
    event = {"Step": STEPS[place], "SecretId": "receipt-signing", "ClientRequestToken": version_id}
    ends = world.now + FUNCTION_SECONDS
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: int((ends - world.now) * 1000))

    def again(reason: str) -> None:
        world.note(region, "Secrets Manager", STEPS[place], f"failed: {reason}")
        if attempts > 1:
            world.scheduler.after(_PAUSE_SECONDS, lambda: _step(world, region, version_id, place, attempts - 1))

    def work() -> None:
        try:
            _handle(event, context)
        except Exception as error:  # noqa: BLE001 - whatever the function raises, the step failed
            again(type(error).__name__)
        else:
            world.scheduler.after(0.2, lambda: _step(world, region, version_id, place + 1, _ATTEMPTS))

    process.start(work, lambda: again("the function crashed"))
