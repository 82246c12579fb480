"""Address ranges, prefix lists and egress rules of networks."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping, require_number, require_text
from compliance.cfn.references import follow, named, of_type, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent

Network: TypeAlias = IPv4Network | IPv6Network

_NOWHERE: Final = "255.255.255.255/32"
"""The range that the CDK writes where nothing may leave."""
_PRIVATE: Final = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
            _NOWHERE,
            "fc00::/7", "fe80::/10", "::1/128",
        ),
    )
)  # fmt: skip
"""Ranges that the internet does not route: https://www.iana.org/assignments/iana-ipv4-special-registry."""
PREFIX_LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "eu-central-1": {"s3": "pl-6ea54007", "dynamodb": "pl-66a5400f"},
    "eu-west-1": {"s3": "pl-6da54004", "dynamodb": "pl-6fa54006"},
    "us-east-1": {"s3": "pl-63a5400a", "dynamodb": "pl-02cd2c6b"},
    "us-east-2": {"s3": "pl-7ba54012", "dynamodb": "pl-4ca54025"},
    "us-west-1": {"s3": "pl-6ba54002", "dynamodb": "pl-6ea54007"},
    "us-west-2": {"s3": "pl-68a54001", "dynamodb": "pl-00a54069"},
}
"""AWS's own prefix lists by region and service, as `aws ec2 describe-managed-prefix-lists` prints them."""
_EGRESS: Final = "AWS::EC2::SecurityGroupEgress"
_PREFIX_LIST: Final = "AWS::EC2::PrefixList"
_OF_A_NETWORK: Final = {"AWS::EC2::VPC", "AWS::EC2::Subnet"}


def network_of(cidr: str, place: str) -> Network:
    """Return the network of a range.

    Raises:
        UnresolvedError: It is no address range.
    """
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        raise UnresolvedError(f"{place} is {cidr!r}, not an address range") from None


def is_private(cidr: str, place: str) -> bool:
    """Return whether a range lies within the addresses that the internet does not route.

    Raises:
        UnresolvedError: It is no address range.
    """
    network = network_of(cidr, place)
    return any(_is_within(network, private) for private in _PRIVATE)


def _is_within(network: Network, private: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(private, IPv4Network):
        return network.subnet_of(private)
    if isinstance(network, IPv6Network) and isinstance(private, IPv6Network):
        return network.subnet_of(private)
    return False


def _is_own_network(cidr: Json, resource: Resource, world: TemplateSet) -> bool:
    """Return whether a range is that of a VPC or subnet of the templates: by reference, or by the same text."""
    target = named(cidr, resource.template, world)
    if target is not None:
        return target.type in _OF_A_NETWORK
    followed = follow(cidr, resource.template, world)
    return render(followed.value, followed.template) in _ranges(followed.template)


@cached
def _ranges(template: Template) -> frozenset[str]:
    """Return the ranges of the template's networks, as rendered: the same parameter is the same range."""
    networks = [resource for resource in template.resources if resource.type in _OF_A_NETWORK]
    values = [each.properties.get("CidrBlock") for each in networks if isinstance(each.properties, dict)]
    return frozenset(render(value, template) for value in values if isinstance(value, str | dict))


def ranges_of(rule: Mapping[str, Json], listed: str, owner: Resource, world: TemplateSet) -> Iterator[tuple[str, str]]:
    """Yield each range of a security group's rule with its name: none of the templates' networks, those of a list of theirs.

    Raises:
        UnresolvedError: A range is not spelled out.
    """
    for name in ("CidrIp", "CidrIpv6"):
        cidr = rule.get(name)
        if is_absent(cidr) or _is_own_network(cidr, owner, world):
            continue
        if not isinstance(cidr, str):
            raise UnresolvedError(f"{name} of a rule of {owner.path} is {describe(cidr)}, which is not spelled out")
        yield cidr, name
    target = named(rule.get(listed), owner.template, world)
    if target is None or target.type != _PREFIX_LIST:
        return
    for properties in branches(target.properties):
        for entry in require_list(properties.get("Entries"), f"Entries of {target.path}"):
            cidr = require_text(require_mapping(entry, "an entry").get("Cidr"), f"Cidr of {target.path}")
            yield cidr or "", "Cidr of a list"


def egress_beside(group: Resource, world: TemplateSet) -> Iterator[Mapping[str, Json]]:
    """Yield each version of the egress rules that are resources of their own."""
    for rule in of_type(world, _EGRESS, region=group.template.region):
        for properties in branches(rule.properties):
            target = named(properties.get("GroupId"), rule.template, world)
            if target is not None and target.template is group.template and target.logical_id == group.logical_id:
                yield properties


def covers_port(rule: Mapping[str, Json], port: int) -> bool:
    """Return whether a rule of a security group is about a TCP port."""
    protocol = str(rule.get("IpProtocol", "-1")).lower()
    if protocol == "-1":
        return True
    first, last = (require_number(rule.get(name), name) for name in ("FromPort", "ToPort"))
    return protocol in {"tcp", "6"} and (first is None or first <= port) and (last is None or port <= last)


def leads_to_service(rule: Mapping[str, Json], service: str, region: str) -> bool:
    """Return whether an egress rule leads to the public addresses of S3 or DynamoDB, as any list may that is not AWS's."""
    listed = rule.get("DestinationPrefixListId")
    if is_absent(listed):
        return _has_range(rule)
    lists = PREFIX_LISTS.get(region, {})
    return listed == lists.get(service) or listed not in lists.values()


def leads_to_groups(rule: Mapping[str, Json], groups: Sequence[Resource], owner: Resource, world: TemplateSet) -> bool:
    """Return whether an egress rule leads to one of the security groups, as any range may, or any list that is not AWS's."""
    value = rule.get("DestinationSecurityGroupId")
    if is_absent(value):
        listed = rule.get("DestinationPrefixListId")
        is_own = not is_absent(listed) and listed not in PREFIX_LISTS.get(owner.template.region, {}).values()
        return is_own or _has_range(rule)
    target = named(value, owner.template, world)
    return target is None or any(
        target.template is group.template and target.logical_id == group.logical_id for group in groups
    )


def _has_range(rule: Mapping[str, Json]) -> bool:
    return any(not is_absent(rule.get(name)) and rule[name] != _NOWHERE for name in ("CidrIp", "CidrIpv6"))
