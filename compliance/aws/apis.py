"""APIs of both kinds of API Gateway."""

import re
from typing import Final

from compliance.cfn.references import named, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent

HTTP_API: Final = "AWS::ApiGatewayV2::Api"
HTTP_ROUTE: Final = "AWS::ApiGatewayV2::Route"
HTTP_STAGE: Final = "AWS::ApiGatewayV2::Stage"
REST_API: Final = "AWS::ApiGateway::RestApi"
REST_METHOD: Final = "AWS::ApiGateway::Method"
REST_STAGE: Final = "AWS::ApiGateway::Stage"

HEALTH_ROUTES: Final = re.compile(r"(GET|HEAD) /(healthz?|livez?|readyz?)")
"""The routes that answer without authorization: Route 53's health checkers cannot sign a request."""


def is_web_socket(route: Resource, world: TemplateSet) -> bool:
    """Return whether a route is of a WebSocket API; False where its API is in none of the templates."""
    value = route.properties.get("ApiId")
    api = None if is_absent(value) else named(value, route.template, world)
    protocol = api.properties.get("ProtocolType") if api is not None and api.type == HTTP_API else None
    return protocol is not None and render(protocol, route.template) == "WEBSOCKET"
