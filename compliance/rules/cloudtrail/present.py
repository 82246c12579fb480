"""A system that keeps data in several regions has an audit trail."""

from typing import Final

from compliance.aws.systems import keeps_data_in_several, speaks_for_all
from compliance.cfn.references import condition_of, of_type
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed

_TRAIL: Final = "AWS::CloudTrail::Trail"


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at all templates together; the first of them answers for all."""
    if not speaks_for_all(resource, world) or not keeps_data_in_several(world):
        return NOT_APPLICABLE
    trails = list(of_type(world, _TRAIL))
    if any(condition_of(trail) is None for trail in trails):
        return PASSED
    found = f"the only ones are there on a condition: {', '.join(trail.path for trail in trails)}" if trails else "none"
    return failed(f"data is kept in several regions, and no template has an {_TRAIL} that is always there ({found})")


RULE = Rule(
    title="A system that keeps data in several regions has an audit trail",
    why=(
        "The rules on a trail do not apply where there is none. After a failover nobody can then find out who read, changed "
        "or deleted data, and in which region."
    ),
    fix="Declare an AWS::CloudTrail::Trail in one of the templates, and pass all templates to the gate together.",
    judge=judge,
    types=(STACK,),
    controls=nist("AU-2", "AU-3", "AU-12") + hipaa("164.308(a)(1)(ii)(D)", "164.312(b)") + pci("10.1", "10.2"),
)
