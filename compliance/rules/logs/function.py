"""A template declares the log group of each function."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.log_groups import log_group_of_function
from compliance.cfn.reading import require_mapping
from compliance.cfn.references import is_there_with
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_PREFIX: Final = "/aws/lambda/"


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    configured = require_mapping(function.properties.get("LoggingConfig"), "LoggingConfig").get("LogGroup")
    group = log_group_of_function(function, world)
    if group is None:
        if configured is not None and not isinstance(configured, str):
            raise UnresolvedError(f"no template here holds the log group that is {describe(configured)}")
        named = f"the log group {configured!r}" if configured else f"a log group named {_PREFIX} and the function's name"
        yield f"no template declares {named}: Lambda creates it, without a customer managed key and without expiry"
    elif group.template.region != function.template.region:
        yield f"its log group is in {group.template.region}"
    elif not is_there_with(group, function):
        yield f"its log group {group.path} is there on a condition only"


RULE = Rule(
    title="Every function's log group is declared in a template",
    why=(
        "A log group that Lambda creates has no customer managed key and no expiry. Lambda creates it at the first "
        "invocation, which in the passive region may be the failover."
    ),
    fix="Declare an AWS::Logs::LogGroup and name it in the function's LoggingConfig.LogGroup.",
    judge=rule_from(_violations, FUNCTION),
    controls=nist("AU-2", "AU-9", "AU-11", "AU-12") + hipaa("164.312(b)") + pci("10.1", "10.7"),
)
