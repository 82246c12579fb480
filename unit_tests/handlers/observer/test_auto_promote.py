"""Test self-promotion over any history of runs, and split brain over any two views of the register."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.observer.auto_promote import LONGEST_GAP_SECONDS, Situation, Streak
from handlers.observer.peer import compare

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
Run = tuple[bool, float, float | None]
"""Whether both signals were present, the scheduled time, and the replicated heartbeat."""

gaps = st.sampled_from([0.0, 59.0, 60.0, 61.0, 120.0, LONGEST_GAP_SECONDS, LONGEST_GAP_SECONDS + 1, 600.0, -60.0])
beats = st.none() | st.sampled_from([100.0, 200.0, 300.0])
histories = st.lists(st.tuples(st.booleans() | st.just(True), gaps, beats), max_size=12)


def followed(history: list[Run]) -> tuple[Streak, list[Run]]:
    streak, at, runs = Streak(), 1_000_000.0, []
    for is_dead, gap, beat in history:
        at += gap
        runs.append((is_dead, at, beat))
        streak = streak.followed_by(is_dead=is_dead, run_at=at, heartbeat_at=beat)
    return streak, runs


def expected(runs: list[Run]) -> int:
    """Count the different consecutive runs up to the last one in which the peer was dead and wrote nothing."""
    tail: list[Run] = []
    for run in reversed(runs):
        if not run[0] or (tail and not 0 <= tail[-1][1] - run[1] <= LONGEST_GAP_SECONDS):
            break
        tail.append(run)
    tail.reverse()
    first, seen = 0, None
    for number, (_, _, beat) in enumerate(tail):
        if beat is None:
            continue
        if seen is not None and beat > seen:
            first = number
            seen = beat
        seen = beat if seen is None else seen
    return len({at for _, at, _ in tail[first:]})


@pytest.mark.property
@given(histories)
@example([(True, 60.0, 100.0), (True, 60.0, 100.0), (True, 60.0, 100.0)])
@example([(True, 60.0, None), (True, 60.0, 100.0), (True, 60.0, 200.0)])
@example([(True, 60.0, 100.0), (True, 0.0, 200.0), (True, 60.0, 200.0)])
def test_streak_counts_the_last_consecutive_runs(history: list[Run]) -> None:
    streak, runs = followed(history)
    assert streak.runs == expected(runs)


situations = st.builds(
    Situation,
    is_enabled=st.booleans(),
    region=st.sampled_from([PRIMARY, SECONDARY]),
    primary_region=st.just(PRIMARY),
    active_region=st.sampled_from([PRIMARY, SECONDARY, None]),
    is_ready=st.booleans(),
    streak=st.builds(Streak, runs=st.integers(0, 5)),
)


@pytest.mark.property
@given(situations)
@example(
    Situation(
        is_enabled=True,
        region=SECONDARY,
        primary_region=PRIMARY,
        active_region=PRIMARY,
        is_ready=True,
        streak=Streak(3),
    )
)
def test_only_a_passive_ready_secondary_promotes_after_three_runs(situation: Situation) -> None:
    assert situation.must_promote == (
        situation.is_enabled
        and situation.region == SECONDARY
        and situation.active_region == PRIMARY
        and situation.is_ready
        and situation.streak.runs in (3, 4, 5)
    )


views = st.dictionaries(st.sampled_from([PRIMARY, SECONDARY]), st.integers(0, 4))


def active(view: dict[str, int]) -> str:
    """Return the active region of a view, computed independently: the secondary needs a higher epoch."""
    return SECONDARY if view.get(SECONDARY, 0) > view.get(PRIMARY, 0) else PRIMARY


@pytest.mark.property
@given(here=views, there=views)
@example(here={}, there={SECONDARY: 1})
@example(here={PRIMARY: 2, SECONDARY: 2}, there={})
def test_split_brain_is_two_views_with_different_regions(here: dict[str, int], there: dict[str, int]) -> None:
    verdict = compare(here, there, primary_region=PRIMARY)
    assert (verdict.active_here, verdict.active_there) == (active(here), active(there))
    assert verdict.is_split == (active(here) != active(there))
    assert compare(there, here, primary_region=PRIMARY).is_split == verdict.is_split


@pytest.mark.property
@given(here=views, there=views)
def test_once_replication_has_brought_all_claims_there_is_none(here: dict[str, int], there: dict[str, int]) -> None:
    merged = {region: max(here.get(region, 0), there.get(region, 0)) for region in here | there}
    assert not compare(merged, dict(reversed(merged.items())), primary_region=PRIMARY).is_split
