"""Test the selection of hours, their stored digests, and the comparison with the peer."""

import random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.observer.conflicts import Comparison, compare
from handlers.observer.digest_rows import DigestRow, DigestStore
from handlers.observer.digests import Budget, Digest, HourReader, Scan, begin_of, hour_of, hours_before
from handlers.observer.hours import (
    CLOSED_HOURS_WATCHED,
    DOUBTFUL_A_ROUND,
    ROUND_SECONDS,
    HourDigests,
    Outcome,
    plan,
)
from handlers.shared import schema
from unit_tests.fixtures.examples import examples
from unit_tests.handlers.observer.table import BEGIN, HOUR, Table, hours_of_rows, reckoned, result

HERE, THERE = "us-east-1", "us-west-2"
CLOSED = BEGIN + 2 * 3600
"""Time at which the hour of the rows is closed."""
ROUNDS = [float(ROUND_SECONDS * number) for number in range(CLOSED_HOURS_WATCHED)]


def all_kept(now: float) -> dict[tuple[str, str], DigestRow]:
    closed = [hours_before(hour_of(now), 2 + back) for back in range(CLOSED_HOURS_WATCHED)]
    return {(hour, prefix): DigestRow(Digest(), now) for hour in closed for prefix in schema.DIGEST_PREFIXES}


AUDITED = next(
    begin
    for begin in (CLOSED + 3600 + seconds for seconds in ROUNDS)
    if hour_of(BEGIN) in plan(begin, all_kept(begin), Comparison((), ()), 0)
)
"""The first round, an hour after that or later, that reads the hour of the rows again."""


class Region:
    """An observer's digests over one replica."""

    def __init__(self, region: str = HERE, table: Table | None = None) -> None:
        self.table = table or Table()
        self.region = region
        client = cast("Any", self.table)
        self.digests = HourDigests(
            reader=HourReader(dynamodb=client, table_name="t", rows_a_page=2),
            store=DigestStore(dynamodb=client, table_name="t", region=region),
            region=region,
            peer_region=THERE if region == HERE else HERE,
        )
        self.outcome = Outcome(scan=None, turn=0, conflicts=0, mismatches=0)

    def run(self, now: float, *, rows: int = 10**6) -> Outcome:
        """Do one run."""
        last = self.outcome
        self.outcome = self.digests.renew(now=now, unfinished=last.scan, turn=last.turn, budget=Budget(rows=rows))
        return self.outcome

    def kept(self, hour: str = HOUR, *, of: str | None = None) -> dict[str, tuple[int, int, int]]:
        """Return the stored digests of an hour."""
        found = {}
        for prefix in schema.DIGEST_PREFIXES:
            row = self.table.rows.get((f"DIGEST#{of or self.region}", f"{hour}#{prefix}"))
            if row:
                found[prefix] = (int(row["objects"]["N"]), int(row["identities"]["S"], 16), int(row["effects"]["S"], 16))
        return found

    def hear(self, other: "Region") -> None:
        """Replicate the other region's digests."""
        self.table.add(*[row for key, row in other.table.rows.items() if key[0] == f"DIGEST#{other.region}"])


def in_its_turn(*regions: Region, begin: float = CLOSED) -> list[Outcome]:
    outcomes = []
    for seconds in ROUNDS[:3]:  # in which the hour of the rows has its turn
        for region in regions:
            outcomes.append(region.run(begin + seconds))
            for other in regions:
                if other is not region:
                    other.hear(region)
    return outcomes


# --- what is kept -------------------------------------------------------------------------------------------------


@pytest.mark.property
@given(items=hours_of_rows)
def test_digest_of_an_open_hour_equals_an_independent_sum(items: list[dict[str, Any]]) -> None:
    region = Region()
    region.table.add(*items)
    region.run(BEGIN + 1800)
    assert region.kept() == reckoned(items)


def test_rows_are_this_regions_own() -> None:
    region = Region()
    region.table.add(result("a" * 64))
    region.run(BEGIN)
    assert {key[0] for key in region.table.writes} == {f"DIGEST#{HERE}"}


def test_digest_without_a_change_is_not_written_again() -> None:
    region = Region()
    region.table.add(result("a" * 64))
    for seconds in ROUNDS[:12]:
        region.run(CLOSED + seconds)
    region.table.writes.clear()
    region.table.add(result("b" * 64, hour_begin=CLOSED))
    region.run(CLOSED + 3599)
    assert region.table.writes == [(f"DIGEST#{HERE}", f"{hour_of(CLOSED)}#b")]


@pytest.mark.property
@given(items=hours_of_rows.filter(bool), seed=st.integers(0, 2**32), cut=st.integers(0, 40))
def test_late_rows_give_the_same_digest(items: list[dict[str, Any]], seed: int, cut: int) -> None:
    region = Region()
    shuffled = random.Random(seed).sample(items, len(items))  # noqa: S311 - an order, no secret
    region.table.add(*shuffled[:cut])
    region.run(BEGIN + 60)
    region.run(CLOSED)
    region.table.add(*shuffled[cut:])
    outcomes = in_its_turn(region, begin=AUDITED)
    assert region.kept() == reckoned(items)
    assert max(outcome.conflicts for outcome in outcomes) == 0, "a row that comes late is no conflict"


def test_observer_that_missed_hours_digests_them_later() -> None:
    region = Region()
    items = [result(f"{hour:x}" * 64, hour_begin=BEGIN + hour * 3600) for hour in range(10)]
    region.table.add(*items)
    now = BEGIN + 11 * 3600
    for seconds in ROUNDS[:10]:
        region.run(now + seconds)
    for hour in range(10):
        kept = region.kept(hour_of(BEGIN + hour * 3600))
        assert kept == reckoned([items[hour]])


def test_repeated_run_changes_no_digest() -> None:
    region = Region()
    region.table.add(result("a" * 64))
    region.run(CLOSED)
    rows = {key: row for key, row in region.table.rows.items() if key[0].startswith("DIGEST#") and "T14" in key[1]}
    assert region.run(CLOSED).conflicts == 0
    assert {key: region.table.rows[key] for key in rows} == rows


def test_write_of_a_late_run_keeps_a_newer_row() -> None:
    region = Region()
    store = DigestStore(dynamodb=cast("Any", region.table), table_name="t", region=HERE)
    store.write((HOUR, "a"), DigestRow(Digest(2, 2, 2), BEGIN + 60))
    store.write((HOUR, "a"), DigestRow(Digest(1, 1, 1), BEGIN))
    assert region.kept()["a"] == (2, 2, 2)


# --- how much is done ---------------------------------------------------------------------------------------------


@pytest.mark.property
@given(number=st.integers(0, 10**6), turn=st.integers(0, 10**6))
def test_round_reads_few_hours_the_open_one_and_every_other_time_the_last(number: int, turn: int) -> None:
    now = CLOSED + float(ROUND_SECONDS) * number
    hours = plan(now, {}, Comparison((), ()), turn)
    assert len(hours) <= 3 + DOUBTFUL_A_ROUND
    assert len(hours) == len(set(hours))
    assert hour_of(now) in hours
    following = plan(now + ROUND_SECONDS, {}, Comparison((), ()), turn + 1)
    assert hours_before(hour_of(now), 1) in {*hours, *following}


def test_closed_hours_of_the_last_sixty_are_read_again_in_five_hours() -> None:
    assert ROUNDS[-1] < 5 * 3600
    hours: list[str] = []
    for seconds in ROUNDS:
        now = CLOSED + seconds
        chosen = plan(now, all_kept(now), Comparison((), ()), 0)
        assert len(chosen) in {2, 3}
        hours += [hour for hour in chosen if hour < hours_before(hour_of(now), 1)]
    watched_first, watched_last = (
        {hours_before(hour_of(now), 2 + back) for back in range(CLOSED_HOURS_WATCHED)}
        for now in (CLOSED, CLOSED + ROUNDS[-1])
    )
    still_watched = watched_first & watched_last
    assert len(still_watched) > CLOSED_HOURS_WATCHED - 5
    assert still_watched <= set(hours)
    assert len(hours) == len(set(hours)), "each once"


KEPT = all_kept(CLOSED)


@pytest.mark.property
@settings(max_examples=examples(30))
@given(count=st.integers(1, CLOSED_HOURS_WATCHED), first=st.integers(0, 4), turn=st.integers(0, 1000))
def test_doubtful_hour_waits_at_most_half_an_hour(count: int, first: int, turn: int) -> None:
    places = tuple((hours_before(hour_of(CLOSED), 2 + back), "0") for back in range(count))
    seen: set[str] = set()
    rounds = range(first, first + count // DOUBTFUL_A_ROUND + 1)
    assert len(rounds) * ROUND_SECONDS <= 35 * 60
    for number in rounds:
        seen |= set(plan(CLOSED + ROUND_SECONDS * number, KEPT, Comparison((), places), turn + number))
    assert {hour for hour, _ in places} <= seen


def test_small_budget_digests_each_hour_in_turn() -> None:
    places = tuple((hours_before(hour_of(CLOSED), 5 + back), "0") for back in range(DOUBTFUL_A_ROUND))
    first = [plan(CLOSED, KEPT, Comparison((), places), turn)[0] for turn in range(3 + DOUBTFUL_A_ROUND)]
    assert sorted(first) == sorted(plan(CLOSED, KEPT, Comparison((), places), 0))


def test_hour_over_many_runs_leaves_the_others_their_turn() -> None:
    region = Region()
    items = [
        result(f"{n:064x}", hour_begin=begin)
        for begin in (BEGIN, BEGIN + 3600, CLOSED)
        for n in range(int(begin) % 997, int(begin) % 997 + 60)
    ]
    region.table.add(*items)
    read: set[str] = set()
    for minute in range(60):
        before = region.table.rows_read
        outcome = region.run(CLOSED + 60 * minute, rows=10)
        assert region.table.rows_read - before <= 11
        read |= {outcome.scan.hour} if outcome.scan else set()
    assert {HOUR, hours_before(hour_of(CLOSED), 1), hour_of(CLOSED)} <= read
    for hour in (HOUR, hour_of(BEGIN + 3600), hour_of(CLOSED)):
        assert sum(count for count, _, _ in region.kept(hour).values()) == 60


def test_unfinished_hour_continues_in_the_next_run() -> None:
    region = Region()
    region.table.add(*[result(f"{n:064x}") for n in range(20)])
    outcome = region.run(BEGIN + 60, rows=5)
    assert isinstance(outcome.scan, Scan)
    assert outcome.scan.hour in (HOUR, hours_before(HOUR, 1)) or outcome.scan.partition >= 0
    for minute in range(2, 20):
        region.run(BEGIN + 60 * minute, rows=5)
    assert sum(count for count, _, _ in region.kept().values()) == 20


# --- what a comparison finds --------------------------------------------------------------------------------------


def test_changed_write_once_row_is_one_conflict() -> None:
    region = Region()
    region.table.add(result("a" * 64))
    region.run(BEGIN + 60)
    region.table.add(result("a" * 64, accepted=3))
    assert region.run(BEGIN + 120).conflicts == 1
    assert region.run(BEGIN + 180).conflicts == 0


def test_changed_row_of_a_closed_hour_is_found_within_five_hours() -> None:
    region = Region()
    region.table.add(result("a" * 64), result("b" * 64))
    in_its_turn(region)
    region.table.add(result("a" * 64, effect_digest="1" * 64))
    outcomes = in_its_turn(region, begin=AUDITED)
    assert sum(outcome.conflicts for outcome in outcomes) == 1


def test_regions_with_equal_rows_of_their_own_agree() -> None:
    here, there = Region(HERE), Region(THERE)
    here.table.add(result("a" * 64))
    there.table.add(result("a" * 64, region=THERE, epoch=1, version_id="w", processed_at="2026-02-01T00:00:00.000Z"))
    outcomes = in_its_turn(here, there)
    assert {(outcome.conflicts, outcome.mismatches) for outcome in outcomes} == {(0, 0)}


def test_row_that_differs_between_regions_is_a_conflict() -> None:
    here, there = Region(HERE), Region(THERE)
    here.table.add(result("a" * 64))
    there.table.add(result("a" * 64, accepted=9))
    outcomes = in_its_turn(here, there)
    assert (here.outcome.conflicts, there.outcome.conflicts) == (1, 1)
    assert outcomes[-1].mismatches == 0


def test_rows_that_have_not_arrived_are_a_mismatch_and_no_conflict() -> None:
    here, there = Region(HERE), Region(THERE)
    here.table.add(result("a" * 64))
    there.table.add(result("b" * 63 + "1"), result("a" * 63 + "2"))
    outcomes = in_its_turn(here, there)
    assert max(outcome.conflicts for outcome in outcomes) == 0, "as many, but other objects: a partition looks like that"
    assert here.outcome.mismatches == there.outcome.mismatches == 2
    everything = [result("a" * 64), result("b" * 63 + "1"), result("a" * 63 + "2")]
    for region in (here, there):
        region.table.add(*everything)
    in_its_turn(here, there, begin=CLOSED + 3600)
    assert here.outcome.mismatches == there.outcome.mismatches == 0, "it is over when they have"


def test_hours_that_one_region_has_not_closed_are_not_compared() -> None:
    digest, other = Digest(1, 1, 1), Digest(2, 2, 2)
    closed, opened = DigestRow(digest, CLOSED), DigestRow(other, CLOSED - 1)
    place = (HOUR, "a")
    assert compare({place: closed}, {place: opened}).mismatches == ()
    assert compare({place: closed}, {place: DigestRow(other, CLOSED)}).mismatches == (place,)
    assert compare({place: closed}, {}).mismatches == ()


@pytest.mark.property
@given(
    one=st.builds(Digest, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
    other=st.builds(Digest, st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
)
def test_two_digests_agree_conflict_or_mismatch(one: Digest, other: Digest) -> None:
    place = (HOUR, "a")
    at = begin_of(HOUR) + 3 * 3600
    found = compare({place: DigestRow(one, at)}, {place: DigestRow(other, at)})
    verdicts = [one == other, found.conflicts == (place,), found.mismatches == (place,)]
    assert sum(verdicts) == 1
    turned = compare({place: DigestRow(other, at)}, {place: DigestRow(one, at)})
    assert turned == found
