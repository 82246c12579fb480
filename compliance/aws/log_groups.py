"""Which log group a value names, and which resources write to a log group."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from compliance.aws.apis import HTTP_STAGE, REST_STAGE
from compliance.aws.dead_letters import Key, key_of
from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find, names_of
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_mapping, value_at
from compliance.cfn.references import follow, of_type, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent

LOG_GROUP: Final = "AWS::Logs::LogGroup"

_OF_LAMBDA: Final = "/aws/lambda/"
_DESTINATIONS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    HTTP_STAGE: (("AccessLogSettings", "DestinationArn"),),
    REST_STAGE: (("AccessLogSetting", "DestinationArn"),),
    "AWS::CloudTrail::Trail": (("CloudWatchLogsLogGroupArn",),),
    "AWS::EC2::FlowLog": (("LogGroupName",), ("LogDestination",)),
}
"""The types that record what happens, and the properties that name their log group."""


def log_group_of(value: Json, template: Template, world: TemplateSet) -> Resource | None:
    """Return the log group that a name or an ARN means; an ARN may end with all of the group's streams."""
    value, template = follow(value, template, world)
    return find({"Fn::Sub": render(value, template).removesuffix(":*")}, template, world, LOG_GROUP)


def log_group_of_function(function: Resource, world: TemplateSet) -> Resource | None:
    """Return the log group that a function's LoggingConfig names, else the one with its name."""
    configured = require_mapping(function.properties.get("LoggingConfig"), "LoggingConfig").get("LogGroup")
    if configured is not None:
        return find(configured, function.template, world, LOG_GROUP)
    names = [*names_of(function), f"${{{function.logical_id}}}"]
    groups = (find(f"{_OF_LAMBDA}{name}", function.template, world, LOG_GROUP) for name in names)
    return next((group for group in groups if group is not None), None)


@cached
def writers(world: TemplateSet) -> Mapping[Key, Mapping[Key, Resource]]:
    """Return, by log group, the functions, stages, trails and flow logs that may write to it."""
    found: dict[Key, dict[Key, Resource]] = {}
    for writer in of_type(world, FUNCTION, *_DESTINATIONS):
        try:
            for group in _groups(writer, world):
                found.setdefault(key_of(group), {})[key_of(writer)] = writer
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.
    return found


def _groups(writer: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the log groups that a resource writes to, in each branch of its conditions."""
    for properties in branches(writer.properties):
        if writer.type == FUNCTION:
            found = [log_group_of_function(replace(writer, properties=properties), world)]
        else:
            values = [value_at(properties, path) for path in _DESTINATIONS[writer.type]]
            found = [log_group_of(value, writer.template, world) for value in values if not is_absent(value)]
        yield from (group for group in found if group is not None)
