"""What closes the default security group: a function outside the VPC that may do that and no more."""

from aws_cdk import Stack

from infra.constructs.default_security_group import DefaultSecurityGroup
from unit_tests.infra.constructs.permissions import allowed
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in


def closing() -> Stack:
    of = context()
    stack = stack_in(of)
    surroundings = surroundings_in(stack, of, key_in(stack))
    assert surroundings.network is not None
    DefaultSecurityGroup(stack, "Close", surroundings=surroundings, network=surroundings.network)
    return stack


def test_the_vpc_s_default_group_is_handed_to_the_function() -> None:
    stack = closing()
    (vpc,) = of_type(stack, "AWS::EC2::VPC")
    (function,) = of_type(stack, "AWS::Lambda::Function")
    closed = only(stack, "Custom::VpcRestrictDefaultSG")
    assert closed["DefaultSecurityGroupId"] == {"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]}
    assert closed["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}


def test_the_function_stands_outside_for_the_vpc_has_no_endpoint_to_ec2() -> None:
    assert "VpcConfig" not in only(closing(), "AWS::Lambda::Function")


def test_it_may_take_rules_from_that_group_and_give_none_to_any() -> None:
    stack = closing()
    (vpc,) = of_type(stack, "AWS::EC2::VPC")
    may = allowed(stack, "CloseFunctionPolicy")
    about_groups = {action: resources for action, resources in may.items() if action.startswith("ec2:")}
    assert set(about_groups) == {
        "ec2:DescribeSecurityGroups",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
    }
    for action in ("Egress", "Ingress"):
        (group,) = about_groups[f"ec2:RevokeSecurityGroup{action}"]
        assert f'security-group/",{{"Fn::GetAtt":["{vpc}","DefaultSecurityGroup"]}}' in group
