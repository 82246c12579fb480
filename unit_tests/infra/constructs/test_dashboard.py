"""Test the dashboard: it shows both regions side by side, and each widget names its region."""

import json
from typing import Any

import pytest

from infra.constructs.dashboard import Dashboard
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import context, only, stack_in


def widgets(control: RegionRole = RegionRole.SECONDARY) -> list[dict[str, Any]]:
    of = context(control, control=control)
    stack = stack_in(of)
    Dashboard(
        stack, "Dashboard", settings=of.settings, api_ids={RegionRole.PRIMARY: "api-one", RegionRole.SECONDARY: "api-two"}
    )
    dashboard = only(stack, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "serverless-overview-prod"
    found: list[dict[str, Any]] = json.loads(dashboard["DashboardBody"])["widgets"]
    return found


def metrics(widget: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = widget["properties"]["metrics"]
    return found


def graphs(control: RegionRole = RegionRole.SECONDARY) -> list[dict[str, Any]]:
    return [widget for widget in widgets(control) if widget["type"] == "metric"]


def test_graph_title_names_its_region() -> None:
    for graph in graphs():
        region = graph["properties"]["region"]
        assert region in graph["properties"]["title"]
        for metric in metrics(graph):
            # Without a region of its own a metric is looked for in the widget's, which is the same.
            assert (metric[-1] if isinstance(metric[-1], dict) else {}).get("region", region) == region


def test_both_regions_show_the_same_graphs() -> None:
    shown = [
        {
            graph["properties"]["title"].removesuffix(f" ({region})")
            for graph in graphs()
            if graph["properties"]["region"] == region and "trail" not in graph["properties"]["title"]
        }
        for region in ("us-east-1", "us-west-2")
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) >= 10


def test_graph_of_requests_shows_the_regions_own_api() -> None:
    found = {
        graph["properties"]["region"]: metrics(graph)[0][3] for graph in graphs() if metrics(graph)[0][0] == "AWS/ApiGateway"
    }
    assert found == {"us-east-1": "api-one", "us-west-2": "api-two"}


@pytest.mark.parametrize(("control", "region"), [(RegionRole.PRIMARY, "us-east-1"), (RegionRole.SECONDARY, "us-west-2")])
def test_trail_graph_shows_the_control_region(control: RegionRole, region: str) -> None:
    shown = [graph for graph in graphs(control) if metrics(graph)[0][0] == "AWS/Logs"]
    assert [graph["properties"]["region"] for graph in shown] == [region]


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_graph_of_waiting_messages_shows_postponed_ones(region: str) -> None:
    (graph,) = (
        graph
        for graph in graphs()
        if graph["properties"]["region"] == region and "messages waiting" in graph["properties"]["title"]
    )
    names = [found[1] for found in metrics(graph)]
    assert names == ["ApproximateNumberOfMessagesVisible", "MessagesPostponed"]


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_observer_metrics_are_shown_for_each_region(region: str) -> None:
    shown = {
        metric[1]
        for graph in graphs()
        if graph["properties"]["region"] == region
        for metric in metrics(graph)
        if metric[0] == "Lockstep"
    }
    assert {
        "PeerUnhealthy",
        "ForceFailover",
        "SplitBrain",
        "LwwConflicts",
        "DigestMismatch",
        "Heartbeats",
        "CanaryFailed",
    } <= shown
