"""ActivePassive-VPCIngress."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-VPCIngress"


def _stack(**rule: Any) -> dict[str, Any]:  # noqa: ANN401
    whole = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **rule}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "It": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": "sg-1", **whole}},
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [whole]}},
        "Closed": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": ABSENT}},
    }


def _says(resources: dict[str, Any]) -> Verdict | None:
    """Return the verdict of a rule of its own; one that stands in its group must get the same."""
    beside, inline = (verdict_in(RULE, logical_id, template(resources, WEST)) for logical_id in ("It", "Group"))
    assert beside is inline
    return beside


@pytest.mark.parametrize(
    "resources",
    [
        _stack(SourceSecurityGroupId="sg-2"),
        _stack(SourceSecurityGroupId=UNKNOWN),
        _stack(SourcePrefixListId="pl-1"),
        _stack(CidrIp="10.0.0.0/16"),
        _stack(CidrIp={"Fn::GetAtt": ["Vpc", "CidrBlock"]}),
        _stack(CidrIpv6="fd00::/64"),
        _stack(SourceSecurityGroupId="sg-2", FromPort="8000", ToPort="8099"),
        _stack(SourceSecurityGroupId="sg-2", IpProtocol="icmp", FromPort=8, ToPort=-1),
    ],
)
def test_named_callers_on_named_ports_pass(resources: dict[str, Any]) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        (_stack(CidrIp="0.0.0.0/0"), "CidrIp 0.0.0.0/0 is wider"),
        (_stack(CidrIp="10.0.0.0/8"), "CidrIp 10.0.0.0/8 is wider"),
        (_stack(CidrIpv6="::/0"), "CidrIpv6 ::/0 is wider"),
        (_stack(CidrIpv6="fc00::/7"), "is wider"),
        (_stack(SourceSecurityGroupId="sg-2", IpProtocol="-1"), "every protocol"),
        (_stack(SourceSecurityGroupId="sg-2", IpProtocol=-1), "every protocol"),
        (_stack(SourceSecurityGroupId="sg-2", FromPort=0, ToPort=65535), "ports 0 to 65535"),
        (_stack(SourceSecurityGroupId="sg-2", FromPort=ABSENT, ToPort=ABSENT), "ports 0 to 65535"),
        (_stack(SourceSecurityGroupId="sg-2", FromPort=8000, ToPort=8100), "ports 8000 to 8100"),
    ],
)
def test_open_door_fails(resources: dict[str, Any], text: str) -> None:
    assert _says(resources) is FAIL
    assert text in message_in(RULE, "It", template(resources, WEST))


@pytest.mark.parametrize(
    "resources",
    [
        _stack(CidrIp=UNKNOWN),
        _stack(CidrIp="everywhere"),
        _stack(SourceSecurityGroupId="sg-2", IpProtocol=UNKNOWN),
        _stack(SourceSecurityGroupId="sg-2", IpProtocol=ABSENT),
        _stack(SourceSecurityGroupId="sg-2", FromPort=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: dict[str, Any]) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_group_without_ingress_rules_is_not_judged() -> None:
    assert verdict_in(RULE, "Closed", template(_stack(SourceSecurityGroupId="sg-2"), WEST)) is None
