"""Each route of an API requires authorization, except health routes."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.apis import HEALTH_ROUTES, HTTP_API, HTTP_ROUTE, REST_METHOD, is_web_socket
from compliance.cfn.reading import require_bool, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_URL: Final = "AWS::Lambda::Url"
_NO_AUTHORIZER: Final = "AWS_IAM"
_WITH_AUTHORIZER: Final = {"JWT", "CUSTOM", "COGNITO_USER_POOLS"}
_CONNECT: Final = "$connect"


def _asks(resource: Resource, world: TemplateSet) -> bool:
    if resource.type == HTTP_API:
        return _makes_routes(resource)
    if resource.type == HTTP_ROUTE:
        # A WebSocket is authorized when it is opened, and its other routes take no authorization.
        return require_text(resource.properties.get("RouteKey"), "RouteKey") == _CONNECT or not is_web_socket(
            resource, world
        )
    # A browser's preflight request carries no credentials.
    return not (resource.type == REST_METHOD and resource.properties.get("HttpMethod") == "OPTIONS")


def _makes_routes(api: Resource) -> bool:
    return any(not is_absent(api.properties.get(name)) for name in ("Target", "Body", "BodyS3Location"))


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    if resource.type == HTTP_API:
        yield from _of_api(resource)
    elif resource.type == _URL:
        kind = require_text(resource.properties.get("AuthType"), "AuthType")
        if kind != _NO_AUTHORIZER:
            yield f"AuthType is {kind}, so anyone can call the function; set it to {_NO_AUTHORIZER}"
    else:
        yield from _of_route(resource)


def _of_api(api: Resource) -> Iterator[str]:
    if not is_absent(api.properties.get("Target")):
        yield "Target creates a $default route without authorization; declare the routes one by one"
        return
    raise UnresolvedError("the routes are in an OpenAPI document, which is not judged here")


def _of_route(route: Resource) -> Iterator[str]:
    key = require_text(route.properties.get("RouteKey"), "RouteKey") or ""
    kind = require_text(route.properties.get("AuthorizationType"), "AuthorizationType") or "NONE"
    if kind == _NO_AUTHORIZER:
        return
    if kind in _WITH_AUTHORIZER:
        if is_absent(route.properties.get("AuthorizerId")):
            yield f"AuthorizationType is {kind} and AuthorizerId is not set"
    elif HEALTH_ROUTES.fullmatch(key) is None:
        keyed = require_bool(route.properties.get("ApiKeyRequired"), "ApiKeyRequired")
        aside = "; an API key names a usage plan and proves nobody's identity" if keyed else ""
        yield f"AuthorizationType is {kind}, so anyone can call {key or 'the method'}{aside}"


RULE = Rule(
    title="Each route of an API requires authorization, except health routes",
    why="A route without authorization lets anyone upload, read the state of others' files, or fill the table.",
    fix="Set AuthorizationType to AWS_IAM, JWT or CUSTOM. Health routes (GET /healthz, GET /ready, …) may go without.",
    judge=rule_from(_violations, HTTP_API, HTTP_ROUTE, REST_METHOD, _URL, applies=_asks),
    controls=nist("AC-3", "IA-2", "SC-7") + hipaa("164.312(a)(1)", "164.312(d)") + pci("7.2.1", "8.1.1"),
)
