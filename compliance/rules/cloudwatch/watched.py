"""Each queue, function, API and replicating bucket has the alarm that reports its failures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from compliance.aws.alarms import ALARM
from compliance.aws.apis import HTTP_API
from compliance.aws.dead_letters import QUEUE, key_of
from compliance.aws.event_sources import FUNCTION, mappings_of, mappings_to
from compliance.aws.metrics import Metric, metrics_of
from compliance.aws.replication_terms import BUCKET, links
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches
from compliance.cfn.references import is_there_with, named, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"


class _Watch(NamedTuple):
    """The metric that must be watched, and the dimension that names what it is of."""

    namespace: str
    metric: str
    dimension: str


_WATCHES: Final[Mapping[str, _Watch]] = {
    QUEUE: _Watch("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    FUNCTION: _Watch("AWS/Lambda", "Errors", "FunctionName"),
    HTTP_API: _Watch("AWS/ApiGateway", "5xx", "ApiId"),
    BUCKET: _Watch("AWS/S3", "OperationsFailedReplication", "SourceBucket"),
}


def _carries_work(resource: Resource, world: TemplateSet) -> bool:
    match resource.type:
        case "AWS::SQS::Queue":
            return bool(mappings_of(resource, world))
        case "AWS::Lambda::Function":
            return bool(mappings_to(resource, world)) or key_of(resource) in _behind_apis(world)
        case "AWS::S3::Bucket":
            return any(link[:2] == key_of(resource) for link in links(world))
    return True  # an API


@cached
def _behind_apis(world: TemplateSet) -> frozenset[tuple[str, str]]:
    """Return the functions that an API invokes."""
    found = set()
    for integration in of_type(world, _INTEGRATION):
        try:
            values = list(branches(integration.properties.get("IntegrationUri")))
            targets = [find(value, integration.template, world, FUNCTION) for value in values if value is not None]
        except UnresolvedError:
            continue  # ActivePassive-APIGatewayIntegration says that it cannot be read.
        found |= {key_of(target) for target in targets if target is not None}
    return frozenset(found)


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    watch = _WATCHES[resource.type]
    unclear: list[str] = []
    for alarm in of_type(world, ALARM, region=resource.template.region):
        try:
            if is_there_with(alarm, resource) and _always_watches(alarm, watch, resource, world):
                return
        except UnresolvedError as error:
            unclear.append(f"{alarm.path}: {error}")
    if unclear:
        raise UnresolvedError(f"whether an alarm watches its {watch.metric} is unknown: {'; '.join(unclear)}")
    yield f"no alarm of its region watches {watch.metric} of it ({watch.namespace}, by {watch.dimension})"


def _always_watches(alarm: Resource, watch: _Watch, resource: Resource, world: TemplateSet) -> bool:
    versions = [replace(alarm, properties=properties) for properties in branches(alarm.properties)]
    return all(any(_is_on(metric, watch, alarm, resource, world) for metric in metrics_of(each)) for each in versions)


def _is_on(metric: Metric, watch: _Watch, alarm: Resource, resource: Resource, world: TemplateSet) -> bool:
    if (metric.namespace, metric.name) != (watch.namespace, watch.metric):
        return False
    return _is_of(metric.dimensions.get(watch.dimension), alarm, resource, world)


def _is_of(value: Json, alarm: Resource, resource: Resource, world: TemplateSet) -> bool:
    if is_absent(value):
        return False
    target = named(value, alarm.template, world)
    if target is None and resource.type != HTTP_API:
        target = find(value, alarm.template, world, resource.type)
    return target is not None and key_of(target) == key_of(resource)


RULE = Rule(
    title="Each queue of work, function behind it or behind an API, API and replicating bucket has an alarm on its failures",
    why=(
        "A removed alarm, or one on another resource of the same kind, is noticed only in the outage that it should have "
        "reported. Operators decide on a failover by these alarms."
    ),
    fix=(
        "Add an AWS::CloudWatch::Alarm of the resource's region: ApproximateAgeOfOldestMessage of a queue, Errors of a "
        "function, 5xx of an API, OperationsFailedReplication of a bucket."
    ),
    judge=rule_from(_violations, *_WATCHES, applies=_carries_work),
    controls=nist("AU-6(1)", "CA-7", "IR-4(1)", "SI-4", "SI-4(5)") + hipaa("164.308(a)(6)(ii)", "164.312(b)") + pci("10.6"),
)
