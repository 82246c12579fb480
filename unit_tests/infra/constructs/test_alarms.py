"""Test the alarms: their names, dimensions, thresholds and treatment of missing data."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack

from handlers.observer.hours import ROUND_SECONDS
from handlers.shared import schema
from infra.constructs import alarms as alarms_module
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.alarms import Alarms, Silence
from infra.constructs.metrics import RegionMetrics
from infra.constructs.queue import AsyncDeadLetterQueue, IngestQueue
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, stack_in

ROOT = Path(__file__).parents[3]
ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
PREFIX, SUFFIX = "serverless-", "-prod"
PRIMARY_BUCKET = f"serverless-ingest-prod-{ACCOUNT}-us-east-1-an"
SECONDARY_BUCKET = f"serverless-ingest-prod-{ACCOUNT}-us-west-2-an"


def alarms_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> Stack:
    of = context(role, **settings)
    stack = stack_in(of)
    key = key_in(stack)
    queue = AsyncDeadLetterQueue(stack, "AsyncDeadLetters", context=of, key=key).queue
    topic = AlarmTopic(stack, "AlarmTopic", context=of, key=key, dead_letter_queue=queue).topic
    metrics = RegionMetrics(context=of, account=ACCOUNT, api_id="api")
    Alarms(stack, "Alarms", context=of, metrics=metrics, topic=topic)
    return stack


@cache
def default_stack(role: RegionRole = RegionRole.SECONDARY) -> Stack:
    return alarms_stack(role)


def alarms(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> dict[str, dict[str, Any]]:
    return {
        alarm["AlarmName"].removeprefix(PREFIX).removesuffix(SUFFIX): alarm
        for alarm in of_type(alarms_stack(role, **settings) if settings else default_stack(role), ALARM).values()
    }


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}


def test_alarms_are_exactly_the_listed_ones() -> None:
    throttles = {
        f"table-{index}{kind}-throttles" for index in ("", "by-file-", "by-state-hour-") for kind in ("read", "write")
    }
    operations = ("batch-write-item", "get-item", "put-item", "query", "update-item")
    assert set(alarms()) == {
        "queue-age",
        "dlq-depth",
        "async-dlq-depth",
        "processor-errors",
        "processor-throttles",
        "processor-duration",
        "issuer-errors",
        "api-5xx",
        *throttles,
        *(f"table-errors-{operation}" for operation in operations),
        "table-replication-latency",
        "incoming-replication-latency",
        "incoming-replication-pending",
        "outgoing-replication-failed",
        "api-refusals",
        "shadow-late",
        "shadow-age",
        "quarantined",
        "trail-silent",
        "canary-failed",
        "peer-unhealthy",
        "force-failover",
        "observer-silent",
        "canaries-held",
        "lww-conflicts",
        "split-brain",
        "control-rows-malformed",
        "secret-drift",
        "digest-mismatch",
        "unreconciled",
        "results-without-records",
        "shadow-copies",
    }


@pytest.mark.parametrize("role", RegionRole)
def test_alarm_has_one_metric_and_a_description(role: RegionRole) -> None:
    for name, alarm in alarms(role).items():
        # Metric math would be under `Metrics`, which a Route 53 health check does not take.
        assert "Metrics" not in alarm, name
        assert alarm["MetricName"], name
        assert alarm["AlarmDescription"], name


# Alarms on metrics of these services, and the treatment of missing data by AWS's page (`Silence.source`).
SILENT_SERVICES = {
    "AWS/ApiGateway": "notBreaching",
    "AWS/DynamoDB": "ignore",
    "AWS/Lambda": "notBreaching",
    "AWS/Logs": "breaching",
    "AWS/S3": "ignore",
    "AWS/SQS": "notBreaching",
}


@pytest.mark.parametrize("role", RegionRole)
def test_silence_of_an_aws_metric_is_treated_as_aws_documents(role: RegionRole) -> None:
    found = alarms(role)
    treated = {(each["Namespace"], each["TreatMissingData"]) for each in found.values() if each["Namespace"] != "Lockstep"}
    assert treated <= set(SILENT_SERVICES.items())
    own = {name: each["TreatMissingData"] for name, each in found.items() if each["Namespace"] == "Lockstep"}
    assert {name: treatment for name, treatment in own.items() if treatment != "notBreaching"} == {
        "observer-silent": "breaching",
        "unreconciled": "breaching",
        "force-failover": "ignore",
    }


def test_data_at_risk_does_not_clear_when_the_source_region_dies() -> None:
    """A lost region publishes no metrics; the alarm must not treat missing data as recovery."""
    stack = default_stack()
    (composite,) = (
        each for each in of_type(stack, COMPOSITE).values() if each["AlarmName"] == "serverless-data-at-risk-prod"
    )
    children = [each for name, each in of_type(stack, ALARM).items() if name in _children(composite)]
    of_the_source = [each for each in children if each["Namespace"] != "Lockstep"]
    assert len(of_the_source) == 4
    assert {each["TreatMissingData"] for each in of_the_source} == {"ignore"}


def test_silences_have_a_source() -> None:
    silences = {name: each for name, each in vars(alarms_module).items() if isinstance(each, Silence)}
    assert len(silences) >= 10
    for name, silence in silences.items():
        is_page = silence.source.startswith("https://docs.aws.amazon.com/")
        assert is_page or (ROOT / silence.source).is_file(), name


def test_silence_has_a_source_module_that_publishes_the_metric() -> None:
    published = "".join(each.read_text() for each in (ROOT / "handlers").rglob("*.py"))
    for name, alarm in alarms().items():
        if alarm["Namespace"] == "Lockstep":
            assert f'"{alarm["MetricName"]}"' in published, name


def test_queue_alarms_watch_existing_queues() -> None:
    of = context()
    stack = stack_in(of)
    key = key_in(stack)
    IngestQueue(stack, "Ingest", context=of, key=key, function_timeout=Duration.minutes(5))
    AsyncDeadLetterQueue(stack, "Async", context=of, key=key)
    real = {queue["QueueName"] for queue in of_type(stack, "AWS::SQS::Queue").values()}
    watched = {dimensions(alarm)["QueueName"] for alarm in alarms().values() if alarm["Namespace"] == "AWS/SQS"}
    assert watched == real


def test_table_indexes_have_throttle_alarms() -> None:
    watched = {
        dimensions(alarm).get("GlobalSecondaryIndexName")
        for alarm in alarms().values()
        if alarm["MetricName"].endswith("ThrottleEvents")
    }
    assert watched == {None, schema.FILE_INDEX, schema.STATE_INDEX}


@pytest.mark.parametrize(
    ("role", "incoming", "outgoing"),
    [
        (RegionRole.PRIMARY, (SECONDARY_BUCKET, PRIMARY_BUCKET), (PRIMARY_BUCKET, SECONDARY_BUCKET)),
        (RegionRole.SECONDARY, (PRIMARY_BUCKET, SECONDARY_BUCKET), (SECONDARY_BUCKET, PRIMARY_BUCKET)),
    ],
)
def test_replication_is_watched_in_the_region_where_s3_publishes_it(
    role: RegionRole, incoming: tuple[str, str], outgoing: tuple[str, str]
) -> None:
    found = alarms(role)
    expected = {
        # S3 publishes these two in the destination's region…
        "incoming-replication-latency": ("ReplicationLatency", incoming),
        "incoming-replication-pending": ("OperationsPendingReplication", incoming),
        # … and this one in the source's.
        "outgoing-replication-failed": ("OperationsFailedReplication", outgoing),
    }
    for name, (metric, (source, destination)) in expected.items():
        assert found[name]["MetricName"] == metric
        assert dimensions(found[name]) == {
            "SourceBucket": source,
            "DestinationBucket": destination,
            "RuleId": "everything-to-the-other-region",
        }


@pytest.mark.parametrize(("role", "receiving"), [(RegionRole.PRIMARY, "us-west-2"), (RegionRole.SECONDARY, "us-east-1")])
def test_table_lag_alarm_watches_the_other_region(role: RegionRole, receiving: str) -> None:
    alarm = alarms(role)["table-replication-latency"]
    assert dimensions(alarm) == {"TableName": "serverless-ledger-prod", "ReceivingRegion": receiving}


def test_strongly_consistent_table_has_no_lag_alarm() -> None:
    assert "table-replication-latency" not in alarms(consistency="strong", retention={"attempts_days": 0})


@pytest.mark.parametrize(("role", "watched"), [(RegionRole.PRIMARY, False), (RegionRole.SECONDARY, True)])
def test_trail_alarm_exists_in_the_control_region_only(role: RegionRole, watched: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    assert ("trail-silent" in alarms(role)) is watched


def test_thresholds_follow_the_limits() -> None:
    found = alarms(limits={"processor_timeout_seconds": 100, "shadow_delay_seconds": 5, "shadow_maximum_age_seconds": 600})
    assert found["processor-duration"]["Threshold"] == 80_000
    assert found["processor-duration"]["ExtendedStatistic"] == "p99"
    assert found["queue-age"]["Threshold"] == 200
    assert found["shadow-age"]["Threshold"] == 600
    assert found["shadow-late"]["Threshold"] == 15 * 60 + 5


def test_functions_own_metrics_are_watched_by_the_dimensions_they_carry() -> None:
    for name in ("shadow-late", "shadow-age", "quarantined"):
        alarm = alarms()[name]
        assert alarm["Namespace"] == "Lockstep"
        assert dimensions(alarm) == {"service": "processor", "environment": "prod"}


# Namespace and dimensions as powertools writes the observer's metrics, and as the operator's tool puts its own.
@pytest.mark.parametrize(
    ("name", "metric", "service", "minutes", "compare"),
    [
        ("canary-failed", "CanaryFailed", "observer", 3, "GreaterThanOrEqualToThreshold"),
        ("peer-unhealthy", "PeerUnhealthy", "observer", 3, "GreaterThanOrEqualToThreshold"),
        ("observer-silent", "Heartbeats", "observer", 3, "LessThanThreshold"),
        ("canaries-held", "CanariesHeld", "observer", 45, "GreaterThanOrEqualToThreshold"),
        ("lww-conflicts", "LwwConflicts", "observer", 1, "GreaterThanOrEqualToThreshold"),
        ("digest-mismatch", "DigestMismatch", "observer", 15, "GreaterThanOrEqualToThreshold"),
        ("results-without-records", "ResultsWithoutRecords", "processor", 1, "GreaterThanOrEqualToThreshold"),
        ("split-brain", "SplitBrain", "observer", 3, "GreaterThanOrEqualToThreshold"),
        ("control-rows-malformed", "MalformedControlRows", "observer", 1, "GreaterThanOrEqualToThreshold"),
        ("secret-drift", "SecretVersionsDiffer", "observer", 15, "GreaterThanOrEqualToThreshold"),
        ("force-failover", "ForceFailover", "observer", 1, "GreaterThanOrEqualToThreshold"),
    ],
)
def test_own_metrics_have_alarms(name: str, metric: str, service: str, minutes: int, compare: str) -> None:
    alarm = alarms()[name]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Lockstep", metric)
    assert dimensions(alarm) == {"service": service, "environment": "prod"}
    period = ROUND_SECONDS if metric in {"DigestMismatch", "SecretVersionsDiffer"} else 60
    assert (alarm["Threshold"], alarm["Period"], alarm["ComparisonOperator"]) == (1, period, compare)
    assert period * alarm["EvaluationPeriods"] == minutes * 60
    assert "DatapointsToAlarm" not in alarm, "all of them"


def test_reconciler_alarm_watches_findings_and_silence() -> None:
    alarm = alarms()["unreconciled"]
    assert dimensions(alarm) == {"service": "processor", "environment": "prod"}
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == ("Unreconciled", "Maximum", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (900, 1, "breaching")


@pytest.mark.parametrize("name", ["peer-unhealthy", "force-failover"])
@pytest.mark.parametrize(("role", "peer"), [(RegionRole.PRIMARY, "us-west-2"), (RegionRole.SECONDARY, "us-east-1")])
def test_alarm_that_route_53_reads_is_plain_and_names_its_region(name: str, role: RegionRole, peer: str) -> None:
    alarm = alarms(role)[name]
    assert peer in alarm["AlarmDescription"]
    # Route 53 copies no more of an alarm than these: a datapoint too many that it does not know decides otherwise.
    # It supports no M-of-N alarm, so not even M = N is set.
    assert not alarm.keys() & {"DatapointsToAlarm", "Metrics", "ExtendedStatistic", "ThresholdMetricId"}
    assert alarm["Statistic"] == "Maximum"


@pytest.mark.parametrize("setting", [True, False])
def test_region_that_promotes_itself_alarms(setting: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    found = alarms(auto_promote=setting)
    assert ("auto-promoted" in found) is setting
    if setting:
        assert found["auto-promoted"]["MetricName"] == "AutoPromoted"
        assert found["auto-promoted"]["EvaluationPeriods"] == 1


def _children(composite: dict[str, Any]) -> set[str]:
    parts = composite["AlarmRule"]["Fn::Join"][1]
    return {part["Fn::GetAtt"][0] for part in parts if isinstance(part, dict)}


def test_composite_alarms_combine_the_alarms_of_one_subject() -> None:
    stack = default_stack()
    names = {
        logical_id: alarm["AlarmName"].removeprefix(PREFIX).removesuffix(SUFFIX)
        for logical_id, alarm in of_type(stack, ALARM).items()
    }
    composites = {composite["AlarmName"]: composite for composite in of_type(stack, COMPOSITE).values()}
    assert set(composites) == {"serverless-region-unhealthy-prod", "serverless-data-at-risk-prod"}
    for composite in composites.values():
        assert not re.search(r"\bAND\b", str(composite["AlarmRule"]))
    data_at_risk = {names[child] for child in _children(composites["serverless-data-at-risk-prod"])}
    assert data_at_risk == {
        "table-replication-latency",
        "incoming-replication-latency",
        "incoming-replication-pending",
        "outgoing-replication-failed",
        "shadow-age",
    }
    unhealthy = {names[child] for child in _children(composites["serverless-region-unhealthy-prod"])}
    assert {"queue-age", "processor-errors", "issuer-errors", "api-5xx", "canary-failed"} <= unhealthy
    assert not unhealthy & data_at_risk
    # What this region says of the other one is not about its own health.
    assert not unhealthy & {"peer-unhealthy", "force-failover", "observer-silent", "split-brain"}


def test_unprocessed_objects_alarm_the_passive_region_within_minutes() -> None:
    late = alarms()["shadow-late"]
    assert late["MetricName"] == "ShadowAge"
    assert late["Statistic"] == "Maximum"
    # With a long delay the metric has one datapoint in many minutes, so the first one that is late must do.
    assert late["EvaluationPeriods"] == late.get("DatapointsToAlarm", 1) == 1
    assert late["Threshold"] < alarms()["shadow-age"]["Threshold"]
    assert "us-east-1" in late["AlarmDescription"]
