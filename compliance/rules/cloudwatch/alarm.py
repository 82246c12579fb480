"""An alarm has an action in its own region and a setting for missing data."""

import re
from collections.abc import Iterator

from compliance.aws.accounts import strange_accounts
from compliance.aws.alarms import ALARM, COMPOSITE, actions_of
from compliance.cfn.arns import find
from compliance.cfn.reading import require_bool, require_text
from compliance.cfn.references import follow, is_known, named, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_HERE = "${AWS::Region}"
_ARN_FIELDS = 6
_TOPIC_ARN = re.compile(r"arn:[^:]*:sns:")
_MISSING_DATA = ("breaching", "ignore", "missing", "notBreaching")


def _violations(alarm: Resource, world: TemplateSet) -> Iterator[str]:
    if not require_bool(alarm.properties.get("ActionsEnabled"), "ActionsEnabled", default=True):
        yield "ActionsEnabled is false, so the alarm notifies nobody"
    actions = list(actions_of(alarm))
    if not any(name == "AlarmActions" for name, _ in actions):
        yield "AlarmActions is empty, so the alarm notifies nobody"
    for name, action in actions:
        region = _region_of(action, alarm, world)
        if region != alarm.template.region:
            yield f"{name} acts in {region}, not in the alarm's own region {alarm.template.region}"
        else:
            yield from _of_topic(name, action, alarm, world)
    if alarm.type == ALARM:
        yield from _of_silence(alarm)


def _of_topic(name: str, action: Json, alarm: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for a topic of another account; a topic in no template may have no subscriber."""
    value, template = follow(action, alarm.template, world)
    if not _TOPIC_ARN.match(render(value, template)) or find(value, template, world, "AWS::SNS::Topic") is not None:
        return
    strange = strange_accounts([render(value, template)], world)
    if strange:
        yield f"{name} notifies a topic of account {', '.join(strange)}, which is not the account of these templates"
    else:
        raise UnresolvedError(
            f"the topic of {name}, {describe(action)}, is in none of the templates: it may have no subscriber"
        )


def _of_silence(alarm: Resource) -> Iterator[str]:
    silence = require_text(alarm.properties.get("TreatMissingData"), "TreatMissingData")
    if silence is None:
        yield f"TreatMissingData is not set; choose what missing data means: {', '.join(_MISSING_DATA)}"
    elif silence not in _MISSING_DATA:
        yield f"TreatMissingData is {silence!r}; allowed: {', '.join(_MISSING_DATA)}"


def _region_of(action: Json, alarm: Resource, world: TemplateSet) -> str:
    """Return the region that an action is in; an import comes from the importer's own region always."""
    target = named(action, alarm.template, world)
    if target is not None:
        return target.template.region
    match action:
        case {"Fn::ImportValue": _}:
            return alarm.template.region
        case {"Fn::GetStackOutput": {"Region": region}}:
            text = render(region, alarm.template)
            return alarm.template.region if text == _HERE else _known(text, action)
        case {"Fn::GetStackOutput": _}:
            return alarm.template.region
    fields = render(action, alarm.template).replace(_HERE, "here").replace("${AWS::", "${").split(":")
    if len(fields) < _ARN_FIELDS or not fields[3]:
        raise UnresolvedError(f"the template does not say in which region the action {describe(action)} is")
    return alarm.template.region if fields[3] == "here" else _known(fields[3], action)


def _known(region: str, action: Json) -> str:
    if not is_known(region):
        raise UnresolvedError(f"the template does not say in which region the action {describe(action)} is")
    return region


RULE = Rule(
    title="Every alarm has an action in its own region and a setting for missing data",
    why=(
        "An alarm without an action, or with one in the region that is down, notifies nobody. Without TreatMissingData it "
        "turns to INSUFFICIENT_DATA as soon as its region stops reporting."
    ),
    fix=(
        "Set AlarmActions to a topic of the alarm's own region, and TreatMissingData to the meaning of missing data for its "
        "metric."
    ),
    judge=rule_from(_violations, ALARM, COMPOSITE),
    controls=nist("AU-6(1)", "CA-7", "IR-4(1)", "SI-4(2)", "SI-4(5)")
    + hipaa("164.308(a)(6)(ii)", "164.312(b)")
    + pci("10.6", "12.10.5"),
)
