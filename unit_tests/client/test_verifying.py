"""Verification reports the state that the regions prove, and the uploads that have not reached it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client import Item, State, Until, read_receipts
from unit_tests.client.world import PRIMARY, SECONDARY, Fault, World, make_client


def test_verify_reports_each_next_state(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        seen = []
        steps: list[Callable[[], None]] = [lambda: None, world.replicate, world.process]
        for step in steps:
            step()
            (standing,) = client.verify()
            seen.append((standing.receipt.state, standing.reached, standing.waits))
        assert seen == [(State.ACCEPTED, False, True), (State.ACCEPTED, False, True), (State.PROCESSED, True, False)]
    with make_client(world, tmp_path) as client:
        assert [one.state for one in client.receipts] == [State.PROCESSED]


@pytest.mark.parametrize("is_processed", [False, True])
def test_upload_is_durable_when_both_regions_hold_it(tmp_path: Path, *, is_processed: bool) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        if is_processed:
            world.process()
        (alone,) = client.verify(until=Until.DURABLE)
        assert (alone.reached, alone.waits, alone.receipt.durable) == (False, True, False)
        assert "no region shows that both hold it" in alone.reason
        world.replicate()
        (standing,) = client.verify(until=Until.DURABLE)
        assert (standing.reached, standing.receipt.durable) == (True, True)
        assert standing.receipt.state is (State.PROCESSED if is_processed else State.ACCEPTED)
        for region in world.regions.values():
            region.replicas.clear()
        (later,) = client.verify(until=Until.DURABLE)
        assert (later.reached, later.receipt.durable) == (False, True), "what was promised stays written down"
        assert "though one did before" in later.reason


def test_receipt_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
    path = next(tmp_path.glob("*.jsonl"))
    path.write_text(path.read_text().replace('"state": "accepted"', '"state": "durable"').replace(', "durable": false', ""))
    (receipt,) = read_receipts(path)
    assert (receipt.state, receipt.durable) == (State.ACCEPTED, True)


def test_quarantined_upload_never_reaches_the_wanted_state(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        world.process("it is cut in half")
        (standing,) = client.verify(until=Until.DURABLE)
    assert (standing.reached, standing.receipt.state) == (False, State.QUARANTINED)
    assert "it is cut in half" in standing.reason


def test_vanished_upload_is_missing_and_can_be_sent_again(tmp_path: Path) -> None:
    world = World()
    path = tmp_path / "file"
    path.write_bytes(b"a")
    with make_client(world, tmp_path) as client:
        before = client.upload(path)
        world.regions[PRIMARY].bucket.clear()
        (standing,) = client.verify()
        assert (standing.reached, standing.receipt.state) == (False, State.MISSING)
        (outcome,) = client.resume()
        assert outcome.receipt
        assert (outcome.receipt.id, outcome.receipt.state) == (before.id, State.ACCEPTED)


def test_silent_region_does_not_prove_an_upload_missing(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a"), Item("b", b"b")])
        world.regions[PRIMARY].fault = Fault.STALL
        before = len(world.log)
        standings = client.verify()
        assert [one.receipt.state for one in standings] == [State.ACCEPTED] * 2
        assert all("has an unknown state" in one.reason for one in standings)
        assert [region for region, _ in world.log[before:]].count(PRIMARY) == 1, "one question finds out for all"
        world.regions[SECONDARY].bucket.update(world.regions[PRIMARY].bucket)
        assert all("is accepted in us-west-2" in one.reason for one in client.verify())


def test_unsent_upload_is_reported(tmp_path: Path) -> None:
    world = World([Fault.REFUSED] * 1000)
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a"), Item("b", tmp_path / "absent")])
        world.heal()
        world.clock.pass_(60)
        reasons = [one.reason for one in client.verify()]
    assert "in no region" in reasons[0]
    assert "never sent" in reasons[1]
    assert all("resume" in reason for reason in reasons)


def test_upload_whose_answer_was_lost_is_found(tmp_path: Path) -> None:
    world = World([Fault.NONE, Fault.LOST_ANSWER])
    world.regions[SECONDARY].fault = Fault.REFUSED
    with make_client(world, tmp_path, patience_seconds=0.001) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
        assert not outcome.succeeded
        world.clock.pass_(60)
        (standing,) = client.verify()
        assert (standing.receipt.state, standing.receipt.region) == (State.ACCEPTED, PRIMARY)


@pytest.mark.parametrize("wait", [0.0, 9.0])
def test_verify_with_wait_asks_again_until_the_time_is_over(wait: float, tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        begun, asked = world.clock.now(), len(world.log)
        client.verify(wait_seconds=wait)
        assert wait <= world.clock.now() - begun < wait + 1
        assert (len(world.log) - asked > 2) is (wait > 0)
