"""An alarm watches a resource of these templates, by the dimensions that AWS publishes."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.alarms import ALARM
from compliance.aws.apis import HTTP_API
from compliance.aws.event_sources import FUNCTION
from compliance.aws.function_code import is_written
from compliance.aws.metrics import AGENT_NAMESPACES, AWS_NAMESPACES, BY_METRIC, DIMENSIONS, METRICS, Metric, metrics_of
from compliance.aws.replicas import GLOBAL_TABLE
from compliance.aws.replication_terms import BUCKET, is_custom, replications_of
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import is_known, named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.texts import texts_in
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_TABLE: Final = "AWS::DynamoDB::Table"
_FROM_VARIABLES: Final = {"service": "POWERTOOLS_SERVICE_NAME", "environment": "ENVIRONMENT"}
"""The dimensions of a function's metrics, and the variables that they come from; Powertools always gives `service`."""
_NAMED_BY: Final = {
    ("AWS/ApiGateway", "ApiId"): (HTTP_API,),
    ("AWS/DynamoDB", "TableName"): (GLOBAL_TABLE, _TABLE),
    ("AWS/Lambda", "FunctionName"): (FUNCTION,),
    ("AWS/Logs", "LogGroupName"): ("AWS::Logs::LogGroup",),
    ("AWS/S3", "BucketName"): (BUCKET,),
    ("AWS/S3", "DestinationBucket"): (BUCKET,),
    ("AWS/S3", "SourceBucket"): (BUCKET,),
    ("AWS/SQS", "QueueName"): ("AWS::SQS::Queue",),
}
"""The dimensions that name a resource, and its types."""


def _violations(alarm: Resource, world: TemplateSet) -> Iterator[str]:
    for metric in metrics_of(alarm):
        yield from _of_namespace(metric, alarm, world)
        yield from _of_names(metric)
        for name, value in metric.dimensions.items():
            if is_absent(value):
                yield f"dimension {name} has no Value, so the alarm finds nothing"
            elif (metric.namespace, name) in _NAMED_BY:
                yield from _of_resource(metric, name, value, alarm, world)
        yield from _of_parts(metric, alarm, world)


def _of_namespace(metric: Metric, alarm: Resource, world: TemplateSet) -> Iterator[str]:
    if metric.namespace.startswith("AWS/"):
        if metric.namespace.removeprefix("AWS/") not in AWS_NAMESPACES:
            raise UnresolvedError(f"Namespace is {metric.namespace}, which is not in the gate's list of AWS's namespaces")
        if (names := METRICS.get(metric.namespace)) and not names.fullmatch(metric.name):
            yield f"{metric.namespace} publishes no metric {metric.name!r}: the alarm finds nothing"
    elif metric.namespace and metric.namespace not in AGENT_NAMESPACES:
        published = _published(world)
        if published and metric.namespace not in published:
            yield f"nothing here publishes to Namespace {metric.namespace}, only to {', '.join(sorted(published))}"
        elif published and not is_written(metric.name, published[metric.namespace], world):
            yield f"the code that publishes to Namespace {metric.namespace} holds no {metric.name!r}"
        for dimension, variable in _FROM_VARIABLES.items():
            known = {text for each in published.get(metric.namespace, ()) for text in _texts(each, variable)}
            value = metric.dimensions.get(dimension, None if dimension == "service" else next(iter(known), None))
            if known and (is_absent(value) or render(value, alarm.template) not in known):
                yield f"Namespace {metric.namespace} has the dimension {dimension} with {' or '.join(sorted(known))}"


def _texts(publisher: Resource, variable: str) -> Iterator[str]:
    texts = texts_in(publisher.properties, publisher.template)
    return (each.text for each in texts if each.name == variable)


@cached
def _published(world: TemplateSet) -> Mapping[str, list[Resource]]:
    """Return the namespaces that functions, by a variable, and metric filters of the templates publish to, and who does."""
    found: dict[str, list[Resource]] = {}
    for resource in of_type(world, FUNCTION, "AWS::Logs::MetricFilter"):
        for text in texts_in(resource.properties, resource.template):
            if text.name.endswith(("MetricNamespace", "METRICS_NAMESPACE")):
                found.setdefault(text.text, []).append(resource)
    return found


def _of_names(metric: Metric) -> Iterator[str]:
    allowed = BY_METRIC.get((metric.namespace, metric.name)) or DIMENSIONS.get(metric.namespace)
    if allowed is not None and frozenset(metric.dimensions) not in allowed:
        given = ", ".join(sorted(metric.dimensions)) or "no dimension"
        known = " or ".join(sorted(", ".join(sorted(each)) or "none" for each in allowed))
        yield f"{metric.namespace} publishes {metric.name} by {known}, not by {given}: the alarm finds nothing"


def _of_resource(metric: Metric, name: str, value: Json, alarm: Resource, world: TemplateSet) -> Iterator[str]:
    if _resource(metric, name, value, alarm, world) is None:
        other = named(value, alarm.template, world)
        if other is not None:
            yield f"dimension {name} is of {other.path}, which is an {other.type}"
            return
        if not is_known(render(value, alarm.template)):
            raise UnresolvedError(f"the template does not say what dimension {name}, {describe(value)}, names")
        yield f"dimension {name} is {render(value, alarm.template)!r}, and no template here holds such a resource"


def _resource(metric: Metric, name: str, value: Json, alarm: Resource, world: TemplateSet) -> Resource | None:
    kinds = _NAMED_BY[metric.namespace, name]
    target = named(value, alarm.template, world)
    if target is not None:
        return target if target.type in kinds else None
    if HTTP_API in kinds:
        return None  # only AWS knows an API's id
    found = find(value, alarm.template, world, *kinds)
    if found is None and GLOBAL_TABLE in kinds:
        # A global table has the same name in each region, wherever its template stands.
        wanted = render(value, alarm.template)
        return next((table for table in of_type(world, GLOBAL_TABLE) if wanted in _names(table)), None)
    return found


def _names(table: Resource) -> list[str]:
    names = branches(table.properties.get("TableName"))
    return [render(name, table.template) for name in names if name is not None]


def _of_parts(metric: Metric, alarm: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for an index that the table does not have, or a replication rule of no bucket."""
    index, rule = metric.dimensions.get("GlobalSecondaryIndexName"), metric.dimensions.get("RuleId")
    if not is_absent(index) and not is_absent(metric.dimensions.get("TableName")):
        table = _resource(metric, "TableName", metric.dimensions["TableName"], alarm, world)
        if table is not None and render(index, alarm.template) not in _indexes(table):
            yield f"GlobalSecondaryIndexName is {render(index, alarm.template)!r}, an index that the table does not have"
    if not is_absent(rule) and metric.namespace == "AWS/S3" and render(rule, alarm.template) not in _rules(world):
        yield f"RuleId is {render(rule, alarm.template)!r}, by which no bucket of these templates replicates"


def _indexes(table: Resource) -> set[str | None]:
    return {
        require_text(require_mapping(index, "an index").get("IndexName"), "IndexName")
        for listed in branches(table.properties.get("GlobalSecondaryIndexes"))
        for index in require_list(listed, "GlobalSecondaryIndexes")
    }


@cached
def _rules(world: TemplateSet) -> frozenset[str]:
    """Return the ids of the rules by which buckets of the world replicate."""
    found = set()
    for template in world.templates:
        for resource in template.resources:
            if (resource.type == BUCKET or is_custom(resource)) and isinstance(resource.properties, dict):
                found |= set(_rule_ids(resource))
    return frozenset(found)


def _rule_ids(resource: Resource) -> Iterator[str]:
    try:
        for replication in replications_of(resource):
            if replication.terms is not None:
                yield render(replication.terms.get("Id"), resource.template)
    except UnresolvedError:
        return  # ActivePassive-S3ReplicationTerms says that it cannot be read.


RULE = Rule(
    title="An alarm on AWS's own metrics names a resource of these templates, by the dimensions AWS publishes",
    why=(
        "CloudWatch accepts an alarm on any name. An alarm on a renamed queue, or with a dimension missing, never has data. "
        "Where missing data counts as good, it stays OK."
    ),
    fix="Take the dimension's value from the resource, and give exactly the dimensions that AWS documents for the metric.",
    judge=rule_from(_violations, ALARM),
    controls=nist("AU-6(1)", "CA-7", "IR-4(1)", "SI-4") + hipaa("164.308(a)(6)(ii)", "164.312(b)") + pci("10.6"),
)
