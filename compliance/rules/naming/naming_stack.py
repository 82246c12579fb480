"""A stack's name has the form of a resource's name, and all stacks declare the same prefix."""

from compliance.aws.names import expected, pattern
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at the name of the stack that the template is for, where it is known."""
    stack_name = resource.template.stack_name
    if resource.type != STACK or not stack_name:
        return NOT_APPLICABLE
    if resource.template.prefix != world.prefix:
        return failed(
            f"Metadata.Lockstep.Prefix is {resource.template.prefix!r}, and another template of the assembly has another; "
            "declare the same in all"
        )
    if pattern(world).fullmatch(stack_name):
        return PASSED
    return failed(f"the stack's name is {stack_name!r}; it must be {expected(world)}")


RULE = Rule(
    title="A stack is named <prefix>-<resource>-<environment>",
    why="Everything that reads a stack's outputs (the drill, the tests, people) finds the stack by its name.",
    fix="Name the stack <prefix>-<resource>-<environment>.",
    judge=judge,
)
