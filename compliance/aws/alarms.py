"""Alarms: their names and their actions."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import TOPIC, Key, key_of
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, one_or_more
from compliance.cfn.references import of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError

ALARM: Final = "AWS::CloudWatch::Alarm"
COMPOSITE: Final = "AWS::CloudWatch::CompositeAlarm"
ACTIONS: Final = ("AlarmActions", "OKActions", "InsufficientDataActions")


def names_of_alarm(alarm: Resource) -> Iterator[str]:
    """Yield every name that the alarm may have; none if AWS generates it."""
    for name in branches(alarm.properties.get("AlarmName")):
        if name is not None:
            yield render(name, alarm.template)


def named_alarms(name: str, region: str, world: TemplateSet) -> list[Resource]:
    """Return the alarms of a region that may have that name."""
    return [alarm for alarm in of_type(world, ALARM, COMPOSITE, region=region) if name in names_of_alarm(alarm)]


@cached
def notified_topics(world: TemplateSet) -> frozenset[Key]:
    """Return the topics that an alarm of the templates notifies."""
    found = set()
    for alarm in of_type(world, ALARM, COMPOSITE):
        try:
            for properties in branches(alarm.properties):
                for _, action in actions_of(replace(alarm, properties=properties)):
                    topic = find(action, alarm.template, world, TOPIC)
                    found.add(None if topic is None else key_of(topic))
        except UnresolvedError:
            continue  # ActivePassive-CloudWatchAlarm reports that its actions cannot be read.
    return frozenset(key for key in found if key is not None)


def actions_of(alarm: Resource) -> Iterator[tuple[str, Json]]:
    """Yield the actions of one version of an alarm, each with the property that lists it."""
    for name in ACTIONS:
        for action in one_or_more(alarm.properties.get(name), name):
            yield name, action
