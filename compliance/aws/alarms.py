"""Alarms: their names and their actions."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.reading import branches, one_or_more
from compliance.cfn.references import of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet

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


def actions_of(alarm: Resource) -> Iterator[tuple[str, Json]]:
    """Yield the actions of one version of an alarm, each with the property that lists it."""
    for name in ACTIONS:
        for action in one_or_more(alarm.properties.get(name), name):
            yield name, action
