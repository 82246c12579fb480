"""An API whose execute-api endpoint is disabled has a domain name."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.apis import HTTP_API, REST_API
from compliance.aws.failover_records import HEALTH_CHECK
from compliance.cfn.reading import branches, require_bool, require_mapping
from compliance.cfn.references import follow, is_there_with, named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "DisableExecuteApiEndpoint"
_MAPPINGS: Final = {
    HTTP_API: {"AWS::ApiGatewayV2::ApiMapping": "ApiId"},
    REST_API: {
        "AWS::ApiGateway::BasePathMapping": "RestApiId",
        "AWS::ApiGateway::BasePathMappingV2": "RestApiId",
        "AWS::ApiGatewayV2::ApiMapping": "ApiId",
    },
}
"""Types that map an API to a domain name, by the API's type, with the property that names the API."""


def _violations(api: Resource, world: TemplateSet) -> Iterator[str]:
    if not any(_is_mapped(api, mapping, name, world) for mapping, name in _mappings(api, world)):
        yield f"{_SETTING} is true and no domain name is mapped to it, so nobody can call it"
    for check in of_type(world, HEALTH_CHECK):
        if any(_asks(check, properties, api, world) for properties in branches(check.properties)):
            yield f"{_SETTING} is true, and health check {check.path} checks that endpoint: the region counts as down"


def _mappings(api: Resource, world: TemplateSet) -> Iterator[tuple[Resource, str]]:
    for kind, name in _MAPPINGS[api.type].items():
        for mapping in of_type(world, kind, region=api.template.region):
            yield mapping, name


def _is_mapped(api: Resource, mapping: Resource, name: str, world: TemplateSet) -> bool:
    targets = [named(value, mapping.template, world) for value in branches(mapping.properties.get(name))]
    return is_there_with(mapping, api) and all(_is(target, api) for target in targets)


def _is(target: Resource | None, api: Resource) -> bool:
    return target is not None and target.template is api.template and target.logical_id == api.logical_id


def _asks(check: Resource, properties: Json, api: Resource, world: TemplateSet) -> bool:
    settings = require_mapping(properties.get("HealthCheckConfig"), f"HealthCheckConfig of {check.path}")
    name = settings.get("FullyQualifiedDomainName")
    if is_absent(name):
        return False
    try:
        value, template = follow(name, check.template, world)
        return template is api.template and f"${{{api.logical_id}}}.execute-api" in render(value, template)
    except UnresolvedError:
        return False  # ActivePassive-Route53Record says that the name cannot be read.


RULE = Rule(
    title="An API whose execute-api endpoint is disabled has a domain name, and no health check calls the endpoint",
    why=(
        "API Gateway answers a disabled endpoint with 403. Without a domain name no client is served, and a health check on "
        "the endpoint fails although the region works."
    ),
    fix=f"Map a domain name of the same region to the API and let health checks ask that, or remove {_SETTING}.",
    judge=rule_from(_violations, *_MAPPINGS, applies=lambda api, _: require_bool(api.properties.get(_SETTING), _SETTING)),
    controls=nist("CP-10", "SC-5") + hipaa("164.308(a)(7)(i)"),
)
