"""Monthly cost of an idle platform: list prices times the quantities from templates and schedules.

Fixed quantities are counted in the synthesized templates. The calls are those of an idle platform: the observers' runs with
their canaries, the health checkers, the polls of the queue. integration_tests/moto/test_cost.py compares `A_RUN` with a
count of the real handlers' calls. `NOT_INCLUDED` and `UPLOADS` list what is left out.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.app import build_app
from infra.constructs.reverse_replication import RESOURCE_TYPE as REVERSE_RULE
from infra.settings import Settings

PRICES_OF: Final = "2026-11"
"""Date of the list prices below, for us-east-1 and us-west-2, in USD. Check them before you rely on a cent."""
UPLOADS: Final = "real uploads and their storage"
NOT_INCLUDED: Final = (
    "tax",
    "free tiers",
    "discounts",
    "support",
    "traffic",
    "other work of the account",
    "what logs and the trail keep over the years",
    "the second and third dollar of each key after its first two yearly rotations",
)
"""Left out of every month; an idle one lacks `UPLOADS` too."""
HOURS: Final = 730
MINUTES: Final = 43_800
SECONDS: Final = 2_628_000

_CHECKERS: Final = 16
"""Health checkers that call one endpoint: "about 15" by Route 53 from its eight regions."""
_MILLION: Final = 1e-6
_GIGABYTE: Final = 1e-9
_REPLICATION_METRICS: Final = 4
"""Metrics of each replication rule: latency, bytes and operations pending, operations failed. They are "billed at the
same rate as Amazon CloudWatch custom metrics" (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html)."""
_OBSERVER_SECONDS: Final = 2.6
"""Seconds of a run, an assumption: about 45 calls of 20 ms on average, half of it processor time, and the waits for the own
API, S3, CloudWatch and the other region."""
EVENT_BYTES: Final = 1500
"""Bytes of a CloudTrail event in the log group, an assumption."""
_PLATFORM_BYTES: Final = 700
"""Bytes of Lambda's start and report lines and of a trace for an invocation, an assumption."""

_AWS: Final = "https://aws.amazon.com"


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: What is paid for.
        count: Quantity in a month, in both regions together.
        unit: Unit of the quantity.
        price: USD for one.
        source: The page of the list price.
        counted: Source of the count: `template`, or the assumption.
    """

    what: str
    count: float
    unit: str
    price: float
    source: str
    counted: str

    @property
    def usd(self) -> float:
        """Cost in a month."""
        return self.count * self.price


@dataclass(frozen=True)
class Run:
    """Requests and data of one observer run in its region, with its canary in both: the mean of the two regions' runs.

    Attributes:
        table_requests: Requests to DynamoDB; each is an event of the trail.
        table_reads: Read units.
        table_writes: Write units in one replica, indexes included.
        object_requests: Requests to S3 by the functions, the PUT of the presigned URL included.
        secret_reads: GetSecretValue calls of an issuer with one execution environment.
        secret_looks: DescribeSecret calls.
        queue_requests: SendMessage and GetQueueAttributes calls.
        measures: Metrics that are requested from CloudWatch.
        own_metrics: Most metrics of the functions' namespace that a region has.
        log_bytes: Bytes that the three functions log.
    """

    table_requests: float
    table_reads: float
    table_writes: float
    object_requests: float
    secret_reads: float
    secret_looks: float
    queue_requests: float
    measures: float
    own_metrics: float
    log_bytes: float


A_RUN: Final = Run(
    table_requests=40,
    table_reads=45,
    table_writes=16,
    object_requests=2.5,
    secret_reads=1,
    secret_looks=2 / 5,
    queue_requests=5,
    measures=2,
    own_metrics=7,
    log_bytes=2600,
)
"""A run in a region whose closed hours are all digested. A new observer reads two more hours in each of its first 30 runs.
`secret_reads` depends on time only: the issuer reads its secret at most once a minute."""
_RECONCILED_REQUESTS: Final = 9
"""Requests to the table in a run of the reconciler without findings: two claims, its own notes, the written notes, and about
60 an hour and region for reading through the table.
"""

Templates = Mapping[str, Mapping[str, Any]]
"""CloudFormation templates by the stack's construct id."""


def synthesized(settings: Settings) -> Templates:
    """Return the templates for the given settings."""
    with tempfile.TemporaryDirectory() as folder:
        asset = Path(folder) / "asset" / "handlers"
        asset.mkdir(parents=True)
        (asset / "__init__.py").touch()
        # Without a mailbox the CDK prints warnings, and the path of a report that is deleted with this folder.
        notified = settings.model_copy(update={"alarms_email": settings.alarms_email or "nobody@example.com"})
        app = build_app(settings=notified, outdir=f"{folder}/cdk.out", asset=asset.parent)
        return read_assembly(Path(app.synth().directory))


def read_assembly(folder: Path) -> Templates:
    """Return the templates of a cloud assembly (`cdk.out`).

    Raises:
        OSError: A file is missing.
        ValueError: A file is not JSON.
        KeyError: The manifest does not name its artifacts.
    """
    artifacts = json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"]
    return {
        name: json.loads((folder / each["properties"]["templateFile"]).read_text("utf-8"))
        for name, each in artifacts.items()
        if each["type"] == "aws:cloudformation:stack"
    }


def environments(templates: Templates) -> set[str]:
    """Return the environments that the functions of the templates name in their variables."""
    variables = [each.get("Environment", {}).get("Variables", {}) for each in _resources(templates, "AWS::Lambda::Function")]
    return {each["ENVIRONMENT"] for each in variables if "ENVIRONMENT" in each}


def idle(templates: Templates) -> list[Line]:
    """Return the lines of a month's cost, the highest first."""
    return sorted((*_fixed(templates), *_called(templates)), key=lambda line: -line.usd)


def _resources(templates: Templates, kind: str) -> list[Mapping[str, Any]]:
    return [
        resource.get("Properties", {})
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == kind
    ]


def _fixed(templates: Templates) -> Iterator[Line]:
    endpoints = _resources(templates, "AWS::EC2::VPCEndpoint")
    places = sum(len(each["SubnetIds"]) for each in endpoints if each.get("VpcEndpointType") == "Interface")
    privatelink = f"{_AWS}/privatelink/pricing/"
    yield Line("interface endpoints", places * HOURS, "endpoint and zone, an hour", 0.01, privatelink, "template")
    keys = len(_resources(templates, "AWS::KMS::Key"))
    yield Line(
        "customer managed keys", keys, "key", 1.0, f"{_AWS}/kms/pricing/", "template; 2 more each after two rotations"
    )
    cloudwatch = f"{_AWS}/cloudwatch/pricing/"
    alarms = _resources(templates, "AWS::CloudWatch::Alarm")
    yield Line("alarms", len(alarms), "alarm", 0.10, cloudwatch, "template")
    composite = len(_resources(templates, "AWS::CloudWatch::CompositeAlarm"))
    yield Line("composite alarms", composite, "alarm", 0.50, cloudwatch, "template")
    yield Line(
        "dashboards", len(_resources(templates, "AWS::CloudWatch::Dashboard")), "dashboard", 3.0, cloudwatch, "template"
    )
    rules = _replication_rules(templates) * _REPLICATION_METRICS
    yield Line("S3 replication metrics", rules, "metric", 0.30, cloudwatch, "template: 4 a rule with metrics")
    replicas = sum(1 + len(each.get("ReplicaRegions", ())) for each in _resources(templates, "AWS::SecretsManager::Secret"))
    yield Line("secret and its replica", replicas, "secret", 0.40, f"{_AWS}/secrets-manager/pricing/", "template")
    yield from _health(templates)


def _replication_rules(templates: Templates) -> int:
    buckets = [each.get("ReplicationConfiguration", {}) for each in _resources(templates, "AWS::S3::Bucket")]
    reverse = [each["ReplicationConfiguration"] for each in _resources(templates, REVERSE_RULE)]
    return sum("Metrics" in rule["Destination"] for each in (*buckets, *reverse) for rule in each.get("Rules", ()))


def _checks(templates: Templates) -> list[Mapping[str, Any]]:
    return [each["HealthCheckConfig"] for each in _resources(templates, "AWS::Route53::HealthCheck")]


def _health(templates: Templates) -> Iterator[Line]:
    checks, route53 = _checks(templates), f"{_AWS}/route53/pricing/"
    yield Line("health checks", len(checks), "check", 0.50, route53, "template")
    options = sum(int(each["Type"] == "HTTPS") + int(each.get("RequestInterval") == 10) for each in checks)  # noqa: PLR2004
    yield Line("health check options: HTTPS, fast", options, "option", 1.0, route53, "template")
    zones = len(_resources(templates, "AWS::Route53::HostedZone"))
    yield Line("hosted zones", zones, "zone", 0.50, route53, "template")


def _called(templates: Templates) -> Iterator[Line]:
    probes = sum(_CHECKERS * SECONDS / each["RequestInterval"] for each in _checks(templates) if each["Type"] == "HTTPS")
    rates = [each["ScheduleExpression"] for each in _resources(templates, "AWS::Events::Rule")]
    runs = rates.count("rate(1 minute)") * MINUTES
    reconciled = rates.count("rate(5 minutes)") * MINUTES / 5
    assert runs / MINUTES + reconciled * 5 / MINUTES == len(rates), f"a clock that is not counted: {rates}"  # noqa: S101
    # A probe's answer is kept for 5 s in each of two execution environments; the observers' own probes are of their run.
    looked = 2 * SECONDS / 5 if probes else 0
    yield from _computed(runs, reconciled, probes, looked)
    yield from _stored(runs, reconciled, looked)
    yield from _watched(templates, runs, reconciled, probes, looked)


def _computed(runs: float, reconciled: float, probes: float, looked: float) -> Iterator[Line]:
    # A run asks its own /ready and the peer's, POSTs a canary and GETs the last one.
    requests = probes + 4 * runs
    by_probes = f"{_CHECKERS} checkers an endpoint"
    a_run = "4 requests a run of the observer"
    yield Line("HTTP API", requests, "request", _MILLION, f"{_AWS}/api-gateway/pricing/", f"{by_probes}; {a_run}")
    lambda_ = f"{_AWS}/lambda/pricing/"
    yield Line(
        "Lambda, requests",
        requests + 3 * runs + reconciled,
        "request",
        0.20 * _MILLION,
        lambda_,
        f"{by_probes}; 3 functions a run",
    )
    # 0.5 GB: 5 ms a cached probe, 100 ms another request. The processor: 1.73 GB for 0.3 s, twice a canary.
    issuer = 0.005 * probes + 0.1 * (looked + 4 * runs)
    gigabyte_seconds = 0.5 * (issuer + _OBSERVER_SECONDS * runs) + 1.73 * 0.3 * (2 * runs + reconciled)
    basis = f"{_OBSERVER_SECONDS:g} s a run, 0.1 s a request, 0.3 s a canary and region (assumed)"
    yield Line("Lambda, duration", gigabyte_seconds, "GB-second", 0.0000133334, lambda_, basis)
    yield Line(
        "X-Ray",
        2 * runs + reconciled,
        "trace",
        5 * _MILLION,
        f"{_AWS}/xray/pricing/",
        "both processors of each run's canary",
    )


def _stored(runs: float, reconciled: float, looked: float) -> Iterator[Line]:
    dynamodb = f"{_AWS}/dynamodb/pricing/on-demand/"
    reads = A_RUN.table_reads * runs + 3 * looked + _RECONCILED_REQUESTS * reconciled
    writes = 2 * (A_RUN.table_writes * runs + looked + reconciled)
    yield Line("DynamoDB, reads", reads, "read unit", 0.125 * _MILLION, dynamodb, f"{A_RUN.table_reads:g} a run (counted)")
    yield Line(
        "DynamoDB, writes",
        writes,
        "write unit",
        0.625 * _MILLION,
        dynamodb,
        f"{A_RUN.table_writes:g} a run (counted), in each replica",
    )
    s3 = f"{_AWS}/s3/pricing/"
    yield Line("S3, puts and their replicas", 2 * runs, "put", 0.000005, s3, "a canary and its replica")
    # Five pollers of each queue wait 20 s (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). A canary
    # is sent by S3 and deleted in both regions; the receives are polls.
    polls = runs / MINUTES * 5 * SECONDS / 20 + (A_RUN.queue_requests + 4) * runs + looked
    yield Line("SQS", polls, "request", 0.40 * _MILLION, f"{_AWS}/sqs/pricing/", "5 pollers a queue; the calls of a run")


def _watched(templates: Templates, runs: float, reconciled: float, probes: float, looked: float) -> Iterator[Line]:
    cloudwatch, trail = f"{_AWS}/cloudwatch/pricing/", f"{_AWS}/cloudtrail/pricing/"
    own = (A_RUN.own_metrics * runs + 5 * reconciled) / MINUTES  # the reconciler has one
    yield Line("own metrics", own, "metric", 0.30, cloudwatch, "counted: what an idle platform publishes, by region")
    # S3 replicates by GETs at the source and PUTs at the destination, as a role of ours.
    data = (A_RUN.table_requests + A_RUN.object_requests + 2) * runs + 4 * looked + _RECONCILED_REQUESTS * reconciled
    yield Line(
        "CloudTrail, data events",
        data,
        "event",
        _MILLION,
        trail,
        f"{A_RUN.table_requests:g} of the table and {A_RUN.object_requests + 2:g} of objects a run (counted)",
    )
    # Each execution environment reads the secret once a minute; health checkers keep two of them warm.
    secret_reads = (2 if probes else 1) * A_RUN.secret_reads * runs
    looks = A_RUN.secret_looks * runs
    secrets = f"{_AWS}/secrets-manager/pricing/"
    yield Line(
        "Secrets Manager, calls",
        secret_reads + looks,
        "call",
        0.000005,
        secrets,
        f"a read a minute and environment, {A_RUN.secret_looks:.2g} looks a run (counted)",
    )
    keys = _key_calls(templates, runs) + secret_reads
    basis = "SQS by its formula; table a principal and 5 minutes; 1 a canary; a log group and 5 minutes; secret reads"
    yield Line("KMS, calls", keys, "call", 0.000003, f"{_AWS}/kms/pricing/", basis)
    # The first copy of management events costs nothing; the log group takes them too.
    management = keys + secret_reads + looks + A_RUN.queue_requests * runs + 4 * runs
    functions = (A_RUN.log_bytes + 3 * _PLATFORM_BYTES) * runs + 2 * _PLATFORM_BYTES * reconciled
    ingested = (EVENT_BYTES * (data + management) + 400 * (probes + 4 * runs) + functions) * _GIGABYTE
    basis = (
        f"{EVENT_BYTES / 1000:g} kB an event (assumed), 0.4 kB a request, {A_RUN.log_bytes / 1000:.1f} kB a run (counted)"
    )
    yield Line("CloudWatch Logs, ingestion", ingested, "GB", 0.50, cloudwatch, basis)
    yield Line(
        "CloudWatch, GetMetricData",
        A_RUN.measures * runs,
        "metric",
        0.00001,
        cloudwatch,
        f"{A_RUN.measures:g} a run (counted)",
    )


def _key_calls(templates: Templates, runs: float) -> float:
    """Return the calls of KMS in a month that services make in the functions' names.

    * SQS: (seconds of the month / reuse period) x (2 x producers + consumers); S3 and the processor produce, Lambda consumes
      (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).
    * DynamoDB keeps the table's key for each principal for five minutes
      (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html): the issuer, the
      processor and both observers, in each region.
    * S3: one call a canary of the four for its PUT, its two replications and its GET; the bucket key saves the others, an
      assumption: "up to 99 percent" (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
    * CloudWatch Logs: one call for each log group and five minutes, an assumption.
    """
    groups = len(_resources(templates, "AWS::Logs::LogGroup"))
    reuse: list[float] = [each["KmsDataKeyReusePeriodSeconds"] for each in _resources(templates, "AWS::SQS::Queue")]
    queues = 2 * SECONDS / min(reuse) * (2 * 2 + 1)
    five_minutes = SECONDS / 300
    return queues + 2 * 4 * five_minutes + runs + groups * five_minutes
