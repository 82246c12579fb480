"""What the platform costs in a month in which nobody uploads: list prices times what templates and clocks make.

Fixed things are counted in the synthesized templates. Calls are an idle platform's: the observers' runs with their canaries,
the health checkers, the polls of the queue. `NOT_INCLUDED` says what is left out.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.app import build_app
from infra.settings import Settings

PRICES_OF: Final = "2026-11"
"""When the list prices below were entered. us-east-1 and us-west-2, USD. Check them before you rely on a cent."""
NOT_INCLUDED: Final = (
    "tax, free tiers, discounts, support, real uploads and their storage, traffic, other work of the account"
)
HOURS: Final = 730
MINUTES: Final = 43_800
SECONDS: Final = 2_628_000

_CHECKERS: Final = 16
"""Health checkers that ask one endpoint: "about 15", says Route 53 of its eight regions."""
_MILLION: Final = 1e-6
_GIGABYTE: Final = 1e-9

_AWS: Final = "https://aws.amazon.com"


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: What is paid for.
        count: How many in a month, in both regions together.
        unit: Of what.
        price: USD for one.
        source: The page of the list price.
        counted: Where the count is from: `template`, or the assumption that it stands on.
    """

    what: str
    count: float
    unit: str
    price: float
    source: str
    counted: str

    @property
    def usd(self) -> float:
        """What it costs in a month."""
        return self.count * self.price


Templates = Mapping[str, Mapping[str, Any]]
"""CloudFormation templates by the stack's construct id."""


def synthesized(settings: Settings) -> Templates:
    """Return the templates of some settings."""
    with tempfile.TemporaryDirectory() as folder:
        asset = Path(folder) / "asset" / "handlers"
        asset.mkdir(parents=True)
        (asset / "__init__.py").touch()
        app = build_app(settings=settings, outdir=f"{folder}/cdk.out", asset=asset.parent)
        assembly = Path(app.synth().directory)
        artifacts = json.loads((assembly / "manifest.json").read_text("utf-8"))["artifacts"]
        return {
            name: json.loads((assembly / each["properties"]["templateFile"]).read_text("utf-8"))
            for name, each in artifacts.items()
            if each["type"] == "aws:cloudformation:stack"
        }


def idle(templates: Templates) -> list[Line]:
    """Return what a month costs, the dearest first."""
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
    yield Line("own metrics", _own_metrics(templates), "metric", 0.30, cloudwatch, "template: alarms and dashboard")
    replicas = sum(1 + len(each.get("ReplicaRegions", ())) for each in _resources(templates, "AWS::SecretsManager::Secret"))
    yield Line("secret and its replica", replicas, "secret", 0.40, f"{_AWS}/secrets-manager/pricing/", "template")
    yield from _health(templates)


def _own_metrics(templates: Templates) -> int:
    """Count the metrics of the functions' namespace that anything looks at, by region and dimensions."""
    found: Counter[str] = Counter()
    for name, template in templates.items():
        for alarm in _resources({name: template}, "AWS::CloudWatch::Alarm"):
            if alarm.get("Namespace") == "Lockstep":
                found[f"{name} {alarm['MetricName']}"] += 1
        text = json.dumps(template)
        for dashboard in _resources({name: template}, "AWS::CloudWatch::Dashboard"):
            text = json.dumps(dashboard).replace("\\\\", "\\").replace('\\"', '"')
            for metric in set(_metric_names(text)):
                for region in ("PrimaryRegional", "SecondaryRegional"):
                    found[f"{region} {metric}"] += 1
    return len(found)


def _metric_names(dashboard: str) -> Iterator[str]:
    parts = dashboard.split('"Lockstep"')
    yield from (part.split('"')[1].strip("\\") for part in parts[1:])


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
    schedules = Counter(each["ScheduleExpression"] for each in _resources(templates, "AWS::Events::Rule"))
    observers, reconcilers = schedules["rate(1 minute)"], schedules["rate(5 minutes)"]
    runs, walks = observers * MINUTES, reconcilers * MINUTES / 5
    # A run asks its own /ready and the peer's, POSTs a canary and GETs the last one.
    requests = probes + 4 * runs
    by_probes = f"{_CHECKERS} checkers an endpoint"
    a_run = "4 requests a run of the observer"
    yield Line("HTTP API", requests, "request", _MILLION, f"{_AWS}/api-gateway/pricing/", f"{by_probes}; {a_run}")
    # The answer is kept for 5 s in each of one or two environments; a canary is processed in both regions.
    probed = 2 * SECONDS / 5 if probes else 2 * runs
    lambda_ = f"{_AWS}/lambda/pricing/"
    yield Line(
        "Lambda, requests",
        requests + 3 * runs + walks,
        "request",
        0.20 * _MILLION,
        lambda_,
        f"{by_probes}; 3 functions a run",
    )
    # 0.5 GB: 5 ms a cached probe, 100 ms one that looks, 5 s a run. The processor: 1.73 GB for 0.3 s, twice a canary.
    gigabyte_seconds = 0.5 * (0.005 * probes + 0.1 * probed + 5 * runs) + 1.73 * 0.3 * (2 * runs + walks)
    yield Line("Lambda, duration", gigabyte_seconds, "GB-second", 0.0000133334, lambda_, "5 s a run, 5 ms a cached probe")
    # A run reads 2.5 hours of digests, 32 partitions each, and some 15 rows; it writes some 8, its canary some 8, each in
    # both replicas.
    # The reconciler reads the register and its row and writes it; its walks read some 60 rows more an hour and region.
    reads, writes = 95 * runs + 2 * probed + 9 * walks, 2 * (16 * runs + probed + walks)
    dynamodb = f"{_AWS}/dynamodb/pricing/on-demand/"
    yield Line("DynamoDB, reads", reads, "read unit", 0.125 * _MILLION, dynamodb, "95 a run, 2 a probe that looks")
    yield Line("DynamoDB, writes", writes, "write unit", 0.625 * _MILLION, dynamodb, "16 a run, 1 a probe, in each replica")
    events = reads + writes / 2 + 8 * runs
    trail = f"{_AWS}/cloudtrail/pricing/"
    yield Line(
        "CloudTrail, data events", events, "event", _MILLION, trail, "each read and write of table and ingest buckets"
    )
    # The trail's log group takes each event, some 1.5 kB; the access log 0.4 kB a request; the functions 6 kB a run.
    ingested = (1500 * events + 400 * requests + 6000 * runs) * _GIGABYTE
    cloudwatch = f"{_AWS}/cloudwatch/pricing/"
    yield Line(
        "CloudWatch Logs, ingestion", ingested, "GB", 0.50, cloudwatch, "1.5 kB an event, 0.4 kB a request, 6 kB a run"
    )
    yield Line("CloudWatch, GetMetricData", 3 * runs, "metric", 0.00001, cloudwatch, "3 metrics a run")
    yield Line(
        "X-Ray",
        3 * runs + walks,
        "trace",
        5 * _MILLION,
        f"{_AWS}/xray/pricing/",
        "each run and both processors of its canary",
    )
    # Two reads of the secret a minute and environment, two environments in each region.
    secret_reads = 2 * 2 * 2 * MINUTES
    secrets = f"{_AWS}/secrets-manager/pricing/"
    yield Line("Secrets Manager, calls", secret_reads, "call", 0.000005, secrets, "2 a minute and environment")
    # Five pollers of each queue wait 20 s; a canary is sent, received and deleted in both regions, some come back once.
    polls = observers * 5 * SECONDS / 20 + 10 * runs + 3 * probed
    yield Line("SQS", polls, "request", 0.40 * _MILLION, f"{_AWS}/sqs/pricing/", "5 pollers a queue, 10 a canary")
    s3 = f"{_AWS}/s3/pricing/"
    yield Line("S3, puts and their replicas", 2 * runs, "put", 0.000005, s3, "a canary and its replica")
    kms = f"{_AWS}/kms/pricing/"
    yield Line("KMS, calls", 12 * runs + secret_reads, "call", 0.000003, kms, "12 a run: bucket, queue, table, logs")
