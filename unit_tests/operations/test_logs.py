"""`logs`: lines of both regions in their order, each once, also while a region does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from infra.naming import LOGGED, Naming
from operations import __main__ as command_line
from operations.errors import RunFailure
from operations.logs import Line, Logs
from operations.target import Target
from unit_tests.infra.synthesis import Synthesis
from unit_tests.operations.conftest import LIVE

EAST, WEST = "us-east-1", "us-west-2"
PROCESSOR = "serverless-processor-staging"


class _GoneError(ClientError):
    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ResourceNotFoundException", "Message": "no group"}}, "FilterLogEvents")


@dataclass
class _Cloud:
    """Log groups by region and name; a paginator gives one event a page."""

    groups: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def put(self, region: str, group: str, at: int, message: str) -> None:
        held = self.groups.setdefault((region, group), [])
        held.append({"timestamp": at, "message": message, "logStreamName": "s", "eventId": f"{region}{group}{len(held)}"})


@dataclass
class _Client:
    cloud: _Cloud
    region: str

    class exceptions:  # noqa: N801 - botocore's own name
        ResourceNotFoundException = _GoneError

    def get_paginator(self, name: str) -> _Client:
        assert name == "filter_log_events"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        self.cloud.asked.append(request)
        if self.region in self.cloud.lost:
            raise EndpointConnectionError(endpoint_url=f"https://logs.{self.region}.amazonaws.com")
        if (self.region, request["logGroupName"]) not in self.cloud.groups:
            raise _GoneError
        events = self.cloud.groups[self.region, request["logGroupName"]]
        yield from ({"events": [one]} for one in events if request["startTime"] <= one["timestamp"] <= request["endTime"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> _Cloud:
    """Two regions with empty processors' logs."""
    cloud = _Cloud({(region, PROCESSOR): [] for region in (EAST, WEST)})
    monkeypatch.setattr(Target, "fail_fast_client", lambda _self, _service, region: _Client(cloud, region))
    return cloud


def _texts(lines: list[Line]) -> list[str]:
    return [line.message for line in lines]


def test_lines_of_both_regions_are_merged_by_time(cloud: _Cloud) -> None:
    for region, at, text in ((EAST, 3, "c"), (WEST, 1, "a"), (EAST, 2, "b"), (WEST, 9, "later")):
        cloud.put(region, PROCESSOR, at, text)
    assert _texts(Logs(LIVE, LIVE.regions, LOGGED, "").read(0, 9)) == ["a", "b", "c"]


def test_text_is_searched_by_the_service_as_one_term(cloud: _Cloud) -> None:
    Logs(LIVE, LIVE.regions, ["processor"], 'incoming/a "b".csv').read(0, 9)
    assert {one["filterPattern"] for one in cloud.asked} == {'"incoming/a \\"b\\".csv"'}


def test_lost_region_is_named_and_the_other_is_shown(cloud: _Cloud) -> None:
    cloud.put(WEST, PROCESSOR, 1, "a")
    cloud.lost.add(EAST)
    logs = Logs(LIVE, LIVE.regions, LOGGED, "")
    assert _texts(logs.read(0, 9)) == ["a"]
    assert list(logs.problems) == [EAST]
    cloud.lost.add(WEST)
    with pytest.raises(RunFailure, match="No region returned a log"):
        logs.read(0, 9)


def test_follower_shows_each_line_once_and_late_lines_too(cloud: _Cloud) -> None:
    def times() -> Iterator[int]:
        cloud.put(EAST, PROCESSOR, 100_000, "first")
        yield 100_000
        cloud.put(WEST, PROCESSOR, 99_000, "late")
        yield 100_001
        cloud.lost.add(EAST)
        yield 102_000
        cloud.lost.clear()
        cloud.put(EAST, PROCESSOR, 103_000, "back")
        yield 104_000

    followed = Logs(LIVE, LIVE.regions, LOGGED, "").follow(90_000, times())
    assert [_texts(lines) for lines in followed] == [["first"], ["late"], [], ["back"]]


def test_line_of_powertools_shows_level_message_and_own_fields() -> None:
    held = {"level": "INFO", "message": "an object is completed", "timestamp": "x", "function_name": "y", "accepted": 2}
    assert Line(0, EAST, "processor", json.dumps(held), "e").text == 'INFO an object is completed {"accepted": 2}'
    assert Line(0, EAST, "processor", "REPORT x\n", "e").text == "REPORT x"
    assert Line(1_500, EAST, "processor", "", "e").time == "1970-01-01T00:00:01.500Z"


def test_functions_are_those_with_a_log_group_in_a_regional_or_data_stack(prod: Synthesis) -> None:
    groups = {
        one["Properties"]["LogGroupName"]
        for template in prod.templates.values()
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Logs::LogGroup"
    }
    assert {Naming("prod").log_group(name) for name in LOGGED} <= groups


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--function", "procesor"], "'procesor' is not a function with a log."),
        (["--tail", "--until", "2026-11-29"], "--tail and --until contradict each other."),
        (["--region", "eu-west-1"], "'eu-west-1' is not a region of this platform."),
    ],
)
def test_logs_wrong_usage_is_refused(typed: list[str], expected: str, target: Target) -> None:
    assert target
    result = CliRunner().invoke(command_line.app, ["logs", "--environment", "staging", *typed])
    assert (result.exit_code, expected in result.output) == (2, True), result.output
