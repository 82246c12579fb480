"""The metrics: every one by the dimensions that its service publishes it with, in the region where it does."""

import inspect
from collections.abc import Callable
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
EXPECTED: dict[str, tuple[Callable[[RegionMetrics], cloudwatch.Metric], tuple[str, str, dict[str, str], str, int]]] = {
    "queue_age": (
        lambda of: of.queue_age(),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", QUEUE, "Maximum", 60),
    ),
    "queue_depth": (
        lambda of: of.queue_depth(),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", QUEUE, "Maximum", 60),
    ),
    "dead_letters": (
        lambda of: of.dead_letters(),
        (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": "serverless-ingest-dlq-prod"},
            "Maximum",
            60,
        ),
    ),
    "async_dead_letters": (
        lambda of: of.async_dead_letters(),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "serverless-async-dlq-prod"}, "Maximum", 60),
    ),
    "errors": (
        lambda of: of.errors("issuer"),
        ("AWS/Lambda", "Errors", {"FunctionName": "serverless-issuer-prod"}, "Sum", 300),
    ),
    "throttles": (
        lambda of: of.throttles("issuer"),
        ("AWS/Lambda", "Throttles", {"FunctionName": "serverless-issuer-prod"}, "Sum", 300),
    ),
    "duration": (
        lambda of: of.duration("issuer"),
        ("AWS/Lambda", "Duration", {"FunctionName": "serverless-issuer-prod"}, "p99", 300),
    ),
    "requests": (lambda of: of.requests(), ("AWS/ApiGateway", "Count", {"ApiId": "api"}, "Sum", 60)),
    "refusals": (lambda of: of.refusals(), ("AWS/ApiGateway", "4xx", {"ApiId": "api"}, "Sum", 60)),
    "server_errors": (lambda of: of.server_errors(), ("AWS/ApiGateway", "5xx", {"ApiId": "api"}, "Sum", 60)),
    "table_throttles": (
        lambda of: of.table_throttles("Write", "by_file"),
        ("AWS/DynamoDB", "WriteThrottleEvents", {**TABLE, "GlobalSecondaryIndexName": "by_file"}, "Sum", 60),
    ),
    "table_errors": (
        lambda of: of.table_errors("GetItem"),
        ("AWS/DynamoDB", "SystemErrors", {**TABLE, "Operation": "GetItem"}, "Sum", 60),
    ),
    "table_replication_latency": (
        lambda of: of.table_replication_latency(),
        ("AWS/DynamoDB", "ReplicationLatency", {**TABLE, "ReceivingRegion": "us-east-1"}, "Average", 60),
    ),
    "incoming_replication_latency": (
        lambda of: of.incoming_replication_latency(),
        ("AWS/S3", "ReplicationLatency", INCOMING, "Maximum", 60),
    ),
    "incoming_replication_pending": (
        lambda of: of.incoming_replication_pending(),
        ("AWS/S3", "OperationsPendingReplication", INCOMING, "Maximum", 60),
    ),
    "outgoing_replication_failed": (
        lambda of: of.outgoing_replication_failed(),
        ("AWS/S3", "OperationsFailedReplication", OUTGOING, "Sum", 60),
    ),
    "shadow_age": (lambda of: of.shadow_age(), ("Lockstep", "ShadowAge", OWN, "Maximum", 60)),
    "quarantined": (lambda of: of.quarantined(), ("Lockstep", "ObjectsQuarantined", OWN, "Sum", 60)),
    "postponed": (lambda of: of.postponed(), ("Lockstep", "MessagesPostponed", OWN, "Sum", 60)),
    "peer_unhealthy": (lambda of: of.peer_unhealthy(), ("Lockstep", "PeerUnhealthy", OBSERVED, "Maximum", 60)),
    "force_failover": (
        lambda of: of.force_failover(),
        ("Lockstep", "ForceFailover", {"service": "observer", "environment": "prod"}, "Maximum", 60),
    ),
    "canary_failed": (lambda of: of.canary_failed(), ("Lockstep", "CanaryFailed", OBSERVED, "Maximum", 60)),
    "canaries_held": (lambda of: of.canaries_held(), ("Lockstep", "CanariesHeld", OBSERVED, "Maximum", 60)),
    "canary_seconds": (lambda of: of.canary_seconds(), ("Lockstep", "CanarySeconds", OBSERVED, "Maximum", 60)),
    "heartbeats": (lambda of: of.heartbeats(), ("Lockstep", "Heartbeats", OBSERVED, "Sum", 60)),
    "unreconciled": (lambda of: of.unreconciled(), ("Lockstep", "Unreconciled", OWN, "Maximum", 900)),
    "results_without_records": (
        lambda of: of.results_without_records(),
        ("Lockstep", "ResultsWithoutRecords", OWN, "Sum", 60),
    ),
    "shadow_copies_dropped": (
        lambda of: of.shadow_copies_dropped(),
        ("Lockstep", "ShadowCopiesDropped", OWN, "Sum", 60),
    ),
    "lww_conflicts": (lambda of: of.lww_conflicts(), ("Lockstep", "LwwConflicts", OBSERVED, "Maximum", 60)),
    "digest_mismatch": (lambda of: of.digest_mismatch(), ("Lockstep", "DigestMismatch", OBSERVED, "Maximum", 300)),
    "auto_promoted": (lambda of: of.auto_promoted(), ("Lockstep", "AutoPromoted", OBSERVED, "Maximum", 60)),
    "secret_versions_differ": (
        lambda of: of.secret_versions_differ(),
        ("Lockstep", "SecretVersionsDiffer", OBSERVED, "Maximum", 300),
    ),
    "malformed_control_rows": (
        lambda of: of.malformed_control_rows(),
        ("Lockstep", "MalformedControlRows", OBSERVED, "Maximum", 60),
    ),
    "split_brain": (lambda of: of.split_brain(), ("Lockstep", "SplitBrain", OBSERVED, "Maximum", 60)),
    "trail_events": (
        lambda of: of.trail_events(),
        ("AWS/Logs", "IncomingLogEvents", {"LogGroupName": "serverless-audit-prod"}, "Sum", 3600),
    ),
}


def metrics(role: RegionRole = RegionRole.SECONDARY) -> RegionMetrics:
    return RegionMetrics(context=context(role), account=ACCOUNT, api_id="api")


def plain(metric: cloudwatch.Metric) -> tuple[str, str, dict[str, Any], str, int]:
    return (
        metric.namespace,
        metric.metric_name,
        dict(metric.dimensions or {}),
        metric.statistic,
        int(metric.period.to_seconds()),
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_each_metric_is_the_one_that_its_service_publishes(name: str) -> None:
    make, expected = EXPECTED[name]
    assert plain(make(metrics())) == expected


@pytest.mark.parametrize("role", RegionRole)
@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_read_in_the_region_that_it_is_of(name: str, role: RegionRole) -> None:
    make, _ = EXPECTED[name]
    assert make(metrics(role)).region == context(role).region


def test_no_metric_is_forgotten_here() -> None:
    public = {name for name, _ in inspect.getmembers(RegionMetrics, inspect.isfunction) if not name.startswith("_")}
    assert public == set(EXPECTED)


def test_the_table_s_own_throttles_name_no_index() -> None:
    assert plain(metrics().table_throttles("Read"))[2] == TABLE
