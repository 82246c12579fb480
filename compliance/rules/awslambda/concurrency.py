"""A function has concurrency of its own."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.cfn.reading import require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SETTING: Final = "ReservedConcurrentExecutions"


def _violations(function: Resource, _world: TemplateSet) -> Iterator[str]:
    reserved = require_number(function.properties.get(_SETTING), _SETTING)
    if reserved is None:
        yield f"{_SETTING} is not set, so any other function of the account can take all that there is"
    elif reserved <= 0:
        yield f"{_SETTING} is {reserved:g}, so it never runs"


RULE = Rule(
    title="A function reserves concurrency",
    why=(
        "Concurrency is one pool for an account and region. In a failover everything in the surviving region is busy at "
        "once, and what is not reserved goes to whoever asks first."
    ),
    fix="Set ReservedConcurrentExecutions to what the function needs at its busiest.",
    judge=rule_from(_violations, FUNCTION),
    controls=nist("AU-12(3)", "CP-2", "SC-5", "SC-6") + hipaa("164.312(b)"),
)
