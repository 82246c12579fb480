"""Test the intrinsic function that reads another stack's output."""

from infra.constructs.stack_output import stack_output
from unit_tests.infra.constructs.small_stack import context, stack_in


def test_stack_output_is_read_by_stack_name_output_and_region() -> None:
    stack = stack_in(context())
    value = stack_output(stack_name="serverless-regional-prod", output_name="ApiId", region="us-east-1")
    assert stack.resolve(value) == {
        "Fn::GetStackOutput": {"StackName": "serverless-regional-prod", "OutputName": "ApiId", "Region": "us-east-1"}
    }


def test_stack_output_names_the_region_even_if_it_is_its_own() -> None:
    stack = stack_in(context())
    value = stack_output(stack_name="any", output_name="Any", region=stack.region)
    assert stack.resolve(value)["Fn::GetStackOutput"]["Region"] == "us-west-2"


def test_stack_output_can_be_part_of_a_text() -> None:
    stack = stack_in(context())
    value = stack_output(stack_name="any", output_name="Any", region="us-east-1")
    joined = stack.resolve(f"before-{value}-after")["Fn::Join"]
    assert joined[1][0] == "before-"
    assert "Fn::GetStackOutput" in joined[1][1]
