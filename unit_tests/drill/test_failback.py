"""Test the failback phase: it uses the checks of `operate failback` and one of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from drill.phases import failback
from drill.watch import Watch
from operations import status
from operations.heartbeats import Heartbeat
from operations.status import RegionStatus
from unit_tests.drill.test_watch import FakeLedger

EAST, WEST = REGIONS = ("us-east-1", "us-west-2")


def reasons(
    monkeypatch: pytest.MonkeyPatch,
    *,
    held: dict[str, set[str]],
    is_silent: bool = False,
    ages: Mapping[str, float] = MappingProxyType({"healed": 46.0}),
    **east: Any,  # noqa: ANN401
) -> list[str]:
    heartbeats = {region: Heartbeat(time.time(), numbers={"replication_pending": 1.0}) for region in REGIONS}
    well: dict[str, Any] = {"claims": {WEST: 1}, "ready": True, "waiting": 0, "heartbeats": heartbeats}
    well |= {"digests": {EAST: {}, WEST: {}}}
    found = [RegionStatus(EAST, **(well | east)), RegionStatus(WEST, **well)]
    monkeypatch.setattr(status, "look", lambda _: found)

    def ledger(_: object, region: str, *, fail_fast: bool) -> FakeLedger:
        assert fail_fast
        if is_silent:
            raise EndpointConnectionError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")
        return FakeLedger(region, held[region])

    monkeypatch.setattr(failback, "Ledger", ledger)
    watch = Watch(REGIONS)
    watch.expect("a", 0.0)
    target = SimpleNamespace(regions=REGIONS, primary=EAST)
    moments = {name: time.time() - seconds for name, seconds in ages.items()}
    context: Any = SimpleNamespace(
        target=target,
        deployment=None,
        watch=watch,
        journal=SimpleNamespace(moment=moments.get),
        plan=SimpleNamespace(time_factor=4.0),
    )
    return failback.reasons_against(context)


def test_failback_with_both_regions_well_has_no_reason_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reasons(monkeypatch, held={EAST: {"a"}, WEST: {"a"}}) == []


@pytest.mark.parametrize("ages", [{"healed": 44.0}, {"healed": 90.0, "healed_again": 44.0}])
def test_failback_waits_for_a_heartbeat_of_after_the_healing(
    monkeypatch: pytest.MonkeyPatch, ages: dict[str, float]
) -> None:
    """The drill's clocks are four times as fast: 45 s are the three minutes of S3's metric."""
    found = reasons(monkeypatch, held={EAST: {"a"}, WEST: {"a"}}, ages=ages)
    assert found[0].startswith("what was on its way to us-east-1 is not measured yet"), found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ready": False}, "GET /ready of us-east-1"),
        ({"heartbeats": {}}, "the observer of us-east-1 has written no heartbeat"),
        ({"waiting": 5}, "5 messages in us-east-1 are not verified"),
        ({"digests": {WEST: {}}}, "the digests of us-east-1 could not be read"),
    ],
)
def test_failback_refused_by_operate_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], reason: str
) -> None:
    found = reasons(monkeypatch, held={EAST: {"a"}, WEST: {"a"}}, **change)
    assert any(one.startswith(reason) for one in found), found


def test_failback_with_a_result_in_one_region_only_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = reasons(monkeypatch, held={EAST: set(), WEST: {"a"}})
    assert found == "us-east-1 has no RESULT yet of 1 objects that the other region has done"


def test_failback_with_a_silent_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = reasons(monkeypatch, held={}, is_silent=True)
    assert found.startswith("a table does not answer: ")
