"""Each route ends at a function of these templates, never at a host on the internet."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.accounts import strange_accounts
from compliance.aws.apis import REST_METHOD
from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find
from compliance.cfn.reading import require_mapping, require_text
from compliance.cfn.references import follow, named, render, resource_of
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_HTTP_INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"
_INVOKED: Final = {FUNCTION, "AWS::Lambda::Alias", "AWS::Lambda::Version"}
_TO_A_HOST: Final = {"HTTP", "HTTP_PROXY"}
_ARN: Final = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:[^/:]+")
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:\.\w+)*\}")


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == REST_METHOD:
        settings = require_mapping(resource.properties.get("Integration"), "Integration")
        yield from _of(settings, settings.get("Type"), settings.get("Uri"), resource, world)
    else:
        settings = resource.properties
        yield from _of(settings, settings.get("IntegrationType"), settings.get("IntegrationUri"), resource, world)


def _of(settings: Mapping[str, Json], kind: Json, uri: Json, resource: Resource, world: TemplateSet) -> Iterator[str]:
    kind = require_text(kind, "the integration's type")
    if kind in _TO_A_HOST and require_text(settings.get("ConnectionType"), "ConnectionType") != "VPC_LINK":
        yield (
            f"{kind} sends each request, body and headers, to {_shown(uri, resource.template)} over the internet; invoke a "
            "function, or go through a VPC_LINK"
        )
    elif kind == "AWS_PROXY" and not is_absent(uri):
        yield from _of_function(uri, resource, world)


def _of_function(uri: Json, resource: Resource, world: TemplateSet) -> Iterator[str]:
    target = named(uri, resource.template, world)
    if target is not None and target.type in _INVOKED:
        return
    value, template = follow(uri, resource.template, world)
    text = render(value, template)
    # A REST API names the function within a longer ARN of API Gateway's.
    names = (resource_of(template, name) for name in _REFERENCE.findall(text))
    if any(found is not None and found.type in _INVOKED for found in names):
        return
    arn = _ARN.search(text)
    strange = strange_accounts([arn[0]] if arn else [], world)
    if strange:
        yield f"it invokes a function of account {', '.join(strange)}, which is not the account of these templates"
    elif arn is None or find(arn[0], template, world, FUNCTION) is None:
        raise UnresolvedError(f"the function that it invokes, {describe(uri)}, is in none of the templates")


def _shown(uri: Json, template: Template) -> str:
    return "a host" if is_absent(uri) else render(uri, template)


RULE = Rule(
    title="Each route of an API ends at a function of these templates, and at no host on the internet",
    why=(
        "An integration of type HTTP_PROXY sends requests, with the clients' credentials, to the host that has the name "
        "today. It bypasses the closed network, and no failover moves it."
    ),
    fix="Set the integration's type to AWS_PROXY and its URI to a function's ARN, or its ConnectionType to VPC_LINK.",
    judge=rule_from(_violations, _HTTP_INTEGRATION, REST_METHOD),
    controls=nist("AC-4", "SC-7", "SC-8") + hipaa("164.308(a)(3)(i)", "164.312(e)(1)") + pci("1.2.1", "1.3.4", "4.1"),
)
