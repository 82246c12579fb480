"""The trail records who invoked a function."""

from collections.abc import Iterator

from compliance.aws.event_sources import FUNCTION
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from
from compliance.rules.cloudtrail.settings import recorded


def _violations(trail: Resource, _world: TemplateSet) -> Iterator[str]:
    if FUNCTION not in recorded(trail):
        yield f"no event selector records the invocations of functions (data events of {FUNCTION})"


RULE = Rule(
    title="A trail records the invocations of functions",
    why="A log of a function has what it did, and not which role or user called Invoke.",
    fix=(
        "Select data events of AWS::Lambda::Function; or enter a decision in compliance/acknowledgements.toml that says "
        "what else shows who invokes."
    ),
    judge=rule_from(
        _violations, "AWS::CloudTrail::Trail", applies=lambda _resource, world: any(True for _ in of_type(world, FUNCTION))
    ),
    controls=nist("AU-2", "AU-3", "AU-12") + hipaa("164.312(b)") + pci("10.1", "10.2"),
)
