"""The receipts file: one process locks it, its lines are complete, and errors name the line."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from client import Answer, Item, ReceiptsUnusable, Request, State, read_receipts
from client.receipts import Receipts
from unit_tests.client.world import World, make_client


def test_receipts_file_in_use_is_refused(tmp_path: Path) -> None:
    with make_client(World(), tmp_path):
        with pytest.raises(ReceiptsUnusable, match="Another upload is using"):
            make_client(World(), tmp_path)
        assert read_receipts(tmp_path / "receipts.jsonl") == []
    make_client(World(), tmp_path).close()


def test_receipts_file_of_two_names_has_one_holder(tmp_path: Path) -> None:
    (tmp_path / "receipts.jsonl").symlink_to(tmp_path / "target.jsonl")
    with make_client(World(), tmp_path), pytest.raises(ReceiptsUnusable, match="Another upload is using"):
        Receipts(tmp_path / "target.jsonl", now=World().clock.now)


@pytest.mark.parametrize("name", ["file/receipts.jsonl", "folder"])
def test_receipts_file_that_cannot_be_made_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for _ in range(2):  # the first failure must leave no lock
        with pytest.raises(ReceiptsUnusable, match=f"The receipts file .*{name} cannot be (locked: File|opened: Is a)"):
            Receipts(tmp_path / name, now=World().clock.now)


def test_incomplete_last_line_is_removed_and_a_damaged_one_reported(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jsonl"
    world = World()
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a"), Item("b", b"b")])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"upload_id": "0')
    assert len(read_receipts(path)) == 2
    make_client(world, tmp_path).close()
    assert path.read_bytes() == whole
    lines = whole.splitlines(keepends=True)
    for damaged in (b"\0\0\0\n", b"[]\n", b"{}\n", lines[1].replace(b'"size": 1', b'"size": "1"'), b"\xff\n"):
        path.write_bytes(lines[0] + damaged + b"".join(lines[2:]))
        with pytest.raises(ReceiptsUnusable, match="Line 2 of the receipts file"):
            make_client(world, tmp_path)


def test_full_disk_stops_all_uploads(tmp_path: Path) -> None:
    world = World()

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    receipts = Receipts(tmp_path / "receipts.jsonl", now=world.clock.now, write=full)
    with (
        make_client(world, tmp_path, receipts=receipts) as client,
        pytest.raises(ReceiptsUnusable, match="No space left on device"),
    ):
        client.upload_all([Item("a", b"a")])
    assert world.log == []


def test_receipts_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    with make_client(World(), tmp_path):
        assert (tmp_path / "receipts.jsonl").stat().st_mode & 0o777 == 0o600


def test_every_write_is_flushed_before_a_request_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    order: list[str] = []
    serve = world.send

    def send(request: Request) -> Answer:
        order.append("sent")
        return serve(request)

    monkeypatch.setattr("client.receipts.os.fsync", lambda _: order.append("flushed"))
    monkeypatch.setattr(world, "send", send)
    with make_client(world, tmp_path) as client:
        order.clear()
        client.upload_all([Item("a", b"a")])
    assert order == ["flushed", "sent", "sent", "flushed"]
    assert read_receipts(tmp_path / "receipts.jsonl")[0].state is State.ACCEPTED
