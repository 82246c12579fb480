"""Test the dashboard, which shows both regions side by side, and the topic of the alarms."""

import json
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.dashboard import Dashboard
from infra.constructs.queue import AsyncDeadLetterQueue
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in


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


def topic_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    key = key_in(stack)
    queue = AsyncDeadLetterQueue(stack, "AsyncDeadLetters", context=of, key=key).queue
    AlarmTopic(stack, "AlarmTopic", context=of, key=key, dead_letter_queue=queue)
    return stack


# "many" would be torn apart by a careless replacement of a word within the name.
@pytest.mark.parametrize("environment", ["prod", "many"])
def test_topic_admits_only_its_own_alarms_over_tls(environment: str) -> None:
    statements = only(topic_stack(environment=environment), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    by_effect = {statement["Effect"]: statement for statement in statements}
    assert len(statements) == 2
    assert by_effect["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert by_effect["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert by_effect["Allow"]["Action"] == "sns:Publish"
    assert by_effect["Allow"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:serverless-*-{environment}"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_somebody_is_written_to_if_the_settings_say_who() -> None:
    Template.from_stack(topic_stack()).resource_count_is("AWS::SNS::Subscription", 0)
    subscription = only(topic_stack(alarms_email="on-call@example.com"), "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "on-call@example.com")


def test_undeliverable_message_goes_to_a_queue_of_this_topic_only() -> None:
    stack = topic_stack(alarms_email="on-call@example.com")
    (queue,) = of_type(stack, "AWS::SQS::Queue")
    ((topic, _),) = of_type(stack, "AWS::SNS::Topic").items()
    redrive = only(stack, "AWS::SNS::Subscription")["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": [queue, "Arn"]}}
    allowed = [s for s in only(stack, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [(s["Principal"], s["Action"]) for s in allowed] == [({"Service": "sns.amazonaws.com"}, "sqs:SendMessage")]
    assert allowed[0]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": topic}}}


def test_alarm_address_changes_no_logical_id() -> None:
    ids = [set(of_type(topic_stack(alarms_email=to), "AWS::SNS::Subscription")) for to in ("a@example.com", "b@example.com")]
    assert ids[0] == ids[1]
