"""The web page's data: a region that hangs delays nobody, a late one is no answer, and files show each replica's state."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local_cloud.fault_injector import FaultInjector
from local_cloud.server_process import LocalCloudError
from local_cloud.web_page import watch
from operations import selection, status
from operations.attribute_values import Wire
from operations.errors import RunFailure
from operations.status import RegionStatus
from operations.target import Mode, Target

EAST, WEST = "us-east-1", "us-west-2"
TARGET = Target(Mode.LOCAL, "000000000000", "prod", EAST, WEST, WEST, "test", endpoint_url="http://127.0.0.1:9")
HEALTH: dict[str, Any] = {
    "regions_down": [WEST],
    "regions_destroyed": [],
    "regions_stalled": [],
    "throttled": {EAST: 0.5},
    "crashes": {},
    "answers_lost": {},
    "replication": "cut",
    "replication_lag_seconds": 0.05,
}
KEY = f"incoming/uploads/billing/u1/{'ab' * 32}/january\N{RIGHT-TO-LEFT OVERRIDE}fdp.csv"
RESULT = {"state": {"S": "COMPLETED"}, "accepted": {"N": "2"}, "rejected": {"N": "1"}}
ROWS = {EAST: {"RESULT": RESULT}, WEST: {}}


class World:
    """The answers of the regions, which may hang.

    Attributes:
        answers: What a region answers.
        is_open: Set while a region answers; a reading of it waits for that.
        begun: Set when a reading of a region has begun.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], RegionStatus]] = dict.fromkeys(TARGET.regions, lambda: working(EAST))
        self.is_open = {region: threading.Event() for region in TARGET.regions}
        self.begun = {region: threading.Event() for region in TARGET.regions}
        self.failure: Exception | None = None
        self.clock = 0.0
        self.listings: list[str] = []
        for event in self.is_open.values():
            event.set()

    def look_at(self, _: Target, region: str) -> RegionStatus:
        self.begun[region].set()
        self.is_open[region].wait()
        return self.answers[region]()


def working(region: str) -> RegionStatus:
    return RegionStatus(region, claims={EAST: 3}, ready=True, waiting=1, dead=0, ringing=[])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Two regions that work, each with the same file."""
    world = World()
    world.answers = {EAST: lambda: working(EAST), WEST: lambda: working(WEST)}

    class InventedFiles:
        def __init__(self, _: Target, regions: list[str]) -> None:
            (self.region,) = regions

        def newest(self, _: int) -> list[tuple[datetime, str, str]]:
            if world.failure:
                raise world.failure
            world.listings.append(self.region)
            world.clock += self.region == EAST  # only one thread moves the clock
            return [(datetime(2026, 11, 30, 7, tzinfo=UTC), "f" * 64, KEY)]

        def rows(self, _: str) -> dict[str, dict[str, dict[str, Wire]]]:
            return {self.region: ROWS[self.region]}

    monkeypatch.setattr(time, "perf_counter", lambda: world.clock)
    monkeypatch.setattr(status, "look_at", world.look_at)
    monkeypatch.setattr(watch, "Files", InventedFiles)
    monkeypatch.setattr(watch, "_WAIT_SECONDS", 20.0)
    monkeypatch.setattr(FaultInjector, "health", lambda _: HEALTH)
    monkeypatch.setattr(selection, "_selected", [])
    selection.select(TARGET, unverified=False, options=" --local")
    return world


@pytest.fixture
def platform(world: World) -> watch.Platform:
    assert world
    return watch.Platform(TARGET, FaultInjector("http://127.0.0.1:9", "secret"))


def test_state_is_that_of_status_with_faults_and_files(platform: watch.Platform) -> None:
    state = json.loads(json.dumps(platform.state()))
    assert (state["active"], state["verdict"][:4], [one["answers"] for one in state["regions"]]) == (
        EAST,
        "NEW:",
        [True, True],
    )
    assert state["next"].endswith("lockstep logs --local")
    assert {name: where for name, where in state["faults"].items() if where} == {
        "blackout": [WEST],
        "throttle": [EAST],
        "partition": [EAST, WEST],
    }
    (file,) = state["files"]
    assert file["key"] == "january\N{REPLACEMENT CHARACTER}fdp.csv"
    assert file["states"][EAST].startswith("completed: 2 accepted, 1 rejected")
    assert file["states"][WEST] == "waiting"


def test_bucket_is_listed_for_a_tenth_of_the_time(world: World, platform: watch.Platform) -> None:
    for seconds, listings in [(0.0, 1), (0.0, 1), (8.0, 1), (30.0, 2)]:
        world.clock += seconds
        assert platform.state()["files"]
        assert world.listings.count(EAST) == listings


def test_region_that_hangs_delays_no_other(world: World, platform: watch.Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.state()
    monkeypatch.setattr(watch, "_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(watch, "LIMIT_SECONDS", 0.0)
    world.is_open[WEST].clear()
    world.answers[EAST] = lambda: RegionStatus(EAST, claims={EAST: 4}, ready=True)

    # Each call returns while the reading of the other region waits; a busy machine may need several.
    state = next(one for _ in range(100) if (one := platform.state())["regions"][0]["answers"])

    east, west = state["regions"]
    assert (west["answers"], west["silent_seconds"] >= 0) == (False, True)
    assert east["answers"]
    assert state["files"][0]["states"][WEST] == "does not answer"
    world.is_open[WEST].set()
    monkeypatch.setattr(watch, "_WAIT_SECONDS", 20.0)
    platform.state()
    assert [one["answers"] for one in platform.state()["regions"]] == [True, True]


def test_silence_lasts_from_the_first_demand_without_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    silent = watch.Watch(lambda: (None, False))
    lengths = []
    for _ in range(3):
        silent.demand()
        lengths.append(silent.silent_seconds)
    assert lengths == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("region", [EAST, WEST])
def test_region_without_answer_is_no_answer_at_once(region: str, world: World, platform: watch.Platform) -> None:
    world.answers[region] = lambda: RegionStatus(region, problems=["the table: refused"])
    state = platform.state()
    assert {one["region"]: one["answers"] for one in state["regions"]} == {EAST: region != EAST, WEST: region != WEST}
    assert state["files"][0]["states"][region] == "does not answer"


@pytest.mark.parametrize("failure", [RunFailure("No region answers."), KeyError("sk")])
def test_files_that_cannot_be_read_are_a_problem_of_the_region(
    failure: Exception, world: World, platform: watch.Platform
) -> None:
    world.failure = failure
    for _ in range(2):
        state = platform.state()
        assert [one["problems"] for one in state["regions"]] == [[f"the newest files: {failure}"]] * 2
        assert all(one["answers"] for one in state["regions"])


def test_row_that_is_malformed_does_not_hide_the_rest(platform: watch.Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, WEST, {"RESULT": {}})
    (file,) = platform.state()["files"]
    assert file["states"][WEST].startswith("a row is malformed")


def test_silent_cloud_is_reported_after_the_limit(platform: watch.Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: FaultInjector) -> dict[str, Any]:
        raise LocalCloudError("The local cloud does not answer.")

    monkeypatch.setattr(FaultInjector, "health", refuse)
    assert platform.state()["cloud_silent_seconds"] == 0
    monkeypatch.setattr(watch, "LIMIT_SECONDS", 0.0)
    assert platform.state()["cloud_silent_seconds"] > 0


def test_nothing_is_read_while_no_page_asks(world: World, platform: watch.Platform) -> None:
    assert platform
    assert not any(event.wait(0.05) for event in world.begun.values())
