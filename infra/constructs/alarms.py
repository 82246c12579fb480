"""The alarms of one region: each watches a metric of its own region, acts there, and is a plain metric alarm.

They are plain because a Route 53 health check supports no other, and because the on-call engineer has to understand
them at once. Each declares how it treats missing data:

* NOT_BREACHING where AWS publishes nothing when nothing is wrong: no errors, no throttles, an idle queue.
* BREACHING where missing data is the failure: a trail that delivers nothing.
* MISSING where missing data proves neither: the alarm shows INSUFFICIENT_DATA and does not act.
* IGNORE where a minute without a datapoint changes nothing: an operator's decision holds until the next datapoint.

Route 53 also reads two of them: `peer-unhealthy` and `force-failover` of the secondary's region are inputs of the PRIMARY
record's health check (docs/adr/0013-routing.md).
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
from infra.naming import FORCE_FAILOVER, PEER_UNHEALTHY
from infra.region import RegionContext

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD

_SERVER_ERRORS_A_MINUTE = 5
_REFUSALS_A_MINUTE = 600
"""Ten a second for minutes: more than a faulty client sends, and so a flood that the throttles refuse."""
_SHADOW_LATE_SECONDS = 15 * 60
"""The active region processes most objects within seconds; this leaves time for a retry."""
_PENDING_OPERATIONS = 1000
_TABLE_REPLICATION_MILLISECONDS = 5000
_QUIET_TRAIL_HOURS = 2
_ROTATION_MINUTES = 15
"""Longer than a rotation and its replication take: four steps of a minute at most, each with a retry."""
_DEPLOYMENT_MINUTES = 45
"""Longer than a first deployment takes from a region's stack to the end of the failover stack, with a wait of fifteen
minutes for a job of S3 Batch Operations."""
_MISMATCH_MINUTES = 15
"""Longer than replication takes; the observer compares ten of the differing hours again in each round."""
_ROUND_MINUTES = int(ROUND.to_minutes())
_COPIES_A_MINUTE = 100
"""S3 and SQS send few messages twice; a crash adds one copy."""
_CONFIRMED_MINUTES = 3
"""Minutes of an observer that runs once a minute: a single failed run is a deployment or a lost packet."""


@dataclass(frozen=True)
class Silence:
    """Treatment of a period without a datapoint.

    Attributes:
        treatment: CloudWatch's `TreatMissingData`.
        source: Proof of when the metric is silent: a page of AWS, or the module of this project that publishes it.
    """

    treatment: cloudwatch.TreatMissingData
    source: str


_QUEUE_SILENT: Final = Silence(
    # A queue publishes for six hours after its last message or call, and as long as it holds a message.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html",
)
_FUNCTION_SILENT: Final = Silence(
    # A function that is not invoked publishes nothing, and does not fail.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html",
)
_API_SILENT: Final = Silence(
    # The health checks call every few seconds: a silent API means that the checks are down, not the API.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html",
)
_TABLE_SILENT: Final = Silence(
    # CloudWatch always ignores missing data of DynamoDB's metrics, so these alarms declare IGNORE.
    cloudwatch.TreatMissingData.IGNORE,
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
)
_REPLICATION_SILENT: Final = Silence(
    # AWS advises this. S3 publishes zeroes while it replicates; a lost source publishes nothing.
    cloudwatch.TreatMissingData.IGNORE,
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html",
)
_TRAIL_SILENT: Final = Silence(
    # CloudTrail has no metric of its own; a log group that receives nothing publishes nothing.
    cloudwatch.TreatMissingData.BREACHING,
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html",
)
_PROCESSOR_SILENT: Final = Silence(
    # A region without shadow messages publishes no age, and one without quarantined files publishes no count.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "handlers/processor/telemetry.py",
)
_OBSERVER_SILENT: Final = Silence(
    # The observer publishes in every run; `observer-silent` reports that it does not run. Missing data proves nothing.
    cloudwatch.TreatMissingData.NOT_BREACHING,
    "handlers/observer/observation.py",
)
_RECONCILER_SILENT: Final = Silence(
    # The reconciler publishes in every run, three times in a period: a silent one does not run.
    cloudwatch.TreatMissingData.BREACHING,
    "handlers/processor/reconciler.py",
)
_NO_HEARTBEAT: Final = Silence(cloudwatch.TreatMissingData.BREACHING, "handlers/observer/observation.py")
_LAST_WORD: Final = Silence(cloudwatch.TreatMissingData.IGNORE, "handlers/observer/observation.py")


@dataclass(frozen=True)
class Watch:
    """Definition of one alarm.

    Attributes:
        resource: resource word of its name.
        text: the description of the alarm: its meaning, and what to check first.
        metric: metric that it watches.
        silence: treatment of a period without a datapoint.
        threshold: threshold in the metric's unit.
        compare: comparison by which a datapoint breaches the threshold.
        periods: number of periods to evaluate.
        breaching: number of periods that must breach; None for all, because Route 53 supports no M-of-N alarm.
    """

    resource: str
    text: str
    metric: cloudwatch.Metric
    silence: Silence
    threshold: float = 1
    compare: cloudwatch.ComparisonOperator = _AT_LEAST
    periods: int = 1
    breaching: int | None = None


class Alarms(Construct):
    """The alarms of one region, and two composite alarms: the region is unhealthy, and data is at risk.

    Attributes:
        by_resource: metric alarms by the resource word of their names.
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
        serving, replicating = _serving(context, metrics), _replicating(context, metrics)
        watches = (*serving, *replicating, *_other(context, metrics))
        self.by_resource = {watch.resource: _alarm(self, watch, context=context, topic=topic) for watch in watches}
        self._composite(
            "region-unhealthy",
            "This region does not accept files, or does not process them correctly. If it is the active "
            "one and does not recover, promote the other.",
            serving,
        )
        # Dead letters and quarantined objects are not included: each is an object that is safe in both
        # regions' buckets, and a malformed file does not put data at risk.
        self._composite(
            "data-at-risk",
            "Objects or rows that one region accepted arrive late in the other; the loss of the region would lose them. "
            "Do not fail over while you can wait, and do not delete anything.",
            replicating,
        )

    def _composite(self, resource: str, text: str, watches: Sequence[Watch]) -> None:
        alarm = cloudwatch.CompositeAlarm(
            self,
            _construct_id(resource),
            composite_alarm_name=self._context.naming.alarm(resource),
            alarm_description=text,
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(
                    cloudwatch.AlarmRule.from_alarm(self.by_resource[watch.resource], cloudwatch.AlarmState.ALARM)
                    for watch in watches
                )
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        alarm.add_ok_action(actions.SnsAction(self._topic))


def _alarm(scope: Construct, watch: Watch, *, context: RegionContext, topic: sns.ITopic) -> cloudwatch.Alarm:
    """Create an alarm that notifies the topic when it fires and when it ends."""
    alarm = watch.metric.create_alarm(
        scope,
        _construct_id(watch.resource),
        alarm_name=context.naming.alarm(watch.resource),
        alarm_description=watch.text,
        threshold=watch.threshold,
        comparison_operator=watch.compare,
        evaluation_periods=watch.periods,
        # Unset where all periods must breach: a health check supports no M-of-N alarm.
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-types.html
        datapoints_to_alarm=watch.breaching,
        treat_missing_data=watch.silence.treatment,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    alarm.add_ok_action(actions.SnsAction(topic))
    return alarm


def _serving(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    """Return the alarms that mean that this region does not serve."""
    timeout_seconds = context.settings.limits.processor_timeout_seconds
    return [
        # A message may be in processing for one timeout; after two, no function has received it. The passive
        # region returns its messages to the queue, so none grows old here: `shadow-late` watches those.
        Watch(
            "queue-age",
            "Objects wait for the processor. Check its errors and throttles, then the queue.",
            metrics.queue_age(),
            _QUEUE_SILENT,
            threshold=2 * timeout_seconds,
            compare=_ABOVE,
            periods=5,
        ),
        Watch(
            "processor-errors",
            "The processor raised an exception, timed out or ran out of memory. See its log.",
            metrics.errors("processor"),
            _FUNCTION_SILENT,
        ),
        Watch(
            "processor-throttles",
            "Lambda throttles the processor. Check the concurrency of the account.",
            metrics.throttles("processor"),
            _FUNCTION_SILENT,
        ),
        Watch(
            "processor-duration",
            "The slowest batches take more than four fifths of the processor's timeout; some may fail soon.",
            metrics.duration("processor"),
            _FUNCTION_SILENT,
            threshold=800 * timeout_seconds,
            compare=_ABOVE,
            periods=3,
        ),
        Watch(
            "issuer-errors",
            "The issuer raised an exception or timed out: clients get no upload URLs. See its log.",
            metrics.errors("issuer"),
            _FUNCTION_SILENT,
        ),
        Watch(
            "api-5xx",
            "The front door returns server errors. Its access log shows the routes.",
            metrics.server_errors(),
            _API_SILENT,
            threshold=_SERVER_ERRORS_A_MINUTE,
            periods=5,
            breaching=3,
        ),
        # On-demand capacity that grows throttles for a single minute.
        *(
            Watch(
                "-".join(["table", *([_word(index)] if index else []), _word(kind), "throttles"]),
                f"DynamoDB throttles {kind.lower()}s of {index or 'the table'}. Check for a hot partition key.",
                metrics.table_throttles(kind, index),
                _TABLE_SILENT,
                periods=5,
                breaching=3,
            )
            for index in (None, *INDEXES)
            for kind in ("Read", "Write")
        ),
        *(
            Watch(
                f"table-errors-{_word(operation)}",
                f"DynamoDB fails {operation} on its own side: see the AWS Health Dashboard for this region.",
                metrics.table_errors(operation),
                _TABLE_SILENT,
                periods=5,
                breaching=3,
            )
            for operation in OPERATIONS
        ),
        Watch(
            "canary-failed",
            "A file that the observer uploads here every minute is not accepted, or not processed, in time. The "
            "observer's log shows the step that failed.",
            metrics.canary_failed(),
            _OBSERVER_SILENT,
            periods=_CONFIRMED_MINUTES,
        ),
    ]


def _replicating(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    """Return the alarms that mean that accepted data is not in both regions."""
    peer = context.peer.region
    # A strongly consistent table answers a write when both replicas have it, so it publishes no lag.
    lag = [
        Watch(
            "table-replication-latency",
            f"Rows written here reach {peer} late: its view of processed objects is out of date.",
            metrics.table_replication_latency(),
            _TABLE_SILENT,
            threshold=_TABLE_REPLICATION_MILLISECONDS,
            compare=_ABOVE,
            periods=5,
        ),
    ]
    return [
        *(lag if context.settings.consistency != "strong" else []),
        Watch(
            "incoming-replication-latency",
            f"Objects of {peer} take longer to arrive here than S3 Replication Time Control allows.",
            metrics.incoming_replication_latency(),
            _REPLICATION_SILENT,
            threshold=REPLICATION_TIME_MINUTES * 60,
            compare=_ABOVE,
            periods=3,
        ),
        Watch(
            "incoming-replication-pending",
            f"Replication operations of {peer}'s bucket accumulate and do not arrive here.",
            metrics.incoming_replication_pending(),
            _REPLICATION_SILENT,
            threshold=_PENDING_OPERATIONS,
            compare=_ABOVE,
            periods=REPLICATION_TIME_MINUTES,
        ),
        Watch(
            "outgoing-replication-failed",
            f"S3 failed to replicate objects to {peer}, and does not retry them. Check the "
            "replication role and both keys, then replicate them by S3 Batch Replication.",
            metrics.outgoing_replication_failed(),
            _REPLICATION_SILENT,
        ),
        Watch(
            "shadow-age",
            "Objects have waited here longer than the maximum age, and each is recorded in the archive bucket: the "
            "active region does not process them, and this region is not promoted.",
            metrics.shadow_age(),
            _PROCESSOR_SILENT,
            threshold=context.settings.limits.shadow_maximum_age_seconds,
            compare=_ABOVE,
        ),
    ]


def _other(context: RegionContext, metrics: RegionMetrics) -> list[Watch]:
    """Return the alarms that mean neither a failure of this region nor a risk of data loss, and notify on their own."""
    peer = context.peer.region
    promoted = [
        Watch(
            "auto-promoted",
            f"This region has promoted itself, because {peer} seemed lost for three minutes. Check the "
            "state of that region; only an operator fails back.",
            metrics.auto_promoted(),
            _OBSERVER_SILENT,
        ),
    ]
    trail = [
        Watch(
            "trail-silent",
            "CloudTrail delivers nothing to its log group. Check that it is on and may use its key and role.",
            metrics.trail_events(),
            _TRAIL_SILENT,
            compare=_BELOW,
            periods=_QUIET_TRAIL_HOURS,
        ),
    ]
    return [
        # A silent observer proves nothing about the other region, so it must not move clients away from it.
        Watch(
            PEER_UNHEALTHY,
            f"Seen from here, {peer} is unhealthy: its heartbeat cannot be read, its canary fails or /ready fails. "
            "Check its own alarms; if it is the active region and does not recover, promote this one.",
            metrics.peer_unhealthy(),
            _OBSERVER_SILENT,
            periods=_CONFIRMED_MINUTES,
        ),
        Watch(
            FORCE_FAILOVER,
            f"An operator sends clients away from {peer}, regardless of its health. It holds until it is reverted.",
            metrics.force_failover(),
            _LAST_WORD,
        ),
        Watch(
            "observer-silent",
            "The observer does not complete its runs: nothing checks this region or the other one, and the heartbeat "
            "of this region becomes old. See its log and its rule.",
            metrics.heartbeats(),
            _NO_HEARTBEAT,
            compare=_BELOW,
            periods=_CONFIRMED_MINUTES,
        ),
        Watch(
            "canaries-held",
            "No canary has ever been sent here, because no deployment has recorded that files replicate both ways. "
            "Deploy the failover stack; if that fails, its Custom::BucketReplication shows the reason.",
            metrics.canaries_held(),
            _OBSERVER_SILENT,
            periods=_DEPLOYMENT_MINUTES,
        ),
        *(promoted if context.settings.auto_promote else []),
        # Disagreement between the regions cannot be measured while one of them is lost.
        Watch(
            "lww-conflicts",
            "Rows that are written once were changed, and the last writer won: the processor is not deterministic, or "
            "another program wrote to the table. Compare the hours in the observer's log.",
            metrics.lww_conflicts(),
            _OBSERVER_SILENT,
        ),
        Watch(
            "digest-mismatch",
            f"A past hour has other results here than in {peer}: rows were not replicated, or were lost "
            "with a region. `operate -- status` names the hours; check the reconciler's list.",
            metrics.digest_mismatch(),
            _OBSERVER_SILENT,
            periods=_MISMATCH_MINUTES // _ROUND_MINUTES,
        ),
        # A promotion reaches the other region when its row has been replicated.
        Watch(
            "split-brain",
            f"This region and {peer} both act as the active one. No effect occurs twice; check which "
            "one has the higher epoch, and why the other has not received it.",
            metrics.split_brain(),
            _OBSERVER_SILENT,
            periods=_CONFIRMED_MINUTES,
        ),
        Watch(
            "control-rows-malformed",
            "A control row is malformed, so it does not count: a fault or a person wrote it without `operate`. "
            "`operate status` names it; `operate promote` of its region repairs it.",
            metrics.malformed_control_rows(),
            _OBSERVER_SILENT,
        ),
        Watch(
            "secret-drift",
            f"This region and {peer} sign receipts with different keys, for longer than a rotation "
            "takes. Check the secret's ReplicationStatus in its home region, grant what it lacks, and rotate again.",
            metrics.secret_versions_differ(),
            _OBSERVER_SILENT,
            periods=_ROTATION_MINUTES // _ROUND_MINUTES,
        ),
        Watch(
            "api-refusals",
            "The front door refuses ten requests a second. Its access log shows the callers and routes; a flood "
            "of /ready can make Route 53 consider this region down.",
            metrics.refusals(),
            _API_SILENT,
            threshold=_REFUSALS_A_MINUTE,
            periods=5,
            breaching=3,
        ),
        # A message is first received at once, and again after the delay.
        Watch(
            "shadow-late",
            f"Objects wait here for {peer} to process them, and it does not. Check its alarms, "
            "which it may be unable to send; if it does not recover, promote this region.",
            metrics.shadow_age(),
            _PROCESSOR_SILENT,
            threshold=_SHADOW_LATE_SECONDS + context.settings.limits.shadow_delay_seconds,
            compare=_ABOVE,
        ),
        Watch(
            "dlq-depth",
            "Messages could not be processed. The archive bucket holds the reasons; fix them, then redrive.",
            metrics.dead_letters(),
            _QUEUE_SILENT,
        ),
        Watch(
            "async-dlq-depth",
            "An asynchronous invocation (a rotation, a custom resource) or an alarm's e-mail failed after all retries.",
            metrics.async_dead_letters(),
            _QUEUE_SILENT,
        ),
        Watch(
            "quarantined",
            "Files could not be parsed. The archive bucket has each of them with its reason.",
            metrics.quarantined(),
            _PROCESSOR_SILENT,
        ),
        Watch(
            "unreconciled",
            "The reconciler lists objects without a result, or results whose records are not all here, and sends them "
            "again; or it does not run. `operate -- status` shows them; if some remain, see docs/runbook.md.",
            metrics.unreconciled(),
            _RECONCILER_SILENT,
        ),
        Watch(
            "results-without-records",
            "A result is older than replication takes, and its records are not all in this replica. The active region "
            "writes them again; the passive one waits for them, or they were lost in replication.",
            metrics.results_without_records(),
            _PROCESSOR_SILENT,
        ),
        Watch(
            "shadow-copies",
            "Copies of messages multiply in this passive region: the processor crashes between sending one back and "
            "acknowledging it, or something sends events again and again. See its log.",
            metrics.shadow_copies_dropped(),
            _PROCESSOR_SILENT,
            threshold=_COPIES_A_MINUTE,
            periods=5,
        ),
        *(trail if context.is_control else []),
    ]


def _word(name: str) -> str:
    """Return the resource word of a DynamoDB name: `batch-write-item` for `BatchWriteItem`."""
    return re.sub(r"_|(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _construct_id(resource: str) -> str:
    return "".join(word.capitalize() for word in resource.split("-"))
