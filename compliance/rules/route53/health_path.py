"""A health check requests a path that shows whether the region works."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.apis import HTTP_API, HTTP_ROUTE
from compliance.aws.failover_records import HEALTH_CHECK
from compliance.cfn.reading import require_bool, require_mapping, require_number, require_text
from compliance.cfn.references import follow, of_type, render, resource_of
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ASKS_A_PATH: Final = ("HTTP", "HTTPS")
_DOMAIN_NAME: Final = "AWS::ApiGatewayV2::DomainName"
_HTTPS: Final = 443
_READINESS: Final = re.compile(r"/(.*/)?readyz?")
_GET: Final = re.compile(r"(GET|ANY) (?P<path>/\S*)")
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:\.\w+)*\}")


def _asks_a_path(check: Resource, _world: TemplateSet) -> bool:
    return (require_text(_settings(check).get("Type"), "Type") or "").startswith(_ASKS_A_PATH)


def _settings(check: Resource) -> Mapping[str, Json]:
    return require_mapping(check.properties.get("HealthCheckConfig"), "HealthCheckConfig")


def _violations(check: Resource, world: TemplateSet) -> Iterator[str]:
    if _api_of(check, world) is not None or _is_at_own_domain(check, world):
        yield from _of_connection(_settings(check))
    given = _settings(check).get("ResourcePath")
    path = "" if is_absent(given) else render(given, check.template).partition("?")[0]
    if path.strip("/") == "":
        yield "it has no ResourcePath, so any answer at that host counts; set it to the readiness route"
        return
    routes = set(_routes(check, world))
    ready = sorted(route for route in routes if _READINESS.fullmatch(route))
    if routes and path not in routes and not any("{" in route for route in routes):
        yield f"it requests {path}, and the API has no such route: {', '.join(sorted(routes))}"
    elif ready and path not in ready:
        yield f"it requests {path}, and {', '.join(ready)} is the readiness route: a live region may not be ready"


def _of_connection(settings: Mapping[str, Json]) -> Iterator[str]:
    """Yield a violation for a port that API Gateway does not answer, and for a handshake without SNI."""
    port = require_number(settings.get("Port"), "Port")
    if port is not None and port != _HTTPS:
        yield f"Port is {port:g}; API Gateway answers at {_HTTPS} only"
    if not require_bool(settings.get("EnableSNI"), "EnableSNI", default=True):
        yield "EnableSNI is false; API Gateway does not know then which API is asked"


def _routes(check: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the GET paths of the checked API; of every API where the templates do not show which it is."""
    api = _api_of(check, world)
    for route in of_type(world, HTTP_ROUTE):
        if api is not None and route.template is not api.template:
            continue
        found = _GET.fullmatch(render(route.properties.get("RouteKey"), route.template))
        if found:
            yield found["path"]


def _is_at_own_domain(check: Resource, world: TemplateSet) -> bool:
    host = render(_settings(check).get("FullyQualifiedDomainName"), check.template)
    return any(render(one.properties.get("DomainName"), one.template) == host for one in of_type(world, _DOMAIN_NAME))


def _api_of(check: Resource, world: TemplateSet) -> Resource | None:
    name = _settings(check).get("FullyQualifiedDomainName")
    if is_absent(name):
        return None
    value, template = follow(name, check.template, world)
    named = (resource_of(template, each) for each in _REFERENCE.findall(render(value, template)))
    return next((each for each in named if each is not None and each.type == HTTP_API), None)


RULE = Rule(
    title="A health check requests a path of the API, and the readiness route where there is one",
    why=(
        "Route 53 accepts any answer from 200 to 399. A liveness route, or a path that another component answers, keeps "
        "clients on a region that reaches neither its table nor its queue."
    ),
    fix="Set ResourcePath to the API's readiness route, for example /ready.",
    judge=rule_from(_violations, HEALTH_CHECK, applies=_asks_a_path),
    controls=nist("CP-2(5)", "CP-10", "SI-4") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
