"""A stack's name has the form of a resource's name."""

from compliance.aws.names import pattern
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at the name of the stack that the template is for, where it is known."""
    stack_name = resource.template.stack_name
    if resource.type != STACK or not stack_name:
        return NOT_APPLICABLE
    if pattern(world.environment).fullmatch(stack_name):
        return PASSED
    return failed(f"the stack's name is {stack_name!r}; it must be serverless-<resource>-{world.environment}")


RULE = Rule(
    title="A stack is named serverless-<resource>-<environment>",
    why="Everything that reads a stack's outputs (the drill, the tests, people) finds the stack by its name.",
    fix="Name the stack serverless-<resource>-<environment>.",
    judge=judge,
)
