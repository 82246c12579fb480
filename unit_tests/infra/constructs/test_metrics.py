"""Test the metrics: each has the dimensions and the region of its service."""

import inspect
from typing import Any

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.constructs.metrics import RegionMetrics
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context

QUEUE = {"QueueName": "serverless-ingest-prod"}
OWN = {"service": "processor", "environment": "prod"}
OBSERVED = {"service": "observer", "environment": "prod"}
OUTGOING = {
    "SourceBucket": f"serverless-ingest-prod-{ACCOUNT}-us-west-2-an",
    "DestinationBucket": f"serverless-ingest-prod-{ACCOUNT}-us-east-1-an",
    "RuleId": "everything-to-the-other-region",
}
INCOMING = {**OUTGOING, "SourceBucket": OUTGOING["DestinationBucket"], "DestinationBucket": OUTGOING["SourceBucket"]}
TABLE = {"TableName": "serverless-ledger-prod"}

# Each as its service's documentation has it: namespace, name, dimensions, statistic, seconds.
EXPECTED: dict[str, tuple[str, str, dict[str, str], str, int]] = {
    "queue_age": ("AWS/SQS", "ApproximateAgeOfOldestMessage", QUEUE, "Maximum", 60),
    "queue_depth": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", QUEUE, "Maximum", 60),
    "dead_letters": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": "serverless-ingest-dlq-prod"},
        "Maximum",
        60,
    ),
    "async_dead_letters": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": "serverless-async-dlq-prod"},
        "Maximum",
        60,
    ),
    "errors": ("AWS/Lambda", "Errors", {"FunctionName": "serverless-issuer-prod"}, "Sum", 300),
    "throttles": ("AWS/Lambda", "Throttles", {"FunctionName": "serverless-issuer-prod"}, "Sum", 300),
    "duration": ("AWS/Lambda", "Duration", {"FunctionName": "serverless-issuer-prod"}, "p99", 300),
    "requests": ("AWS/ApiGateway", "Count", {"ApiId": "api"}, "Sum", 60),
    "refusals": ("AWS/ApiGateway", "4xx", {"ApiId": "api"}, "Sum", 60),
    "server_errors": ("AWS/ApiGateway", "5xx", {"ApiId": "api"}, "Sum", 60),
    "table_throttles": ("AWS/DynamoDB", "WriteThrottleEvents", {**TABLE, "GlobalSecondaryIndexName": "by_file"}, "Sum", 60),
    "table_errors": ("AWS/DynamoDB", "SystemErrors", {**TABLE, "Operation": "GetItem"}, "Sum", 60),
    "table_replication_latency": (
        "AWS/DynamoDB",
        "ReplicationLatency",
        {**TABLE, "ReceivingRegion": "us-east-1"},
        "Average",
        60,
    ),
    "incoming_replication_latency": ("AWS/S3", "ReplicationLatency", INCOMING, "Maximum", 60),
    "incoming_replication_pending": ("AWS/S3", "OperationsPendingReplication", INCOMING, "Maximum", 60),
    "outgoing_replication_failed": ("AWS/S3", "OperationsFailedReplication", OUTGOING, "Sum", 60),
    "shadow_age": ("Lockstep", "ShadowAge", OWN, "Maximum", 60),
    "quarantined": ("Lockstep", "ObjectsQuarantined", OWN, "Sum", 60),
    "postponed": ("Lockstep", "MessagesPostponed", OWN, "Sum", 60),
    "peer_unhealthy": ("Lockstep", "PeerUnhealthy", OBSERVED, "Maximum", 60),
    "force_failover": ("Lockstep", "ForceFailover", {"service": "observer", "environment": "prod"}, "Maximum", 60),
    "canary_failed": ("Lockstep", "CanaryFailed", OBSERVED, "Maximum", 60),
    "canaries_held": ("Lockstep", "CanariesHeld", OBSERVED, "Maximum", 60),
    "canary_seconds": ("Lockstep", "CanarySeconds", OBSERVED, "Maximum", 60),
    "heartbeats": ("Lockstep", "Heartbeats", OBSERVED, "Sum", 60),
    "unreconciled": ("Lockstep", "Unreconciled", OWN, "Maximum", 900),
    "results_without_records": ("Lockstep", "ResultsWithoutRecords", OWN, "Sum", 60),
    "shadow_copies_dropped": ("Lockstep", "ShadowCopiesDropped", OWN, "Sum", 60),
    "lww_conflicts": ("Lockstep", "LwwConflicts", OBSERVED, "Maximum", 60),
    "digest_mismatch": ("Lockstep", "DigestMismatch", OBSERVED, "Maximum", 300),
    "auto_promoted": ("Lockstep", "AutoPromoted", OBSERVED, "Maximum", 60),
    "secret_versions_differ": ("Lockstep", "SecretVersionsDiffer", OBSERVED, "Maximum", 300),
    "malformed_control_rows": ("Lockstep", "MalformedControlRows", OBSERVED, "Maximum", 60),
    "split_brain": ("Lockstep", "SplitBrain", OBSERVED, "Maximum", 60),
    "trail_events": ("AWS/Logs", "IncomingLogEvents", {"LogGroupName": "serverless-audit-prod"}, "Sum", 3600),
}
ARGUMENTS = {
    "errors": ("issuer",),
    "throttles": ("issuer",),
    "duration": ("issuer",),
    "table_throttles": ("Write", "by_file"),
    "table_errors": ("GetItem",),
}
"""The arguments of metrics that exist for each queue, function or operation."""


def metrics(role: RegionRole = RegionRole.SECONDARY) -> RegionMetrics:
    return RegionMetrics(context=context(role), account=ACCOUNT, api_id="api")


def metric(name: str, role: RegionRole = RegionRole.SECONDARY) -> cloudwatch.Metric:
    found: cloudwatch.Metric = getattr(metrics(role), name)(*ARGUMENTS.get(name, ()))
    return found


def plain(metric: cloudwatch.Metric) -> tuple[str, str, dict[str, Any], str, int]:
    return (
        metric.namespace,
        metric.metric_name,
        dict(metric.dimensions or {}),
        metric.statistic,
        int(metric.period.to_seconds()),
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_metric_is_the_one_that_its_service_publishes(name: str) -> None:
    assert plain(metric(name)) == EXPECTED[name]


@pytest.mark.parametrize("role", RegionRole)
@pytest.mark.parametrize("name", EXPECTED)
def test_metric_is_read_in_its_own_region(name: str, role: RegionRole) -> None:
    assert metric(name, role).region == context(role).region


def test_expected_metrics_are_complete() -> None:
    public = {name for name, _ in inspect.getmembers(RegionMetrics, inspect.isfunction) if not name.startswith("_")}
    assert public == set(EXPECTED)


def test_table_throttles_have_no_index_dimension() -> None:
    assert plain(metrics().table_throttles("Read"))[2] == TABLE
