"""Uploads during failures of one or both regions, and the time that they take."""

from __future__ import annotations

import os
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from client import Answer, Client, Event, Item, Kind, Request, State, UploadFailed, read_receipts
from client.clock import SystemClock
from client.discovery import Found, Unanswered
from unit_tests.client.world import PRIMARY, SECONDARY, Fault, World, configuration, make_client

TARGET_SECONDS = 15
"""Seconds until the first successful upload after the loss of a region."""


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.BLACKHOLE, Fault.STALL, Fault.UNAVAILABLE, Fault.LATE])
def test_lost_region_delays_uploads_by_seconds_only(fault: Fault, tmp_path: Path) -> None:
    world = World()
    world.regions[PRIMARY].fault = fault
    begun = world.clock.now()
    events: list[Event] = []
    with make_client(world, tmp_path) as client:
        outcomes = client.upload_all([Item(f"{n}", b"%d" % n) for n in range(20)], on_event=events.append)
    assert {one.receipt.region for one in outcomes if one.receipt} == {SECONDARY}
    first = next(event for event in events if event.kind is Kind.ACCEPTED)
    assert first.at - begun <= TARGET_SECONDS
    assert first.by_retry
    asked = [region for region, method in world.log if region == PRIMARY]
    assert len(asked) <= 2, "one upload finds out for all"


def test_stall_after_the_grant_delays_an_upload_by_seconds_only(tmp_path: Path) -> None:
    world = World([Fault.NONE, Fault.STALL])
    begun = world.clock.now()
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert outcome.receipt
    assert outcome.receipt.region == SECONDARY
    assert world.clock.now() - begun <= TARGET_SECONDS


def test_failed_region_is_tried_again_later_by_one_upload(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        world.regions[PRIMARY].fault = Fault.STALL
        client.upload_all([Item("a", b"a")])
        world.clock.pass_(60)
        client.upload_all([Item("b", b"b"), Item("c", b"c")])
        assert [region for region, method in world.log if region == PRIMARY] == [PRIMARY] * 2
        world.heal()
        world.clock.pass_(60)
        (outcome,) = client.upload_all([Item("d", b"d")])
    assert outcome.receipt
    assert outcome.receipt.region == PRIMARY


def test_lost_answer_keeps_the_upload_id_in_the_other_region(tmp_path: Path) -> None:
    world = World([Fault.NONE, Fault.LOST_ANSWER])
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert outcome.receipt
    assert [len(region.bucket) for region in world.regions.values()] == [1, 1]
    assert world.identities("a", b"a") == {outcome.receipt.id}


def test_upload_that_a_region_already_has_succeeds(tmp_path: Path) -> None:
    world = World([Fault.NONE, Fault.LOST_ANSWER, Fault.REFUSED])
    with make_client(world, tmp_path) as client:
        events: list[Event] = []
        (outcome,) = client.upload_all([Item("a", b"a")], on_event=events.append)
    assert outcome.succeeded
    assert events[-1].kind is Kind.ALREADY_THERE
    assert world.log[-1] == (PRIMARY, "PUT")


def test_refusal_by_all_regions_fails_at_once_with_the_reason(tmp_path: Path) -> None:
    world = World()
    for region in world.regions.values():
        region.fault = Fault.FORBIDDEN
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert outcome.error.count("Forbidden") == 2
    assert "execute-api:Invoke" in outcome.hint
    assert len(world.log) == 2


@pytest.mark.parametrize(("ahead", "message"), [(720, "12 minutes behind"), (-720, "12 minutes ahead")])
def test_wrong_clock_is_reported(ahead: int, message: str, tmp_path: Path) -> None:
    world = World()
    world.server_clock_ahead = ahead
    for region in world.regions.values():
        region.fault = Fault.FORBIDDEN
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert message in outcome.hint


def test_refusal_by_one_region_tries_the_other(tmp_path: Path) -> None:
    world = World()
    world.regions[PRIMARY].fault = Fault.FORBIDDEN
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert outcome.succeeded


def test_upload_after_patience_fails_and_shows_how_to_resume(tmp_path: Path) -> None:
    world = World()
    for region in world.regions.values():
        region.fault = Fault.BLACKHOLE
    with make_client(world, tmp_path, patience_seconds=60) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
        assert 60 <= world.clock.now() - 1_800_000_000 < 80
        assert "resume" in outcome.hint
        assert [one.state for one in client.receipts] == [State.FAILED]


def test_invalid_request_reports_the_message_of_the_platform(tmp_path: Path) -> None:
    world = World()
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a/../b", b"a")])
    assert (outcome.error, outcome.hint) == ("key: has a segment that is '..'", "send what is allowed")
    assert len(world.log) == 1


@pytest.mark.parametrize("days", [8, -30])
def test_refused_upload_id_is_replaced_once_no_region_knows_it(tmp_path: Path, days: int) -> None:
    """The machine's clock was wrong by days when the upload began, or nothing was reached for a week."""
    world = World([Fault.REFUSED] * 1000)
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
    world.heal()
    world.clock.pass_(days * 86400)
    for _ in range(2):
        with make_client(world, tmp_path) as client:
            (outcome,) = client.upload_all([Item("a", b"a")])
        assert outcome.succeeded, outcome
    states = [(one.state, "now it is" in one.reason) for one in read_receipts(tmp_path / "receipts.jsonl")]
    assert states == [(State.REPLACED, True), (State.ACCEPTED, False)]
    assert len(world.identities("a", b"a")) == 1


def test_refused_upload_id_is_kept_while_a_region_is_silent(tmp_path: Path) -> None:
    world = World([Fault.REFUSED] * 1000)
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
    world.heal()
    world.clock.pass_(8 * 86400)
    world.regions[SECONDARY].fault = Fault.REFUSED
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert "7 days" in outcome.hint
    assert len(read_receipts(tmp_path / "receipts.jsonl")) == 1


def test_refused_upload_id_is_kept_if_a_region_has_the_file(tmp_path: Path) -> None:
    world = World([Fault.NONE, Fault.LOST_ANSWER, *[Fault.REFUSED] * 1000])
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
    world.heal()
    world.clock.pass_(8 * 86400)
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert "verify" in outcome.hint
    assert len(world.identities("a", b"a")) == 1


def test_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, file = World(), tmp_path / "large"
    world.maximum_bytes = 1 << 20
    with file.open("wb") as sparse:
        sparse.truncate(17 << 20)
    monkeypatch.setattr("client.uploading.fingerprint", lambda *_: pytest.fail("the file was read"))
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("large", file)])
    assert "it has 17825792 bytes, which is too large" in outcome.error
    assert "from 1 to 1048576; split it into several files, or compress it" in outcome.hint


def _in_parts(tmp_path: Path) -> Item:
    """Return a file of four parts of ten bytes at most."""
    path = tmp_path / "large"
    path.write_bytes(bytes(range(35)))
    return Item("large", path)


def test_large_file_arrives_in_parts_as_one_object(tmp_path: Path) -> None:
    world, item = World(), _in_parts(tmp_path)
    with make_client(world, tmp_path, part_bytes=10) as client:
        events: list[Event] = []
        outcomes = client.upload_all([item, Item("small", b"a")], on_event=events.append)
    assert [one.succeeded for one in outcomes] == [True, True]
    assert sorted(world.regions[PRIMARY].arrivals) == [1, 2, 3, 4]
    assert outcomes[0].receipt
    assert world.identities("large", bytes(range(35))) == {outcomes[0].receipt.id}


@pytest.mark.parametrize("part_bytes", [10, 12, 20])
@pytest.mark.parametrize("at", range(9))
def test_kill_at_any_request_sends_no_part_again_that_arrived(at: int, part_bytes: int, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    class Killing(World):
        def send(self, request: Request) -> Answer:
            answer = super().send(request)
            if len(self.log) > at:
                raise Killed
            return answer

    world, item = Killing(), _in_parts(tmp_path)
    with make_client(world, tmp_path, part_bytes=10) as client, suppress(Killed):
        client.upload_all([item])
    again = World()
    again.regions = world.regions
    with make_client(again, tmp_path, part_bytes=part_bytes) as client:
        (outcome,) = client.resume() or client.upload_all([item])
    assert outcome.receipt
    if part_bytes == 10:
        assert sorted(again.regions[PRIMARY].arrivals) == [1, 2, 3, 4]
    assert again.identities("large", bytes(range(35))) == {outcome.receipt.id}


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.FORBIDDEN, Fault.UNAVAILABLE, Fault.REFUSED])
@pytest.mark.parametrize("at", range(7))
def test_single_failure_is_tried_again_in_the_region_that_has_the_parts(fault: Fault, at: int, tmp_path: Path) -> None:
    world = World([Fault.NONE] * at + [fault])
    with make_client(world, tmp_path, part_bytes=10) as client:
        (outcome,) = client.upload_all([_in_parts(tmp_path)])
    assert outcome.receipt
    expected = SECONDARY if at == 0 else PRIMARY
    assert outcome.receipt.region == expected
    assert sorted(set(world.regions[expected].arrivals)) == [1, 2, 3, 4]


def test_region_that_fails_for_long_leaves_the_file_to_the_other(tmp_path: Path) -> None:
    class Losing(World):
        def send(self, request: Request) -> Answer:
            if len(self.regions[PRIMARY].arrivals) >= 2:  # two parts may arrive between two requests
                self.regions[PRIMARY].fault = Fault.BLACKHOLE
            return super().send(request)

    world = Losing()
    begun = world.clock.now()
    with make_client(world, tmp_path, part_bytes=10) as client:
        (outcome,) = client.upload_all([_in_parts(tmp_path)])
    assert outcome.receipt
    assert world.clock.now() - begun <= TARGET_SECONDS
    assert (outcome.receipt.region, sorted(world.regions[SECONDARY].arrivals)) == (SECONDARY, [1, 2, 3, 4])
    assert world.identities("large", bytes(range(35))) == {outcome.receipt.id}


class Uncompleting(World):
    """Two regions that answer 503 to the first requests for the completion of an upload."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def send(self, request: Request) -> Answer:
        if request.url.endswith("/complete") and self.failures:
            self.failures -= 1
            self.clock.pass_(0.01)
            return Answer(503)
        return super().send(request)


def test_completion_that_always_fails_ends_with_the_patience(tmp_path: Path) -> None:
    world = Uncompleting(10_000)
    begun = world.clock.now()
    with make_client(world, tmp_path, part_bytes=10, patience_seconds=60.0) as client:
        (outcome,) = client.upload_all([_in_parts(tmp_path)])
    assert "HTTP 503" in outcome.error
    assert world.clock.now() - begun < 120


@pytest.mark.parametrize("faults", [[Fault.NONE] * 6 + [Fault.UNAVAILABLE], [Fault.NONE] * 3 + [Fault.REFUSED], []])
def test_parts_that_are_asked_for_again_are_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[Fault]
) -> None:
    monkeypatch.setattr("client.uploading._REPORTED_BYTES", 1)
    world, sizes = World(faults), list[int]()
    with make_client(world, tmp_path, part_bytes=10) as client:
        (outcome,) = client.upload_all(
            [_in_parts(tmp_path)], on_event=lambda event: sizes.append(event.size if event.kind is Kind.SENT else 0)
        )
    assert outcome.succeeded
    assert sum(sizes) == 35
    assert sorted(world.regions[PRIMARY].arrivals) == [1, 2, 3, 4]


def test_region_of_an_earlier_release_gets_the_file_by_one_put(tmp_path: Path) -> None:
    world = World()
    world.regions[PRIMARY].knows_parts = False
    with make_client(world, tmp_path, part_bytes=10) as client:
        (outcome,) = client.upload_all([_in_parts(tmp_path)])
    assert outcome.receipt
    assert (outcome.receipt.region, world.regions[PRIMARY].arrivals) == (PRIMARY, [])
    assert world.identities("large", bytes(range(35))) == {outcome.receipt.id}


def test_large_file_that_a_region_has_is_not_sent_again(tmp_path: Path) -> None:
    world, item = World(), _in_parts(tmp_path)
    with make_client(world, tmp_path, part_bytes=10) as client:
        client.upload_all([item])
        upload_id = client.receipts[0].upload_id
    lines = (tmp_path / "receipts.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "receipts.jsonl").write_bytes(b"".join(lines[:-1]))  # killed before the last line
    with make_client(world, tmp_path, part_bytes=10) as client:
        events: list[Event] = []
        (outcome,) = client.upload_all([item], on_event=events.append)
    assert (outcome.succeeded, events[-1].kind) == (True, Kind.ALREADY_THERE)
    assert outcome.receipt
    assert outcome.receipt.upload_id == upload_id
    assert len(world.regions[PRIMARY].arrivals) == 4


def test_active_region_is_tried_first(tmp_path: Path) -> None:
    world = World()
    answers = iter([Found(SECONDARY, 60), Found(PRIMARY, 60)])
    with Client(
        configuration(tmp_path), transport=world, clock=world.clock, lookup=lambda: next(answers), credentials=_made_up()
    ) as client:
        client.upload_all([Item("a", b"a"), Item("b", b"b")])
        world.clock.pass_(61)
        client.upload_all([Item("c", b"c")])
    assert [region for region, method in world.log if method == "PUT"] == [SECONDARY, SECONDARY, PRIMARY]


@pytest.mark.parametrize("named", [None, "eu-west-9"])
def test_useless_record_does_not_stop_uploads(named: str | None, tmp_path: Path) -> None:
    def lookup() -> Found:
        if named is None:
            raise Unanswered("the record is not answered")
        return Found(named, 60)

    world, events = World(), list[Event]()
    with Client(
        configuration(tmp_path), transport=world, clock=world.clock, lookup=lookup, credentials=_made_up()
    ) as client:
        (outcome,) = client.upload_all([Item("a", b"a")], on_event=events.append)
    assert outcome.succeeded
    assert [event.reason for event in events if event.kind is Kind.WARNING]


class Touching(World):
    """Two regions, and a file that changes while it is sent."""

    def __init__(self, path: Path, change: bytes) -> None:
        super().__init__()
        self.path, self.change = path, change

    def send(self, request: Request) -> Answer:
        if request.method == "POST" and self.change:
            with self.path.open("wb") as file:
                file.write(self.change)
            os.utime(self.path, (1, 1))
            self.change = b""
        return super().send(request)


def test_changed_file_is_not_sent_and_becomes_a_new_upload(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    world = Touching(path, b"new and longer")
    with make_client(world, tmp_path) as client:
        with pytest.raises(UploadFailed, match="changed while it was read or sent"):
            client.upload(path)
        client.upload(path)
        assert [one.state for one in client.receipts] == [State.REPLACED, State.ACCEPTED]
        assert client.resumable == []
    assert not world.identities("file", b"old")
    assert len(world.identities("file", b"new and longer")) == 1


@pytest.mark.parametrize("make", ["absent", "empty", "folder", "fifo"])
def test_unusable_item_fails_alone(make: str, tmp_path: Path) -> None:
    path = tmp_path / make
    match make:
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
    world = World()
    with make_client(world, tmp_path) as client:
        outcomes = client.upload_all([Item("a", path), Item("b", b"b")])
    assert [one.succeeded for one in outcomes] == [False, True]
    assert outcomes[0].hint
    assert outcomes[0].receipt
    assert outcomes[0].receipt.state is State.FAILED


def test_large_file_is_sent_without_loading_it_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 << 20)

    class Draining(World):
        def send(self, request: Request) -> Answer:
            if request.method == "PUT":
                assert not isinstance(request.body, bytes)
                while request.body.read(16384):
                    pass
                return super().send(Request("PUT", "https://s3.us-east-1.amazonaws.com/x", {"Content-Length": "1"}, b""))
            return super().send(request)

    tracemalloc.start()
    try:
        with make_client(Draining(), tmp_path, patience_seconds=0.1) as client:
            client.upload_all([Item("large", path)])
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_stopped_uploads_can_be_resumed(tmp_path: Path) -> None:
    world = World()
    paths = [tmp_path / f"{n}" for n in range(5)]
    for path in paths:
        path.write_bytes(path.name.encode())
    with make_client(world, tmp_path) as client:
        outcomes = client.upload_all(
            [Item(path.name, path) for path in paths], on_event=lambda event: _stop_at_first(client, event)
        )
    assert [one.succeeded for one in outcomes] == [True] + [False] * 4
    assert all("resume" in one.hint for one in outcomes[1:])
    with make_client(world, tmp_path) as client:
        assert [one.succeeded for one in client.resume()] == [True] * 4
    assert {one.state for one in read_receipts(tmp_path / "receipts.jsonl")} == {State.ACCEPTED}


def test_in_memory_upload_cannot_be_resumed_and_reports_it(tmp_path: Path) -> None:
    world = World([Fault.REFUSED] * 1000)
    with make_client(world, tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        (outcome,) = client.resume()
    assert "memory" in outcome.error


def test_workers_share_the_state_of_the_regions(tmp_path: Path) -> None:
    world = World()
    world.regions[PRIMARY].fault = Fault.REFUSED
    with make_client(world, tmp_path) as client:
        outcomes = client.upload_all([Item(f"{n}", b"%d" % n) for n in range(100)], workers=8)
    assert all(one.succeeded for one in outcomes)
    assert sum(len(world.identities(f"{n}", b"%d" % n)) for n in range(100)) == 100


def test_system_clock_advances() -> None:
    clock = SystemClock()
    assert clock.now() > 1_700_000_000
    assert clock.elapsed() <= clock.elapsed()


def _stop_at_first(client: Client, event: Event) -> None:
    if event.kind is Kind.ACCEPTED:
        client.stop()


def _made_up() -> Credentials:
    return Credentials("AKIDEXAMPLE", "made-up")
