"""Test the watch: pending objects, objects that are missing in one region only, and their age."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.discovery import Found, Unanswered
from drill.dns import DnsPath
from drill.watch import Watch

EAST, WEST = "us-east-1", "us-west-2"


class FakeLedger:
    """A replica that holds some results."""

    def __init__(self, region: str, held: set[str]) -> None:
        self.region, self.held = region, held
        self.asked = 0

    def results(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        wanted = list(ids)
        self.asked += len(wanted)
        return {one: {} for one in wanted if one in self.held}


def _ledgers(east: set[str], west: set[str]) -> tuple[Any, Any]:
    return FakeLedger(EAST, east), FakeLedger(WEST, west)


@pytest.mark.property
@given(
    st.sets(st.integers(0, 30).map(str)),
    st.sets(st.integers(0, 30).map(str)),
    st.sets(st.integers(0, 30).map(str)),
)
def test_pending_and_missing_follow_from_the_replicas(expected: set[str], in_east: set[str], in_west: set[str]) -> None:
    watch, (east, west) = Watch((EAST, WEST)), _ledgers(in_east, in_west)
    for one in expected:
        watch.expect(one, 0.0)
    looks = [watch.look(east, all_of_them=True), watch.look(west, all_of_them=True)]
    assert [one.new for one in looks] == [len(expected & in_east), len(expected & in_west)]
    assert [watch.pending(EAST), watch.pending(WEST)] == [len(expected - in_east), len(expected - in_west)]
    assert set(watch.missing(EAST)) == (expected & in_west) - in_east
    assert set(watch.missing(WEST)) == (expected & in_east) - in_west


def test_seen_object_is_not_read_again() -> None:
    watch, (east, _) = Watch((EAST, WEST)), _ledgers({"a"}, set())
    watch.expect("a", 0.0)
    watch.look(east)
    watch.expect("a", 0.0)
    assert watch.look(east).new == 0
    assert east.asked == 1


def test_look_reads_a_limited_number_and_reaches_every_object() -> None:
    watch, (east, _) = Watch((EAST, WEST)), _ledgers(set(), set())
    for number in range(2000):
        watch.expect(str(number), 0.0)
    watch.look(east)
    assert east.asked == 600
    east.held = {"1999"}
    for _ in range(3):
        watch.look(east)
    assert watch.pending(EAST) == 1999


def test_look_returns_the_age_of_what_waits_and_is_behind() -> None:
    watch, (east, west) = Watch((EAST, WEST)), _ledgers({"a"}, set())
    watch.expect("a", 1.0)
    watch.look(east)
    look = watch.look(west)
    assert look.oldest_seconds > 1_000_000
    assert 0 <= look.behind_seconds < 10


def test_dns_without_a_name_server_is_unknown() -> None:
    path = DnsPath(None, EAST)
    assert (path.answered(), path.followed(), path.healthy(EAST), path.healthy(WEST)) == (None, None, None, None)


def test_client_caches_an_answer_for_its_time_to_live(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    answers: list[Any] = [Found(EAST, 15.0)]

    def lookup() -> Found:
        if isinstance(answers[0], Exception):
            raise answers[0]
        found: Found = answers[0]
        return found

    path = DnsPath(lookup, EAST)
    assert path.followed() == EAST
    answers[0] = Found(WEST, 15.0)
    assert (path.answered(), path.followed(), path.healthy(EAST)) == (WEST, EAST, False)
    now[0] = 15.0
    assert path.followed() == WEST
    answers[0], now[0] = Unanswered("nobody"), 40.0
    assert (path.followed(), path.answered(), path.healthy(EAST)) == (WEST, None, None)
