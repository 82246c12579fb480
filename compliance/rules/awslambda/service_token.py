"""A custom resource is made by a function of these templates."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import TOPIC
from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find, text_of
from compliance.cfn.reading import branches, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_TOKEN: Final = "ServiceToken"  # noqa: S105 - a property's name


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    value = resource.properties.get(_TOKEN)
    if value is None:
        yield f"it has no {_TOKEN}; name a function of the templates"
        return
    target = find(value, resource.template, world, FUNCTION, TOPIC)
    if target is None:
        text = text_of(value, resource.template, world)  # a part that only a deployment knows is NOT_EVALUATED
        yield f"{_TOKEN} is {text}, which is in none of the templates; name a function whose role and code are judged"
    elif target.type == FUNCTION:
        wait = require_number(resource.properties.get("ServiceTimeout"), "ServiceTimeout")
        for timeout in (require_number(each.get("Timeout"), "Timeout") for each in branches(target.properties)):
            if wait is not None and timeout is not None and wait < timeout:
                yield f"ServiceTimeout is {wait:g} s; set it to {timeout:g} s or more, which {target.path} may take"


RULE = Rule(
    title="A custom resource is made by a function of these templates, in the time that CloudFormation waits",
    why=(
        "CloudFormation sends the properties of a custom resource to its function, and takes the function's answer as "
        "attributes. A function elsewhere reads them, and decides what the stack gets. One that still works when "
        "CloudFormation has given up changes what is rolled back."
    ),
    fix="Set ServiceToken to the ARN of an AWS::Lambda::Function of the templates, ServiceTimeout to its Timeout.",
    judge=rule_from(_violations, "Custom::*", "AWS::CloudFormation::CustomResource"),
    controls=nist("AC-4", "CM-5", "SA-9") + hipaa("164.308(a)(3)(i)") + pci("6.3"),
)
