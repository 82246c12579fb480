"""In a protected environment, somebody is subscribed to each topic that alarms notify."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.alarms import notified_topics
from compliance.aws.dead_letters import TOPIC, is_same, key_of
from compliance.cfn.arns import find
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import condition_of, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_SUBSCRIPTION: Final = "AWS::SNS::Subscription"


def _violations(topic: Resource, world: TemplateSet) -> Iterator[str]:
    inline = require_list(topic.properties.get("Subscription"), "Subscription")
    if any(_receives(require_mapping(each, "Subscription")) for each in inline):
        return
    for subscription in of_type(world, _SUBSCRIPTION):
        versions = list(branches(subscription.properties))
        always = condition_of(subscription) is None
        if always and all(_receives(each) and _is_of(each.get("TopicArn"), subscription, topic, world) for each in versions):
            return
    yield (
        "alarms notify it, and no subscription of the templates gets every message, so one may reach nobody; add a "
        "subscription"
    )


def _receives(subscription: Mapping[str, Json]) -> bool:
    """Return whether a subscription gets every message of its topic, at an address that there may be."""
    endpoint = subscription.get("Endpoint")
    # https://www.rfc-editor.org/rfc/rfc2606 reserves the domain for names that do not exist.
    nobody = is_absent(endpoint) or (isinstance(endpoint, str) and (not endpoint.strip() or endpoint.endswith(".invalid")))
    return not nobody and is_absent(subscription.get("FilterPolicy"))


def _is_of(value: Json, subscription: Resource, topic: Resource, world: TemplateSet) -> bool:
    found = None if is_absent(value) else find(value, subscription.template, world, TOPIC)
    return found is not None and is_same(found, topic)


RULE = Rule(
    title="In a protected environment, each topic that alarms notify has a subscription to all its messages",
    why="An alarm's message to a topic without a subscription reaches nobody, though every other rule on alarms passes.",
    fix=(
        "Declare an AWS::SNS::Subscription of the topic, here by the setting alarms_email. If an on-call system subscribes "
        "by itself, enter a decision in compliance/acknowledgements.toml that names it."
    ),
    judge=rule_from(
        _violations, TOPIC, applies=lambda topic, world: world.is_protected and key_of(topic) in notified_topics(world)
    ),
    controls=nist("AU-6(1)", "IR-4(1)", "IR-6", "SI-4(5)") + hipaa("164.308(a)(6)(ii)") + pci("10.6", "12.10.5"),
)
