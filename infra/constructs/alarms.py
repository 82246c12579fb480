"""The alarms of one region: each watches a metric of its own region, acts there, and is a plain metric alarm.

Plain, because a Route 53 health check takes no other, and because an alarm must still mean something at three
in the night. Each says what its silence means, for the three kinds of silence differ:

* NOT_BREACHING where AWS publishes nothing when nothing is wrong: no errors, no throttles, an idle queue.
* BREACHING where the absence itself is the failure: a trail that delivers nothing.
* MISSING where the absence tells neither: the alarm shows INSUFFICIENT_DATA and does not act.
* IGNORE where a minute without a datapoint changes nothing: a person's decision holds until the next one is read.

Two of them are also read by Route 53, from outside: `peer-unhealthy` and `force-failover` of the secondary's region are
part of what decides about the PRIMARY record (docs/adr/0013-routing.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.metrics import INDEXES, OPERATIONS, ROUND, RegionMetrics
from infra.constructs.replication import REPLICATION_TIME_MINUTES
from infra.region import RegionContext

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD

_SERVER_ERRORS_A_MINUTE = 5
_REFUSALS_A_MINUTE = 600
"""Ten a second, for minutes: no client that is merely wrong, but a flood that the throttles hold off."""
_SHADOW_LATE_SECONDS = 15 * 60
"""The active region proves most objects done within seconds; by now it has had the time to retry one, too."""
_PENDING_OPERATIONS = 1000
_TABLE_REPLICATION_MILLISECONDS = 5000
_QUIET_TRAIL_HOURS = 2
_ROTATION_MINUTES = 15
"""Longer than a rotation and its replication take: four steps of a minute at most, each tried again."""
_DEPLOYMENT_MINUTES = 45
"""Longer than a first deployment takes from a region's stack to the end of the failover stack, fifteen minutes' wait for a
job of S3 Batch Operations included."""
_MISMATCH_MINUTES = 15
"""Longer than replication takes; the hours that differ are looked at again, ten in each of the observer's rounds."""
_ROUND_MINUTES = int(ROUND.to_minutes())
_COPIES_A_MINUTE = 100
"""S3 and SQS send few messages twice; a crash leaves one copy more."""
_CONFIRMED_MINUTES = 3
"""Of an observer that looks once a minute: one look that fails is a deployment, or a packet that was lost."""

PEER_UNHEALTHY: Final = "peer-unhealthy"
FORCE_FAILOVER: Final = "force-failover"
"""The words in the names of the two alarms that Route 53 reads."""


@dataclass(frozen=True)
class Silence:
    """What a period without a datapoint counts as.

    Attributes:
        treatment: CloudWatch's word for it.
        source: Where it is written when the metric is silent: a page of AWS's, or the module of ours that publishes it.
    """

    treatment: cloudwatch.TreatMissingData
    source: str


_QUEUE_SILENT: Final = Silence(
    # A queue publishes for six hours after its last message or call; one that holds a message publishes on.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html",
)
_FUNCTION_SILENT: Final = Silence(
    # A function that is not invoked publishes nothing, and one that is not invoked does not fail.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html",
)
_API_SILENT: Final = Silence(
    # The health checks ask every few seconds: a silent API means that they are down, not it.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html",
)
_TABLE_SILENT: Final = Silence(
    # CloudWatch ignores the silence of DynamoDB's metrics whatever an alarm asks for; so it is what these ask for.
    cloudwatch.TreatMissingData.IGNORE,
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
)
_REPLICATION_SILENT: Final = Silence(
    # AWS advises it. S3 publishes zeroes while it replicates; a source that is lost publishes nothing at all.
    cloudwatch.TreatMissingData.IGNORE,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html",
)
_TRAIL_SILENT: Final = Silence(
    # CloudTrail has no metric of its own; a log group that takes nothing in publishes nothing.
    cloudwatch.TreatMissingData.BREACHING,
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html",
)
_PROCESSOR_SILENT: Final = Silence(
    # A region without a shadow has none to age, and one that reads all files quarantines none.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "handlers/processor/telemetry.py",
)
_OBSERVER_SILENT: Final = Silence(
    # It publishes in every run; that it does not run is for `observer-silent` to tell. Not to know is no verdict.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "handlers/observer/observation.py",
)
_RECONCILER_SILENT: Final = Silence(
    # It publishes in every run, three times in a period: a silent one looks for nothing.
    cloudwatch.TreatMissingData.BREACHING,
    "handlers/processor/reconciler.py",
)
_NO_HEARTBEAT: Final = Silence(cloudwatch.TreatMissingData.BREACHING, "handlers/observer/observation.py")
_LAST_WORD: Final = Silence(cloudwatch.TreatMissingData.IGNORE, "handlers/observer/observation.py")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One alarm to be.

    Attributes:
        resource: the word in its name.
        says: what it means, and what to look at first.
        metric: what it watches.
        silence: what a period without a datapoint counts as.
        threshold: in the metric's unit.
        compare: how a datapoint breaches the threshold.
        periods: how many of the metric's periods are looked at.
        breaching: how many of them must breach; None for all, without a word of it: Route 53 takes no M-of-N alarm.
    """

    resource: str
    says: str
    metric: cloudwatch.Metric
    silence: Silence
    threshold: float = 1
    compare: cloudwatch.ComparisonOperator = _AT_LEAST
    periods: int = 1
    breaching: int | None = None


class Alarms(Construct):
    """The alarms of one region, and two composite ones: is the region unhealthy, and is data at risk?

    Attributes:
        by_resource: each metric alarm by the word in its name.
        region_unhealthy: this region does not do its work; the other may have to.
        data_at_risk: what was accepted here or there is not yet in both regions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        metrics: RegionMetrics,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self._topic = topic
        serving = [
            *_queue(context, metrics),
            *_functions(context, metrics),
            *_api(metrics),
            *_table(metrics),
            *_canary(metrics),
        ]
        replicating = [
            *_table_replication(context, metrics),
            *_bucket_replication(metrics),
            *_shadow(context, metrics),
        ]
        # Of these, none says that this region fails or that data may be lost: they act for themselves.
        other = [
            *_peer(context, metrics),
            *_observer(metrics),
            *_auto_promotion(context, metrics),
            *_disagreement(context, metrics),
            *_floods(metrics),
            *_shadow_late(context, metrics),
            *_failures(metrics),
            *_unreconciled(metrics),
            *_trail(context, metrics),
        ]
        self.by_resource = {
            watch.resource: _alarm(self, watch, context=context, topic=topic) for watch in (*serving, *replicating, *other)
        }
        self.region_unhealthy = self._composite(
            "region-unhealthy",
            "This region does not take files in, or does not process them as it should. If it is the active "
            "one and does not recover, promote the other.",
            serving,
        )
        # Dead letters and quarantined objects are not among these: each is an object that is safe in both
        # regions' buckets, and one malformed file is no reason to wake up for the replication.
        self.data_at_risk = self._composite(
            "data-at-risk",
            "Objects or rows that one region accepted are late in the other, and would be lost with it. Do "
            "not fail over while you can wait, and do not delete anything.",
            replicating,
        )

    def _composite(self, resource: str, says: str, watches: Sequence[Watch]) -> cloudwatch.CompositeAlarm:
        alarm = cloudwatch.CompositeAlarm(
            self,
            _construct_id(resource),
            composite_alarm_name=self._context.naming.alarm(resource),
            alarm_description=says,
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(self.by_resource[watch.resource], cloudwatch.AlarmState.ALARM)
                    for watch in watches
                )
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        alarm.add_ok_action(actions.SnsAction(self._topic))
        return alarm


def _alarm(scope: Construct, watch: Watch, *, context: RegionContext, topic: sns.ITopic) -> cloudwatch.Alarm:
    """Create an alarm that tells the topic when it fires and when it is over."""
    alarm = watch.metric.create_alarm(
        scope,
        _construct_id(watch.resource),
        alarm_name=context.naming.alarm(watch.resource),
        alarm_description=watch.says,
        threshold=watch.threshold,
        comparison_operator=watch.compare,
        evaluation_periods=watch.periods,
        # Absent where all must breach: a health check supports no M-of-N alarm.
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-types.html
        datapoints_to_alarm=watch.breaching,
        treat_missing_data=watch.silence.treatment,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    alarm.add_ok_action(actions.SnsAction(topic))
    return alarm


def _queue(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    # A message may be in the works for one whole timeout; beyond two, nothing has taken it. The passive
    # region puts its messages back and so never lets one grow old here: `shadow-late` is what watches those.
    return [
        Watch(
            resource="queue-age",
            says="Objects wait for the processor. Look at its errors and throttles, then at the queue.",
            metric=metrics.queue_age(),
            threshold=2 * context.settings.limits.processor_timeout_seconds,
            compare=_ABOVE,
            periods=5,
            silence=_QUEUE_SILENT,
        )
    ]


def _functions(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    timeout_milliseconds = context.settings.limits.processor_timeout_seconds * 1000
    return [
        Watch(
            resource="processor-errors",
            says="The processor raised, timed out or ran out of memory; no bad file does that. See its log.",
            metric=metrics.errors("processor"),
            silence=_FUNCTION_SILENT,
        ),
        Watch(
            resource="processor-throttles",
            says="Lambda refuses invocations of the processor: has the account run out of concurrency?",
            metric=metrics.throttles("processor"),
            silence=_FUNCTION_SILENT,
        ),
        Watch(
            resource="processor-duration",
            says="The slowest batches take over four fifths of the processor's timeout; soon some will fail.",
            metric=metrics.duration("processor"),
            threshold=0.8 * timeout_milliseconds,
            compare=_ABOVE,
            periods=3,
            silence=_FUNCTION_SILENT,
        ),
        Watch(
            resource="issuer-errors",
            says="The issuer raised or timed out: clients get no upload URLs. See its log.",
            metric=metrics.errors("issuer"),
            silence=_FUNCTION_SILENT,
        ),
    ]


def _api(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="api-5xx",
            says="The front door answers with server errors. Its access log says on which routes.",
            metric=metrics.server_errors(),
            threshold=_SERVER_ERRORS_A_MINUTE,
            periods=5,
            breaching=3,
            silence=_API_SILENT,
        )
    ]


def _canary(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="canary-failed",
            says="A file that the observer uploads here every minute is not taken in, or not processed, in time. The "
            "observer's log says how far it came.",
            metric=metrics.canary_failed(),
            periods=_CONFIRMED_MINUTES,
            silence=_OBSERVER_SILENT,
        )
    ]


def _peer(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    """Watch the other region from here, and hear the person who decides against it."""
    peer = context.peer.region
    return [
        Watch(
            resource=PEER_UNHEALTHY,
            says=f"Seen from here, {peer} is unhealthy: no heartbeat of it can be read, its canary fails or /ready does. "
            "Look at its own alarms; if it is the active region and does not recover, promote this one.",
            metric=metrics.peer_unhealthy(),
            periods=_CONFIRMED_MINUTES,
            # An observer that is silent says nothing of the other region; it must move no client away from it.
            silence=_OBSERVER_SILENT,
        ),
        Watch(
            resource=FORCE_FAILOVER,
            says=f"Somebody sends clients away from {peer}, whatever its health. It holds until it is taken back.",
            metric=metrics.force_failover(),
            silence=_LAST_WORD,
        ),
    ]


def _observer(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="observer-silent",
            says="The observer does not come to an end of its run: nobody tries this region, nobody looks at the other "
            "one, and its heartbeat grows old there. See its log and its rule.",
            metric=metrics.heartbeats(),
            compare=_BELOW,
            periods=_CONFIRMED_MINUTES,
            silence=_NO_HEARTBEAT,
        ),
        Watch(
            resource="canaries-held",
            says="No canary has ever been sent here, since no deployment has written that files replicate both ways. "
            "Deploy the failover stack; where that fails, its Custom::BucketReplication says why.",
            metric=metrics.canaries_held(),
            periods=_DEPLOYMENT_MINUTES,
            silence=_OBSERVER_SILENT,
        ),
    ]


def _auto_promotion(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    if not context.settings.auto_promote:
        return []
    return [
        Watch(
            resource="auto-promoted",
            says=f"This region has made itself the active one, for {context.peer.region} seemed lost for three minutes. See "
            "what became of it; to go back is for a person.",
            metric=metrics.auto_promoted(),
            silence=_OBSERVER_SILENT,
        )
    ]


def _disagreement(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    """Watch for what must never be. Neither can be read while the other region is lost, which is no disagreement."""
    return [
        Watch(
            resource="lww-conflicts",
            says="Rows that are written once were changed, and the last writer won: the processor is not deterministic, or "
            "somebody wrote to the table. Compare the hours that the observer's log names.",
            metric=metrics.lww_conflicts(),
            silence=_OBSERVER_SILENT,
        ),
        Watch(
            resource="digest-mismatch",
            says=f"An hour that is over has other results here than in {context.peer.region}: something has not been "
            "replicated, or was lost with a region. `operate -- status` names the hours; see what the reconciler lists.",
            metric=metrics.digest_mismatch(),
            periods=_MISMATCH_MINUTES // _ROUND_MINUTES,
            silence=_OBSERVER_SILENT,
        ),
        Watch(
            resource="split-brain",
            says=f"This region and {context.peer.region} both take themselves for the active one. Nothing is done twice by "
            "it; see which has the higher epoch, and why the other has not heard of it.",
            metric=metrics.split_brain(),
            # A promotion is heard of in the other region when its row has been replicated.
            periods=_CONFIRMED_MINUTES,
            silence=_OBSERVER_SILENT,
        ),
        Watch(
            resource="control-rows-malformed",
            says="A row that says which region is active is no sound claim, so it does not count: a fault or a person wrote "
            "it past `operate`. `operate status` names it; `operate promote` of its region repairs it.",
            metric=metrics.malformed_control_rows(),
            silence=_OBSERVER_SILENT,
        ),
        Watch(
            resource="secret-drift",
            says=f"This region and {context.peer.region} sign receipts with different keys, for longer than a rotation "
            "takes. Ask for the secret's ReplicationStatus where it is homed, grant what it lacks, and rotate again.",
            metric=metrics.secret_versions_differ(),
            periods=_ROTATION_MINUTES // _ROUND_MINUTES,
            silence=_OBSERVER_SILENT,
        ),
    ]


def _unreconciled(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="unreconciled",
            says="The reconciler lists objects without a result, or results whose records are not all here, and sends them "
            "again; or it does not run. `operate -- status` shows them; what stays is for a person (docs/runbook.md).",
            metric=metrics.unreconciled(),
            silence=_RECONCILER_SILENT,
        ),
        Watch(
            resource="results-without-records",
            says="A result is older than replication takes, and its records are not all in this replica. The active region "
            "makes them again; the passive one waits for them, or was lost to replication.",
            metric=metrics.results_without_records(),
            silence=_PROCESSOR_SILENT,
        ),
        Watch(
            resource="shadow-copies",
            says="Copies of messages multiply in this passive region: the processor crashes between sending one back and "
            "acknowledging it, or something sends events again and again. See its log.",
            metric=metrics.shadow_copies_dropped(),
            threshold=_COPIES_A_MINUTE,
            periods=5,
            silence=_PROCESSOR_SILENT,
        ),
    ]


def _floods(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="api-refusals",
            says="The front door refuses ten requests a second. Its access log says whose and on which routes; a flood "
            "of /ready can make Route 53 take this region for down.",
            metric=metrics.refusals(),
            threshold=_REFUSALS_A_MINUTE,
            periods=5,
            breaching=3,
            silence=_API_SILENT,
        )
    ]


def _table(metrics: RegionMetrics) -> list[Watch]:
    """Watch throttles of the table and of each index, and DynamoDB's own errors by operation."""
    # A single minute of throttling is on-demand capacity growing.
    throttles = [
        Watch(
            resource="-".join(["table", *([_word(index)] if index else []), _word(kind), "throttles"]),
            says=f"DynamoDB throttles {kind.lower()}s of {index or 'the table'}: is one key too busy?",
            metric=metrics.table_throttles(kind, index),
            periods=5,
            breaching=3,
            silence=_TABLE_SILENT,
        )
        for index in (None, *INDEXES)
        for kind in ("Read", "Write")
    ]
    errors = [
        Watch(
            resource=f"table-errors-{_word(operation)}",
            says=f"DynamoDB fails {operation} on its own side: see the AWS Health Dashboard for this region.",
            metric=metrics.table_errors(operation),
            periods=5,
            breaching=3,
            silence=_TABLE_SILENT,
        )
        for operation in OPERATIONS
    ]
    return [*throttles, *errors]


def _table_replication(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    if context.settings.consistency == "strong":
        # A strongly consistent table answers a write when both replicas have it; there is no lag to publish.
        return []
    return [
        Watch(
            resource="table-replication-latency",
            says=f"Rows written here reach {context.peer.region} late: what it proves done there is behind.",
            metric=metrics.table_replication_latency(),
            threshold=_TABLE_REPLICATION_MILLISECONDS,
            compare=_ABOVE,
            periods=5,
            silence=_TABLE_SILENT,
        )
    ]


def _bucket_replication(metrics: RegionMetrics) -> list[Watch]:
    peer = metrics.context.peer.region
    return [
        Watch(
            resource="incoming-replication-latency",
            says=f"Objects of {peer} take longer to get here than S3 Replication Time Control allows.",
            metric=metrics.incoming_replication_latency(),
            threshold=REPLICATION_TIME_MINUTES * 60,
            compare=_ABOVE,
            periods=3,
            silence=_REPLICATION_SILENT,
        ),
        Watch(
            resource="incoming-replication-pending",
            says=f"Operations of {peer}'s bucket pile up instead of arriving here.",
            metric=metrics.incoming_replication_pending(),
            threshold=_PENDING_OPERATIONS,
            compare=_ABOVE,
            periods=REPLICATION_TIME_MINUTES,
            silence=_REPLICATION_SILENT,
        ),
        Watch(
            resource="outgoing-replication-failed",
            says=f"S3 gave up replicating objects to {peer}, and will not try again. Look at the "
            "replication role and both keys, then replicate them by S3 Batch Replication.",
            metric=metrics.outgoing_replication_failed(),
            silence=_REPLICATION_SILENT,
        ),
    ]


def _shadow_late(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="shadow-late",
            says=f"Objects wait here for {context.peer.region} to process them, and it does not. Look at its alarms, "
            "which it may not be able to send any more; if it does not recover, promote this region.",
            metric=metrics.shadow_age(),
            # A message is first seen at once, and next after the delay.
            threshold=_SHADOW_LATE_SECONDS + context.settings.limits.shadow_delay_seconds,
            compare=_ABOVE,
            silence=_PROCESSOR_SILENT,
        )
    ]


def _shadow(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="shadow-age",
            says="Objects have waited here for so long that each is noted in the archive bucket: nobody has promoted this "
            "region, and the active one does not process them.",
            metric=metrics.shadow_age(),
            threshold=context.settings.limits.shadow_maximum_age_seconds,
            compare=_ABOVE,
            silence=_PROCESSOR_SILENT,
        )
    ]


def _failures(metrics: RegionMetrics) -> list[Watch]:
    return [
        Watch(
            resource="dlq-depth",
            says="Messages could not be processed. The archive bucket tells why; mend that, then redrive.",
            metric=metrics.dead_letters(),
            silence=_QUEUE_SILENT,
        ),
        Watch(
            resource="async-dlq-depth",
            says="Failed for good: an asynchronous invocation (a rotation, a custom resource), or an alarm's e-mail.",
            metric=metrics.async_dead_letters(),
            silence=_QUEUE_SILENT,
        ),
        Watch(
            resource="quarantined",
            says="Files could not be read at all. The archive bucket has each of them with its reason.",
            metric=metrics.quarantined(),
            silence=_PROCESSOR_SILENT,
        ),
    ]


def _trail(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    if not context.is_control:
        return []
    return [
        Watch(
            resource="trail-silent",
            says="CloudTrail delivers nothing to its log group. Is it on, and may it use its key and role?",
            metric=metrics.trail_events(),
            compare=_BELOW,
            periods=_QUIET_TRAIL_HOURS,
            silence=_TRAIL_SILENT,
        )
    ]


def _word(name: str) -> str:
    """Write DynamoDB's names as words of ours: `BatchWriteItem` as `batch-write-item`."""
    return re.sub(r"_|(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _construct_id(resource: str) -> str:
    return "".join(word.capitalize() for word in resource.split("-"))
