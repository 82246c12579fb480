"""A security group admits named groups or narrow private ranges, on named ports."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.networks import is_private, network_of, ranges_of
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_GROUP: Final = "AWS::EC2::SecurityGroup"
_RULE: Final = "AWS::EC2::SecurityGroupIngress"
_WIDEST: Final = {4: 16, 6: 56}
"""The largest network that a VPC can be. What is wider is somebody else's, too."""
_WITH_PORTS: Final = {"tcp", "udp", "6", "17"}
_MOST_PORTS: Final = 100
"""A range of more is every port by another name; a passive protocol's own range is seldom larger."""


def _lets_in(resource: Resource, _world: TemplateSet) -> bool:
    return resource.type == _RULE or not is_absent(resource.properties.get("SecurityGroupIngress"))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == _RULE:
        yield from _of_rule(resource, resource.properties, world)
        return
    for rule in require_list(resource.properties.get("SecurityGroupIngress"), "SecurityGroupIngress"):
        yield from _of_rule(resource, require_mapping(rule, "an ingress rule"), world)


def _of_rule(resource: Resource, rule: Mapping[str, Json], world: TemplateSet) -> Iterator[str]:
    for cidr, name in ranges_of(rule, "SourcePrefixListId", resource, world):
        yield from _of_range(cidr, name)
    yield from _of_ports(rule)


def _of_range(cidr: str, name: str) -> Iterator[str]:
    if (network := network_of(cidr, name)).prefixlen < _WIDEST[network.version]:
        yield f"{name} {cidr} is wider than a VPC can be; name a security group, or the range of the callers' network"
    elif not is_private(cidr, name):
        yield f"{name} {cidr} is an address range of the internet; name a security group, or a private range"


def _of_ports(rule: Mapping[str, Json]) -> Iterator[str]:
    protocol = rule.get("IpProtocol")
    if is_absent(protocol) or not isinstance(protocol, str | int):
        raise UnresolvedError(f"IpProtocol is {describe(protocol)}, so what it admits is unknown")
    if str(protocol).lower() in {"-1", "all"}:
        yield "IpProtocol -1 admits every protocol on every port; name the protocol and the port"
    elif str(protocol).lower() in _WITH_PORTS:
        first, last = (_port(rule, name) for name in ("FromPort", "ToPort"))
        if last - first >= _MOST_PORTS:
            yield f"ports {first} to {last} are let in; name those that something listens on"


def _port(rule: Mapping[str, Json], name: str) -> int:
    value = rule.get(name)
    if is_absent(value):
        return {"FromPort": 0, "ToPort": 65_535}[name]
    try:
        return int(str(value))
    except ValueError:
        raise UnresolvedError(f"{name} is {describe(value)}, which is no number") from None


RULE = Rule(
    title="A security group admits named groups or narrow private ranges, on named ports",
    why=(
        "A caller that reaches an interface endpoint to Secrets Manager or SQS needs only credentials. A range of the "
        "internet, one wider than the network, or every port opens it to unintended callers."
    ),
    fix="Admit callers by SourceSecurityGroupId, on the port that they use; 443 for an endpoint.",
    judge=rule_from(_violations, _GROUP, _RULE, applies=_lets_in),
    controls=nist("AC-4", "SC-7", "SC-7(5)") + hipaa("164.312(a)(1)", "164.312(e)(1)") + pci("1.2.1", "1.3.1"),
)
