"""Test the digests of a ledger that the processor filled, in two regions of moto."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from handlers.observer import heartbeat
from handlers.observer.heartbeat import Heartbeat
from integration_tests.moto.observer_world import MINUTE, PRIMARY, REGIONS, SECONDARY, TABLE, ObservedWorld, observed


@pytest.fixture
def world(capsys: pytest.CaptureFixture[str]) -> Iterator[ObservedWorld]:
    with mock_aws(), observed(capsys) as stood_up:
        yield stood_up


def reckoned(world: ObservedWorld, region: str) -> dict[str, tuple[int, str, str]]:
    """Digest every RESULT row of a region by a scan, with none of the observer's code."""
    sums: dict[str, tuple[int, int, int]] = {}
    for item in world.items(region):
        if item["sk"]["S"] != "RESULT":
            continue
        provenance = ("region", "epoch", "version_id", "processed_at", "expires_at")
        kept: dict[str, Any] = {name: value for name, value in item.items() if name not in provenance}
        object_id, hour = item["pk"]["S"].removeprefix("OBJ#"), item["received_at"]["S"][:13]
        text = json.dumps(dict(sorted(kept.items())), separators=(",", ":"))
        place = f"{hour}#{object_id[0]}"
        count, identities, effects = sums.get(place, (0, 0, 0))
        sums[place] = (
            count + 1,
            identities + int(hashlib.sha256(object_id.encode()).hexdigest(), 16),
            effects + int(hashlib.sha256(text.encode()).hexdigest(), 16),
        )
    return {place: (count, f"{one % 2**256:064x}", f"{two % 2**256:064x}") for place, (count, one, two) in sums.items()}


def kept(world: ObservedWorld, region: str) -> dict[str, tuple[int, str, str]]:
    """Return the memory of a region's observer, without the digests of hours that have no rows."""
    found = [row for row in world.rows(region) if row["pk"] == f"DIGEST#{region}" and row["objects"]]
    return {row["sk"]: (int(row["objects"]), row["identities"], row["effects"]) for row in found}


def test_digests_of_both_observers_equal_a_scan_of_the_ledger(world: ObservedWorld) -> None:
    for _ in range(2):
        world.minute()
    world.start_digests()
    world.minute()
    for region in REGIONS:
        world.invoke(region)
    world.replicate_table()
    seen = world.minute(process=False)
    for region in REGIONS:
        assert kept(world, region) == reckoned(world, region)
        assert ("LwwConflicts" in seen[region], seen[region]["DigestMismatch"]) == (False, 0)
    assert kept(world, PRIMARY) == kept(world, SECONDARY)
    assert sum(count for count, _, _ in kept(world, PRIMARY).values()) == 6, "three canaries of each region"


def test_row_changed_in_one_region_is_reported_in_both(world: ObservedWorld) -> None:
    for _ in range(2):
        world.minute()
    for region in REGIONS:
        world.invoke(region)
    world.replicate_table()
    world.start_digests()
    world.minute(process=False)
    (tampered, *_) = [item for item in world.items(PRIMARY) if item["sk"]["S"] == "RESULT"]
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=tampered | {"accepted": {"N": "99"}})
    world.cut = True
    world.now += MINUTE
    assert world.observe(PRIMARY)["LwwConflicts"] == 1
    digests = [item for item in world.items(PRIMARY) if item["pk"]["S"] == f"DIGEST#{PRIMARY}"]
    for item in digests:
        world.client("dynamodb", SECONDARY).put_item(TableName=TABLE, Item=item)
    assert world.observe(SECONDARY)["LwwConflicts"] == 1


def test_late_write_does_not_undo_a_newer_row(world: ObservedWorld) -> None:
    dynamodb = world.client("dynamodb", PRIMARY)
    for at, is_written in ((100.0, True), (160.0, True), (160.0, True), (130.0, False)):
        assert heartbeat.write(dynamodb, TABLE, PRIMARY, Heartbeat(at=at, epoch=int(at))) is is_written
    found = heartbeat.read(dynamodb, TABLE, PRIMARY)
    assert found is not None
    assert (found.at, found.epoch) == (160.0, 160)


def test_observer_writes_no_row_of_another_region(world: ObservedWorld) -> None:
    world.cut = True
    world.start_digests()
    world.minute()
    for region, other in ((PRIMARY, SECONDARY), (SECONDARY, PRIMARY)):
        owned = {row["pk"] for row in world.rows(region) if row["pk"].split("#")[0] in ("HEARTBEAT", "DIGEST", "OBSERVER")}
        assert owned == {f"HEARTBEAT#{region}", f"DIGEST#{region}", f"OBSERVER#{region}"}
        assert not any(partition.endswith(other) for partition in owned)
