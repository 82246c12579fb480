"""A function behind an API has no URL of its own."""

from collections.abc import Iterator

from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find
from compliance.cfn.reading import possible_texts
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


def _violations(url: Resource, world: TemplateSet) -> Iterator[str]:
    function = find(url.properties.get("TargetFunctionArn"), url.template, world, FUNCTION)
    if function is None:
        return
    for grant in of_type(world, "AWS::Lambda::Permission"):
        is_api = "apigateway.amazonaws.com" in possible_texts(grant.properties.get("Principal"))
        if is_api and find(grant.properties.get("FunctionName"), grant.template, world, FUNCTION) is function:
            yield f"an API invokes {function.path} too, by {grant.path}; add a route to it, and remove the URL"


RULE = Rule(
    title="A function behind an API has no URL of its own",
    why=(
        "A URL leads past the API in front of the function: past its routes, throttle, access log and firewall. "
        "It is another name in each region, which no health check watches and no failover moves."
    ),
    fix="Remove the AWS::Lambda::Url, and add a route to the API.",
    judge=rule_from(_violations, "AWS::Lambda::Url"),
    controls=nist("AC-4", "AU-2", "SC-5", "SC-7") + hipaa("164.312(a)(1)") + pci("1.3", "10.1"),
)
