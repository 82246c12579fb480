"""The checks of each write."""

from types import SimpleNamespace
from typing import Any

import pytest

from simulation import watch
from simulation.plan import PRIMARY, SECONDARY, Plan
from simulation.scheduler import EPOCH
from simulation.world import World

RESULT = {"accepted": {"N": "1"}, "rejected": {"N": "0"}, "epoch": {"N": "0"}, "effect_digest": {"S": "e"}}
RESULT |= {"state": {"S": "COMPLETED"}, "object_key": {"S": "incoming/x"}, "version_id": {"S": "1"}}


def version(name: str) -> dict[str, Any]:
    """Return the attribute of a processing version."""
    return {"processing_version": {"S": name}}


@pytest.mark.parametrize(
    ("began", "broken"), [(0.0, set()), (50.0, {"RESULT follows its records", "a settled replica holds every record"})]
)
def test_record_replaced_before_the_invocation_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, began: float, broken: set[str]
) -> None:
    world = World(Plan(seed=0, uploads=(), faults=(), unreplicated=frozenset()))
    watched = watch.Watch(str, lambda _: False, lambda: world.now, lambda *_: ())
    world.on_item = watched.take
    monkeypatch.setattr(
        watch, "current_process", lambda: SimpleNamespace(began=EPOCH + began, name="processor", met_fault=True)
    )

    def write(after: float, region: str, pk: str, sk: str, item: dict[str, Any]) -> None:
        world.scheduler.after(after, lambda: world.write_item(world.regions[region], (pk, sk), item))

    settled = {"settled_digest": {"S": "e"}, "settled_version": {"S": "v1"}}
    for region in (PRIMARY, SECONDARY):
        write(1, region, "OBJ#x", f"ATTEMPT#{region}", {"attempts": {"N": "1"}})
    write(10, PRIMARY, "REC#x#000000", "000000000000", version("v1"))
    write(20, SECONDARY, "REC#x#000000", "000000000000", version("v2"))
    write(60, PRIMARY, "OBJ#x", "RESULT", RESULT | version("v1") | {"region": {"S": PRIMARY}})
    write(61, PRIMARY, "OBJ#x", f"REPLICA#{PRIMARY}", settled)
    world.scheduler.run(EPOCH + 100)
    assert {invariant for invariant, _ in watched.violations} == broken
