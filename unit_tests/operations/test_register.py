"""The register: the highest epoch wins, and a promotion calls only the promoted region."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.errors import RunFailure
from operations.guard import Guard, GuardViolation, guarding
from operations.register import Register, active_region
from operations.target import Target
from unit_tests.operations.conftest import put_claim, put_row

EAST, WEST = "us-east-1", "us-west-2"


def test_register_without_claims_has_the_primary_active(target: Target) -> None:
    assert {Register(target, region).active() for region in target.regions} == {EAST}


def test_promote_claims_above_every_epoch_of_the_replica(target: Target) -> None:
    put_claim(WEST, EAST, 7)
    promotion = Register(target, WEST).promote()
    assert (promotion.region, promotion.epoch, promotion.before, promotion.already) == (WEST, 8, EAST, False)
    assert Register(target, WEST).claims() == {EAST: 7, WEST: 8}


def test_promote_writes_through_its_own_region_only(target: Target) -> None:
    with guarding(Guard((WEST,))) as guard:
        Register(target, WEST).promote()
    assert (guard.calls, guard.violations) == (3, [])
    assert Register(target, EAST).claims() == {}


def test_the_guard_would_have_seen_another_region(target: Target) -> None:
    with guarding(Guard((WEST,))) as guard, pytest.raises(GuardViolation):
        Register(target, EAST).claims()
    assert len(guard.violations) == 1


def test_promote_active_region_writes_nothing(target: Target) -> None:
    first = Register(target, WEST).promote()
    second = Register(target, WEST).promote()
    assert (second.already, second.epoch) == (True, first.epoch)


@pytest.mark.parametrize(
    "epoch", [None, {"S": "9"}, {"N": "1.5"}, {"N": "-1"}, {"N": "1E+38"}, {"NS": ["1"]}, {"BOOL": True}]
)
@pytest.mark.parametrize("region", [EAST, WEST])
def test_promote_own_malformed_row_is_repaired(target: Target, region: str, epoch: dict[str, Any] | None) -> None:
    put_claim(region, WEST if region == EAST else EAST, 4)
    put_row(region, region, {"epoch": epoch} if epoch else {})
    assert Register(target, region).active() != region
    promotion = Register(target, region).promote()
    assert (promotion.region, promotion.epoch) == (region, 5)
    assert Register(target, region).claims()[region] == 5


def test_promote_primary_that_is_active_with_a_malformed_row_is_repaired(target: Target) -> None:
    put_row(EAST, EAST, {"epoch": {"S": "x"}})
    assert (Register(target, EAST).active(), Register(target, EAST).promote().epoch) == (EAST, 1)
    assert Register(target, EAST).promote().already


def test_promote_other_regions_malformed_row_does_not_count(target: Target) -> None:
    put_row(WEST, EAST, {"epoch": {"N": str(10**38 - 1)}})
    assert Register(target, WEST).promote().epoch == 1


def test_promote_above_the_last_epoch_is_refused_with_the_way_out(target: Target) -> None:
    put_claim(WEST, EAST, 10**15 - 1)
    with pytest.raises(RunFailure, match="write a lower epoch into that region's row"):
        Register(target, WEST).promote()


def test_promote_after_a_concurrent_claim_wins(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register(target, WEST)
    real, raced = register._rows, itertools.count()  # noqa: SLF001

    def rows() -> dict[str, Any]:
        held = real()
        if next(raced) == 0:
            put_claim(WEST, WEST, 1)
            put_claim(WEST, EAST, 2)
        return held

    monkeypatch.setattr(register, "_rows", rows)
    assert register.promote().epoch == 3


def test_promote_lost_race_five_times_is_reported(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register(target, WEST)
    put_claim(WEST, WEST, 99)
    monkeypatch.setattr(register, "_rows", dict)
    with pytest.raises(RunFailure, match="another process changed its claim 5 times"):
        register.promote()


def test_promote_missing_table_is_reported(target: Target) -> None:
    with pytest.raises(RunFailure, match="us-west-2 was not promoted: its table serverless-ledger-dev answered"):
        Register(dataclasses.replace(target, environment="dev"), WEST).promote()


@pytest.mark.property
@given(st.dictionaries(st.sampled_from([EAST, WEST]), st.integers(0, 5)), st.sampled_from([EAST, WEST]))
def test_the_winner_has_the_highest_epoch_and_a_tie_is_the_primarys(claims: dict[str, int], primary: str) -> None:
    winner = active_region(claims, primary=primary)
    best = max(claims.values(), default=0)
    assert claims.get(winner, 0) == best
    if claims.get(primary, 0) == best:
        assert winner == primary


@pytest.mark.property
@given(st.lists(st.tuples(st.sampled_from([EAST, WEST]), st.booleans()), max_size=12))
def test_last_replicated_promotion_is_active(history: list[tuple[str, bool]]) -> None:
    """Promotions with replication that comes through, or not until the end: the highest epoch wins in both in the end."""
    replicas: dict[str, dict[str, int]] = {EAST: {}, WEST: {}}
    for region, replicated in history:
        held = replicas[region]
        if active_region(held, primary=EAST) != region:
            held[region] = max(held.values(), default=0) + 1
        if replicated:
            _exchange(replicas)
    _exchange(replicas)
    assert active_region(replicas[EAST], primary=EAST) == active_region(replicas[WEST], primary=EAST)


def _exchange(replicas: dict[str, dict[str, int]]) -> None:
    merged = {region: held[region] for region, held in replicas.items() if region in held}
    for held in replicas.values():
        held.update(merged)
