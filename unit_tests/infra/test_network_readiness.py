"""Test that a function in the VPC runs only after its network access to AWS exists.

A resource waits for those that it names in `DependsOn`, `Ref` and `Fn::GetAtt`, and for theirs in turn.
"""

from collections.abc import Mapping

import pytest

from unit_tests.infra.synthesis import REGIONAL, Resource, Template, leaves

WAY_OUT = {
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCEndpoint",
}
"""Types that a call from the VPC needs, each of them; without one it times out."""
RUNS_A_FUNCTION = {"AWS::Events::Rule", "AWS::Lambda::EventSourceMapping", "AWS::SecretsManager::RotationSchedule"}
"""Types that invoke a function as soon as they exist; custom resources do too."""


def resources(template: Template) -> dict[str, Resource]:
    found: dict[str, Resource] = template["Resources"]
    return found


def waits_for(template: Template, logical_id: str) -> set[str]:
    """Return the logical ids of all resources that CloudFormation creates before a resource."""
    before, pending = set[str](), [logical_id]
    while pending:
        resource = resources(template)[pending.pop()]
        named = {str(value) for _, value in leaves(resource.get("Properties", {}))} | set(resource.get("DependsOn", []))
        further = named & resources(template).keys() - before
        before |= further
        pending += further
    return before


def way_out(template: Template) -> set[str]:
    return {name for name, each in resources(template).items() if each["Type"] in WAY_OUT}


def in_network(template: Template) -> set[str]:
    return {name for name, each in resources(template).items() if "VpcConfig" in each.get("Properties", {})}


@pytest.mark.parametrize("stack", REGIONAL)
def test_function_in_the_vpc_depends_on_its_endpoints(stack: str, templates: Mapping[str, Template]) -> None:
    template = templates[stack]
    functions = in_network(template)
    assert len(functions) >= 3
    assert {resources(template)[name]["Type"] for name in way_out(template)} == WAY_OUT
    for function in functions:
        assert way_out(template) <= waits_for(template, function), function


def test_invokers_depend_on_the_endpoints(templates: Mapping[str, Template]) -> None:
    looked_at = set()
    for stack, template in templates.items():
        functions = {name for name, each in resources(template).items() if each["Type"] == "AWS::Lambda::Function"}
        for name, each in resources(template).items():
            if each["Type"] in RUNS_A_FUNCTION or each["Type"].startswith("Custom::"):
                looked_at.add(each["Type"])
                before = waits_for(template, name) & functions
                assert before, f"{stack}.{name}"
    assert looked_at >= RUNS_A_FUNCTION


def test_functions_of_custom_resources_are_outside_the_vpc(templates: Mapping[str, Template]) -> None:
    """Its response goes to a bucket of CloudFormation, which the endpoint's policy does not allow."""
    for template in templates.values():
        for each in resources(template).values():
            if each["Type"].startswith("Custom::"):
                assert each["Properties"]["ServiceToken"]["Fn::GetAtt"][0] not in in_network(template)
