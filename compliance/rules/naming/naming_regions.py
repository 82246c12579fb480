"""The same resource has the same name in both regions."""

from compliance.aws.names import named_by
from compliance.cfn.reading import possible_texts
from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Compare with the same construct of the same stack in the other regions."""
    named = named_by(resource)
    if named is None:
        return NOT_APPLICABLE
    twins = list(world.in_other_regions(resource))
    if not twins:
        return NOT_APPLICABLE
    mine = possible_texts(named[1])
    for twin in twins:
        other = named_by(twin)
        theirs = possible_texts(other[1]) if other else []
        if mine != theirs:
            return failed(
                f"{named[0]} is {_shown(mine)} here and {_shown(theirs)} in {twin.template.region}; it must be the same"
            )
    return PASSED


def _shown(names: list[str | None]) -> str:
    return " or ".join(repr(name) if name is not None else "not set" for name in names)


RULE = Rule(
    title="A resource that is deployed to both regions has the same name in both",
    why=(
        "Regional stacks refer to resources by name instead of importing them. A name that differs between the regions "
        "fails when the other region becomes active."
    ),
    fix="Build the name of the resource and the environment alone, without the region.",
    judge=judge,
)
