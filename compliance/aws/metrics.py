"""Metrics that AWS services publish: their dimensions, and those that are bad when high."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from compliance.cfn.reading import require_list, require_mapping, require_number, require_text
from compliance.cfn.templates import Json, Resource

_TABLE: Final = frozenset({"TableName"})
_REPLICATION: Final = frozenset({"SourceBucket", "DestinationBucket", "RuleId"})


def _sets(*texts: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(text.split()) for text in texts)


_HTTP: Final = _sets("ApiId", "ApiId Stage", "ApiId Stage Method Resource")
_REST: Final = _sets("ApiName", "ApiName Stage", "ApiName Stage Method Resource")
DIMENSIONS: Final[Mapping[str, frozenset[frozenset[str]]]] = {
    "AWS/ApiGateway": _HTTP | _REST | _sets("ApiId Stage Route"),
    "AWS/DynamoDB": _sets(
        "", "TableName", "TableName Operation", "TableName GlobalSecondaryIndexName", "TableName ReceivingRegion",
        "TableName GlobalSecondaryIndexName Operation", "TableName Operation StreamLabel", "TableName DelegatedOperation",
    ),
    "AWS/Lambda": _sets(
        "", "FunctionName", "FunctionName Resource", "FunctionName Resource ExecutedVersion", "EventSourceMappingUUID"
    ),
    "AWS/Logs": _sets("", "LogGroupName", "LogGroupName DestinationType FilterName"),
    "AWS/S3": _sets("BucketName StorageType", "BucketName FilterId", "SourceBucket DestinationBucket RuleId"),
    "AWS/SQS": _sets("QueueName"),
}  # fmt: skip
"""The sets of dimensions by which a service publishes. An alarm on any other set has no data."""

AWS_NAMESPACES: Final = frozenset(
    """
    ACMPrivateCA AOSS AmazonMQ AmplifyHosting ApiGateway AppFlow AppRunner AppStream AppSync ApplicationELB Athena Auto
    AutoScaling Backup Batch Bedrock Bedrock/Agents Bedrock/Guardrails Billing Cassandra CertificateManager Chatbot
    ChimeSDK ClientVPN CloudFront CloudHSM CloudSearch CloudTrail CloudWatch/MetricStreams CodeBuild CodeGuruProfiler
    CodePipeline Cognito Connect DAX DDoSProtection DMS DX DataLifecycleManager DataSync DirectoryService DocDB DynamoDB
    EBS EC2 EC2CapacityReservations EC2Spot ECR ECS EFS EKS ElastiCache ElasticBeanstalk ElasticGPUs ElasticInference
    ElasticMapReduce ElasticTranscoder ELB ES Events FSx Firehose FraudDetector GameLift GatewayELB Glacier
    GlobalAccelerator GroundStation Health Inspector IVS IoT IoTAnalytics IoTFleetWise IoTSiteWise IoTTwinMaker KMS
    Kafka Kendra KinesisAnalytics Kinesis KinesisVideo Lambda Lex Location Logs LookoutMetrics M2 ML MWAA
    ManagedBlockchain MediaConnect MediaConvert MediaLive MediaPackage MediaStore MediaTailor MemoryDB NATGateway
    NeptuneAnalytics Neptune NetworkELB NetworkFirewall NetworkManager OSIS OpsWorks Outposts Pipes Polly
    PrivateLinkEndpoints PrivateLinkServices Prometheus QLDB QuickSight RDS RUM Redshift Rekognition RoboMaker Route53
    Route53RecoveryReadiness Route53Resolver S3 S3-Outposts S3/ObjectLambda S3/Storage-Lens SES SMSVoice SNS SQS
    SSM-RunCommand SWF SageMaker Scheduler SecretsManager ServiceCatalog Signer States StorageGateway SystemsManager
    Textract ThingsGraph Timestream Transcribe Transfer TransitGateway Translate TrustedAdvisor Usage VPC VPCLattice VPN
    WAFV2 WorkMail WorkSpaces X-Ray
    """.split()  # noqa: SIM905 - 150 quoted names would take a line each
)
"""The namespaces `AWS/<name>` of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html"""
AGENT_NAMESPACES: Final = frozenset(
    {"CWAgent", "CloudWatchSynthetics", "ContainerInsights", "ECS/ContainerInsights", "Glue", "LambdaInsights", "WAF"}
)
"""Namespaces that AWS's agents and services publish to without the prefix."""

METRICS: Final[Mapping[str, re.Pattern[str]]] = {
    namespace: re.compile(names, re.VERBOSE)
    for namespace, names in {
        "AWS/ApiGateway": r"""[45](xx|XXError)|Cache(Hit|Miss)Count|Count|(Integration)?Latency
            |DataProcessed|(Connect|Message)Count|(Client|Execution|Integration)Error""",
        "AWS/DynamoDB": r"""
            (Read|Write)((AccountLimit|KeyRangeThroughput|MaxOnDemandThroughput|ProvisionedThroughput)?ThrottleEvents)
            |(Consumed|Provisioned)(Read|Write)CapacityUnits|ConsumedChangeDataCaptureUnits|OnDemandMax(Read|Write)RequestUnits
            |AccountMax(TableLevel)?(Reads|Writes)|(AccountProvisioned|MaxProvisionedTable)(Read|Write)CapacityUtilization
            |OnlineIndex(ConsumedWriteCapacity|PercentageProgress|ThrottleEvents)|Returned(Bytes|ItemCount|RecordsCount)
            |AgeOfOldestUnreplicatedRecord|(FailedToReplicateRecord|PendingReplication)Count|ReplicationLatency|SuccessfulRequestLatency
            |(System|User|FaultInjectionServiceInduced)Errors|Throttled(PutRecordCount|Requests)
            |TimeToLiveDeletedItemCount|ConditionalCheckFailedRequests|TransactionConflict""",
        "AWS/Lambda": r"""Invocations|Errors|Throttles|Duration|PostRuntimeExtensionsDuration
            |AsyncEvent(Age|sDropped|sReceived)|ClaimedAccountConcurrency
            |(Committed|Deleted|Dropped|FailedInvoke|FilteredOut|Invoked|OnFailureDestinationDelivered|Polled)EventCount
            |DeadLetterErrors|DestinationDeliveryFailures|EventPoller(ThroughputInBytes|Units)|IteratorAge|(Max|Sum)?OffsetLag
            |(Unreserved|Provisioned)?ConcurrentExecutions|ProvisionedConcurrency((Spillover)?Invocations|Utilization)
            |OversizedRecordCount|ProvisionedPollers|RecursiveInvocationsDropped
            |SignatureValidationErrors|Url([45]xx|Request)Count|UrlRequestLatency""",
        "AWS/Logs": r"""(Forwarded|Incoming|Transformed)(Bytes|LogEvents)|Delivery(Errors|Throttling)
            |(Anomaly|Call|Error|Throttle)Count|EMF(Parsing|Validation)Errors|TransformationErrors|LogEventsWithFindings""",
        "AWS/S3": r"""[45]xxErrors|(All|Delete|Get|Head|List|Post|Put|Select)Requests
            |Bytes(Downloaded|PendingReplication|Uploaded)|Operations(Failed|Pending)Replication|(ReplicationL|TotalRequestL|FirstByteL)atency|SelectBytes(Returned|Scanned)
            |BucketSizeBytes|NumberOfObjects""",
        "AWS/SQS": r"""Approximate(AgeOfOldestMessage|NumberOfMessages(Delayed|NotVisible|Visible))(InQuietGroups)?
            |SentMessageSize|ApproximateNumberOf(GroupsWithInflightMessages|NoisyGroups)|NumberOfMessages(Deleted|Received|Sent)
            |NumberOf(DeduplicatedSentMessages|EmptyReceives)""",
    }.items()
}
"""The names of a service's metrics. An alarm on any other name has no data; a metric that AWS adds must be added here."""

BY_METRIC: Final[Mapping[tuple[str, str], frozenset[frozenset[str]]]] = {
    **{("AWS/ApiGateway", name): _HTTP for name in ("4xx", "5xx")},
    **{("AWS/ApiGateway", name): _REST for name in ("4XXError", "5XXError")},
    ("AWS/DynamoDB", "ReadThrottleEvents"): _sets("TableName", "TableName GlobalSecondaryIndexName"),
    ("AWS/DynamoDB", "WriteThrottleEvents"): _sets("TableName", "TableName GlobalSecondaryIndexName"),
    ("AWS/DynamoDB", "SystemErrors"): _sets("TableName Operation"),
    ("AWS/DynamoDB", "ThrottledRequests"): _sets("TableName Operation", "TableName GlobalSecondaryIndexName Operation"),
    ("AWS/DynamoDB", "ReplicationLatency"): frozenset({_TABLE | {"ReceivingRegion"}}),
    ("AWS/S3", "BytesPendingReplication"): frozenset({_REPLICATION}),
    ("AWS/S3", "OperationsFailedReplication"): frozenset({_REPLICATION}),
    ("AWS/S3", "OperationsPendingReplication"): frozenset({_REPLICATION}),
    ("AWS/S3", "ReplicationLatency"): frozenset({_REPLICATION}),
}

BAD_WHEN_HIGH: Final = frozenset(
    {
        ("AWS/ApiGateway", name) for name in ("4XXError", "4xx", "5XXError", "5xx", "IntegrationLatency", "Latency")
    }
    | {
        ("AWS/DynamoDB", name)
        for name in (
            "ConditionalCheckFailedRequests", "ReadThrottleEvents", "ReplicationLatency", "SystemErrors",
            "ThrottledRequests", "UserErrors", "WriteThrottleEvents",
        )
    }
    | {
        ("AWS/Lambda", name)
        for name in ("AsyncEventAge", "DeadLetterErrors", "DestinationDeliveryFailures", "Duration", "Errors", "IteratorAge",
                     "Throttles")
    }
    | {
        ("AWS/S3", name)
        for name in ("4xxErrors", "5xxErrors", "BytesPendingReplication", "OperationsFailedReplication",
                     "OperationsPendingReplication", "ReplicationLatency")
    }
    | {("AWS/SNS", "NumberOfNotificationsFailed")}
    | {("AWS/SQS", name) for name in ("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible")}
)  # fmt: skip
"""Namespace and metric of failures, waiting and slowness. An alarm on a low value of them has no use."""

COUNTS: Final = frozenset(
    (namespace, name)
    for namespace, name in BAD_WHEN_HIGH
    if re.search(r"Error|Throttle|Fail|4xx|5xx", name) and "Pending" not in name
)
"""Those that count. CloudWatch gets a value for each request, mostly 0, so that only the sum says how many failed."""
AVERAGED: Final = frozenset({("AWS/DynamoDB", "ReplicationLatency")})
"""Those that AWS averages itself before it publishes them."""

SILENT_LOSS: Final = frozenset(
    {
        ("AWS/Lambda", "DeadLetterErrors"),
        ("AWS/Lambda", "DestinationDeliveryFailures"),
        ("AWS/S3", "OperationsFailedReplication"),
        ("AWS/SNS", "NumberOfNotificationsFailed"),
    }
)
"""Metrics whose first count is a permanent loss, because nothing retries."""


class Metric(NamedTuple):
    """Metric that an alarm, or one query of it, evaluates.

    Attributes:
        namespace: For example `AWS/SQS`; empty where the alarm sets none.
        name: Of the metric.
        dimensions: The values by the dimensions' names.
        period: Seconds; None where the alarm sets none.
        statistic: Of either kind; None where the alarm sets none.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, Json]
    period: float | None
    statistic: str | None


def metrics_of(alarm: Resource) -> Iterator[Metric]:
    """Yield the metrics of one version of an alarm, in whichever of two ways they are written.

    Raises:
        UnresolvedError: One is not spelled out.
    """
    given = alarm.properties
    if given.get("MetricName") is not None:
        statistic = given.get("Statistic") or given.get("ExtendedStatistic")
        yield _metric(given, given.get("Period"), statistic)
    for index, part in enumerate(require_list(given.get("Metrics"), "Metrics")):
        stat = require_mapping(require_mapping(part, f"Metrics[{index}]").get("MetricStat"), f"Metrics[{index}].MetricStat")
        if stat:
            yield _metric(require_mapping(stat.get("Metric"), "Metric"), stat.get("Period"), stat.get("Stat"))


def _metric(given: Mapping[str, Json], period: Json, statistic: Json) -> Metric:
    listed = [require_mapping(each, "Dimensions") for each in require_list(given.get("Dimensions"), "Dimensions")]
    return Metric(
        namespace=require_text(given.get("Namespace"), "Namespace") or "",
        name=require_text(given.get("MetricName"), "MetricName") or "",
        dimensions={require_text(each.get("Name"), "Name of a dimension") or "": each.get("Value") for each in listed},
        period=require_number(period, "Period"),
        statistic=require_text(statistic, "the statistic"),
    )
