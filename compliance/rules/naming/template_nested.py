"""No template has a nested stack, whose resources the gate cannot read."""

from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, Judgement, Rule, not_evaluated


def judge(resource: Resource, _world: TemplateSet) -> Judgement:
    """Refuse a nested stack: its parent does not show its resources."""
    if resource.type != "AWS::CloudFormation::Stack":
        return NOT_APPLICABLE
    return not_evaluated("the resources of this nested stack are in another template, which was not judged")


RULE = Rule(
    title="No resource is in a nested stack",
    why="A gate that reads only the parent passes whatever the child contains.",
    fix="Compose constructs in one stack instead, or judge the child by --template and acknowledge this row.",
    judge=judge,
)
