"""No resource of a system in several regions hangs on a condition that may be false."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.arns import regions_of
from compliance.cfn.references import condition_of
from compliance.cfn.symmetry import counterpart, twins
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.candidates import Candidate, body_of
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed

_OF_THE_CDK: Final = "AWS::CDK::Metadata"
"""Counts the uses of CDK's constructs, in the regions where that can be done."""


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at the conditions of one template's resources, after those that are decided."""
    if resource.type != STACK or len(regions_of(world)) < 2:  # noqa: PLR2004 - one region is none to fail over to
        return NOT_APPLICABLE
    found = [*_optional(resource), *_nowhere(resource, world)]
    return failed("; ".join(found)) if found else PASSED


def _optional(stack: Resource) -> Iterator[str]:
    for each in stack.template.resources:
        condition = condition_of(each)
        if condition is not None:
            yield f"{each.path} is not deployed where condition {condition} is false"


def _nowhere(stack: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the resources that no region deploys; one that a single region has is a matter of CrossRegionSymmetry."""
    for each in stack.template.undeployed:
        if each.type != _OF_THE_CDK and not any(counterpart(each, twin) for twin in twins(stack, world)):
            yield f"{each.path} is deployed in no region, because its condition {condition_of(each)} is always false"


def _repair(stack: Resource, _world: TemplateSet) -> Iterator[Candidate]:
    """Delete Condition from each of the template's resources."""
    body = body_of(stack)
    named = [name for name, each in body["Resources"].items() if "Condition" in each and each.get("Type") != _OF_THE_CDK]
    freed = {name: {key: part for key, part in body["Resources"][name].items() if key != "Condition"} for name in named}
    yield Candidate({**body, "Resources": {**body["Resources"], **freed}}, f"Condition removed from {', '.join(named)}")


RULE = Rule(
    title="Each resource of a system in several regions is deployed whatever the stack's parameters are",
    why=(
        "A condition leaves out an alarm, an endpoint or a log group without an error. A parameter may differ between the "
        "regions, so the passive one may lack what the active one has, and nobody sees it before the failover."
    ),
    fix="Decide in the app's settings what a template holds, and delete Condition from the resource.",
    judge=judge,
    repair=_repair,
    types=(STACK,),
    controls=nist("CM-2", "CM-6", "CP-2(5)", "CP-10") + hipaa("164.308(a)(7)(i)"),
)
