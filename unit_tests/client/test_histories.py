"""Random failures of requests and kills of the client: each file has one identity, and no false state is reported."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from client import Item, Outcome, State, read_receipts
from client.receipts import Receipts
from unit_tests.client.world import PRIMARY, SECONDARY, Fault, World, make_client
from unit_tests.fixtures.examples import examples

pytestmark = pytest.mark.property

FAULTS = st.lists(st.sampled_from(Fault), max_size=40)
LASTING = st.sampled_from([Fault.NONE, Fault.NONE, *Fault])
PART_BYTES = st.sampled_from([6000, 64 << 20])
"""The second body has four parts, or is sent by one PUT."""
BODIES = [b"one", b"two" * 7000, b"three"]


class Killed(BaseException):
    """kill -9."""


@settings(max_examples=examples(150))
@given(
    faults=FAULTS,
    lasting=st.tuples(LASTING, LASTING),
    in_memory=st.booleans(),
    replicate=st.booleans(),
    part_bytes=PART_BYTES,
)
@example(
    faults=[Fault.NONE, Fault.LOST_ANSWER],
    lasting=(Fault.NONE, Fault.NONE),
    in_memory=False,
    replicate=True,
    part_bytes=6000,
)
@example(faults=[], lasting=(Fault.LATE, Fault.LATE), in_memory=True, replicate=False, part_bytes=6000)
@example(faults=[], lasting=(Fault.FORBIDDEN, Fault.STALL), in_memory=True, replicate=False, part_bytes=6000)
def test_no_history_duplicates_or_invents_an_upload(
    *, faults: list[Fault], lasting: tuple[Fault, Fault], in_memory: bool, replicate: bool, part_bytes: int
) -> None:
    world = World(faults)
    world.regions[PRIMARY].fault, world.regions[SECONDARY].fault = lasting
    with tempfile.TemporaryDirectory() as name:
        items = _items(Path(name), in_memory=in_memory)
        with make_client(world, Path(name), part_bytes=part_bytes) as client:
            outcomes = client.upload_all(items)
        _require_truth(world, items, outcomes)

        if replicate:
            world.replicate()
        world.heal()
        world.clock.pass_(3600)
        with make_client(world, Path(name), part_bytes=part_bytes) as client:
            again = client.upload_all(items)
        assert [one.error for one in again] == ["", "", ""]
        _require_truth(world, items, again)


@settings(max_examples=examples(150))
@given(
    faults=FAULTS,
    kill_at=st.integers(0, 12),
    torn=st.integers(0, 700),
    in_memory=st.booleans(),
    resume=st.booleans(),
    part_bytes=PART_BYTES,
)
@example(faults=[], kill_at=0, torn=0, in_memory=False, resume=False, part_bytes=6000)
@example(faults=[], kill_at=2, torn=699, in_memory=False, resume=True, part_bytes=6000)
def test_kill_during_a_write_loses_and_duplicates_nothing(
    *, faults: list[Fault], kill_at: int, torn: int, in_memory: bool, resume: bool, part_bytes: int
) -> None:
    world = World(faults)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "receipts.jsonl")
        items = _items(Path(name), in_memory=in_memory)
        receipts = Receipts(path, now=world.clock.now, write=_killing(kill_at, torn))
        killed = False
        with make_client(world, Path(name), receipts=receipts, part_bytes=part_bytes) as client:
            try:
                client.upload_all(items)
            except Killed:
                killed = True
        sent = {method for _, method in world.log}
        assert not sent or len(read_receipts(path)) == len(items), "something was sent that was not written down"

        world.heal()
        with make_client(world, Path(name), part_bytes=part_bytes) as client:
            if resume and not in_memory:
                assert all(one.succeeded for one in client.resume())
            outcomes = client.upload_all(items)
        assert all(one.succeeded for one in outcomes), (killed, outcomes)
        _require_truth(world, items, outcomes)
        assert {one.state for one in read_receipts(path)} == {State.ACCEPTED}


def _items(folder: Path, *, in_memory: bool) -> list[Item]:
    items = []
    for number, body in enumerate(BODIES):
        path = folder / f"file-{number}"
        path.write_bytes(body)
        items.append(Item(f"folder/{number}.csv", body if in_memory else path))
    return items


def _require_truth(world: World, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
    assert [one.item for one in outcomes] == list(items)
    for item, body, outcome in zip(items, BODIES, outcomes, strict=True):
        found = world.identities(item.key, body)
        assert len(found) <= 1, f"{item.key} is there {len(found)} times"
        if outcome.succeeded:
            assert outcome.receipt
            assert found == {outcome.receipt.id}
            there = world.regions[outcome.receipt.region].bucket
            assert any(held == body for key, held in there.items() if key.endswith(item.key)), "claimed, but not there"
        else:
            assert outcome.hint, f"{outcome.error!r} names no next step"


def _killing(at: int, torn: int) -> Callable[[int, bytes], int]:
    count = 0

    def write(descriptor: int, data: bytes) -> int:
        nonlocal count
        count += 1
        if count == at + 1:
            os.write(descriptor, data[: min(torn, len(data) - 1)])
        if count > at:
            raise Killed
        return os.write(descriptor, data)

    return write
