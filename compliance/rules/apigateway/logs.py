"""Each stage of an API writes an access log to a log group of the templates."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.apis import HTTP_STAGE, REST_STAGE
from compliance.aws.log_groups import log_group_of
from compliance.cfn.arns import undeclared
from compliance.cfn.reading import require_mapping
from compliance.cfn.references import render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_SETTINGS: Final = {HTTP_STAGE: "AccessLogSettings", REST_STAGE: "AccessLogSetting"}
_TOLD: Final = {
    "the caller": r"identity\.\w+|authorizer\.\w+",
    "the route": "routeKey|resourcePath|path",
    "the result": "status",
}


def _violations(stage: Resource, world: TemplateSet) -> Iterator[str]:
    name = _SETTINGS[stage.type]
    settings = require_mapping(stage.properties.get(name), name)
    for part in ("DestinationArn", "Format"):
        if is_absent(settings.get(part)) or settings[part] == "":
            yield f"{name}.{part} is not set, so the calls are not recorded"
    told = "" if is_absent(settings.get("Format")) else render(settings["Format"], stage.template)
    for what, variable in _TOLD.items() if told else ():
        if re.search(rf"\$context\.({variable})\b", told) is None:
            yield f"{name}.Format does not tell {what}; add $context.{variable.partition('|')[0]}"
    destination = settings.get("DestinationArn")
    if is_absent(destination):
        return
    group = log_group_of(destination, stage.template, world)
    if group is None:
        text = undeclared(destination, stage.template, world)
        yield f"{name}.DestinationArn is {text}, which no template here declares: who reads it and for how long is unknown"
    elif group.template.region != stage.template.region:
        yield f"{name}.DestinationArn is a log group of {group.template.region}"


RULE = Rule(
    title="Each stage of an API writes an access log to a log group of these templates",
    why="After an incident the access log is the only record of who called which route, from where, and with which result.",
    fix="Set the stage's access log to a log group of the same region, with a format that names the caller and the route.",
    judge=rule_from(_violations, *_SETTINGS),
    controls=nist("AU-2", "AU-3", "AU-12") + hipaa("164.308(a)(1)(ii)(D)", "164.312(b)") + pci("10.1", "10.2", "10.3"),
)
