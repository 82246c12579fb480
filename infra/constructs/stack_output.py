"""References to outputs of other stacks in any region, resolved at deployment without exports or custom resources."""

from aws_cdk import Fn


def stack_output(*, stack_name: str, output_name: str, region: str) -> str:
    """Return a reference to an output of a stack in a region of this account.

    CloudFormation resolves it when the referring stack is created or updated, and fails if the stack or the
    output does not exist. A later change of the output has an effect at the referring stack's next update only.
    It is allowed as a resource's property, and inside `Fn::Join`, `Fn::If` and `Fn::Select`. CloudFormation does
    not accept it inside `Fn::Sub`, in a condition, or as the value of an output.

    Args:
        stack_name: The other stack's name.
        output_name: The output's logical id.
        region: Region of the other stack; required even if it is this stack's own region.
    """
    return Fn.get_stack_output(stack_name, output_name, region)
