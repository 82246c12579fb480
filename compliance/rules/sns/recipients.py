"""Messages of topics go to people at one address, which the templates declare."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import TOPIC
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import of_type, readable, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_SUBSCRIPTION: Final = "AWS::SNS::Subscription"
_TO_PEOPLE: Final = frozenset({"email", "email-json", "sms", "application"})


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    others = sorted(_addresses(world) - (own := set(_of(resource))))
    if own and others:
        yield f"its messages go to {', '.join(sorted(own))}, and others to {', '.join(others)}; name one list for all topics"
    elif len(own) > 1:
        yield f"its messages go to {', '.join(sorted(own))}; name one list"
    elif own and (facts := [template.declared for template in world.templates if template.declared]):
        declared = {str(each["AlarmsEmail"]) for each in facts if each.get("AlarmsEmail") is not None}
        if own != declared:
            shown = " and ".join(sorted(declared)) or "none"
            yield f"its messages go to {', '.join(own)}; Metadata.Lockstep.AlarmsEmail declares {shown}: set alarms_email"


@cached
def _addresses(world: TemplateSet) -> frozenset[str]:
    return readable(_of, of_type(world, _SUBSCRIPTION, TOPIC))


def _of(resource: Resource) -> Iterator[str]:
    """Yield the addresses of people that a subscription, or a topic, sends to."""
    for properties in branches(resource.properties):
        inline = require_list(properties.get("Subscription"), "Subscription") if resource.type == TOPIC else [properties]
        for subscription in (require_mapping(each, "Subscription") for each in inline):
            endpoint = subscription.get("Endpoint")
            if subscription.get("Protocol") in _TO_PEOPLE and not is_absent(endpoint):
                yield render(endpoint, resource.template)


RULE = Rule(
    title="All topics that send to people send to one address, which is the one that the templates declare",
    why="Alarms state what is broken and where. A new address reads all of it, and the people on call nothing.",
    fix=(
        "Give each subscription by email or text message the same Endpoint: a list, which changes without a deployment. Set "
        "it by alarms_email in environments.toml, which also declares it in the templates."
    ),
    judge=rule_from(_violations, _SUBSCRIPTION, TOPIC, applies=lambda resource, _world: any(True for _ in _of(resource))),
    controls=nist("AC-4", "IR-6", "SI-4(5)") + hipaa("164.308(a)(6)(ii)"),
)
