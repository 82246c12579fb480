"""Which address ranges are private."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import follow, named, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError

Network: TypeAlias = IPv4Network | IPv6Network

_PRIVATE: Final = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
            "255.255.255.255/32",  # the CDK writes it where nothing may leave
            "fc00::/7", "fe80::/10", "::1/128",
        ),
    )
)  # fmt: skip
"""Ranges that the internet does not route: https://www.iana.org/assignments/iana-ipv4-special-registry."""
_PREFIX_LIST: Final = "AWS::EC2::PrefixList"
_OF_A_NETWORK: Final = {"AWS::EC2::VPC", "AWS::EC2::Subnet"}


def _network(cidr: str, place: str) -> Network:
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        raise UnresolvedError(f"{place} is {cidr!r}, not an address range") from None


def is_private(cidr: str, place: str) -> bool:
    """Return whether a range lies within the addresses that the internet does not route.

    Raises:
        UnresolvedError: It is no address range.
    """
    network = _network(cidr, place)
    return any(_is_within(network, private) for private in _PRIVATE)


def _is_within(network: Network, private: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(private, IPv4Network):
        return network.subnet_of(private)
    if isinstance(network, IPv6Network) and isinstance(private, IPv6Network):
        return network.subnet_of(private)
    return False


def is_own_network(cidr: Json, resource: Resource, world: TemplateSet) -> bool:
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


def ranges_of_list(value: Json, resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the ranges in a prefix list of the templates; none for a list that is elsewhere."""
    target = named(value, resource.template, world)
    if target is None or target.type != _PREFIX_LIST:
        return
    for properties in branches(target.properties):
        for entry in require_list(properties.get("Entries"), f"Entries of {target.path}"):
            yield require_text(require_mapping(entry, "an entry").get("Cidr"), f"Cidr of {target.path}") or ""
