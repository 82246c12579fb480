"""ActivePassive-VPCEgress."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-VPCEgress"
TO_S3 = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationPrefixListId": "pl-68a54001"}
GROUP = {"Fn::GetAtt": ["Group", "GroupId"]}
NOTHING = {"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32"}


def _to(cidr: Any, name: str = "CidrIp") -> dict[str, Any]:  # noqa: ANN401
    return {"IpProtocol": "-1", name: cidr}


def _stack(egress: Any, beside: Any = None, groups: Any = (GROUP,)) -> dict[str, Any]:  # noqa: ANN401
    resources: dict[str, Any] = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "It": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": list(groups) if groups == (GROUP,) else groups}
            },
        },
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupEgress": egress}},
    }
    if beside is not None:
        resources["Beside"] = {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {"GroupId": GROUP, **beside}}
    return resources


def _says(resources: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, "It", template(resources, WEST))


@pytest.mark.parametrize(
    "resources",
    [
        _stack([TO_S3]),
        _stack([TO_S3], {"IpProtocol": "tcp", "DestinationSecurityGroupId": "sg-1"}),
        _stack([NOTHING]),
        _stack([_to("10.0.0.0/8")]),
        _stack([_to({"Fn::GetAtt": ["Vpc", "CidrBlock"]})]),
        _stack([TO_S3], groups=either([GROUP], [GROUP])),
    ],
)
def test_egress_that_names_where_passes(resources: dict[str, Any]) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    "resources",
    [
        _stack([_to("0.0.0.0/0")]),
        _stack([TO_S3, _to("::/0", "CidrIpv6")]),
        _stack([_to("0.0.0.0/1"), _to("128.0.0.0/1")]),
        _stack([]),
        _stack({"Ref": "AWS::NoValue"}),
        _stack([], {"IpProtocol": "tcp", "DestinationSecurityGroupId": "sg-1"}),
        _stack([TO_S3], _to("0.0.0.0/0")),
        _stack([either(TO_S3, _to("0.0.0.0/0"))]),
        _stack(either([TO_S3], [])),
        _stack([TO_S3], groups=[]),
        _stack([TO_S3], groups={"Ref": "AWS::NoValue"}),
    ],
)
def test_egress_to_everywhere_fails_however_it_comes_about(resources: dict[str, Any]) -> None:
    assert _says(resources) is FAIL


def test_empty_list_says_what_ec2_makes_of_it() -> None:
    assert "EC2 then adds rules that allow everything" in message_in(RULE, "It", template(_stack([]), WEST))


@pytest.mark.parametrize(
    "resources",
    [
        _stack([_to(UNKNOWN)]),
        _stack([UNKNOWN]),
        _stack(UNKNOWN),
        _stack([_to("somewhere")]),
        _stack([TO_S3], groups=UNKNOWN),
        _stack([TO_S3], groups=["sg-12345678"]),
        _stack([TO_S3], groups=[UNKNOWN]),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: dict[str, Any]) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_function_outside_any_vpc_is_not_judged() -> None:
    resources = _stack([TO_S3])
    del resources["It"]["Properties"]["VpcConfig"]

    assert _says(resources) is None


def test_group_of_something_else_is_asked_too() -> None:
    def says_of_group(egress: Any) -> Verdict | None:  # noqa: ANN401
        return verdict_in(RULE, "Group", template({"Group": _stack(egress)["Group"]}))

    assert says_of_group([TO_S3]) is PASS
    assert says_of_group([]) is FAIL
    assert says_of_group([_to("0.0.0.0/0")]) is FAIL


def test_egress_rule_alone_is_judged() -> None:
    def alone(rule: Any) -> Verdict | None:  # noqa: ANN401
        return verdict_in(RULE, "It", template({"It": {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": rule}}, WEST))

    assert alone({"GroupId": "sg-1", **TO_S3}) is PASS
    assert alone({"GroupId": "sg-1", **_to("0.0.0.0/0")}) is FAIL
    assert alone({"GroupId": "sg-1", **_to(UNKNOWN)}) is NOT_EVALUATED
