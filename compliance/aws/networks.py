"""Which address ranges are private and which mean everywhere."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError

_PRIVATE: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"))
)
_PRIVATE_6: Final = tuple(map(IPv6Network, ("fc00::/7", "fe80::/10")))
_OF_A_NETWORK: Final = {"AWS::EC2::VPC", "AWS::EC2::Subnet"}
_EVERYWHERE: Final = 7
"""Ranges this long or shorter hold more addresses than the largest private network: they mean everywhere, or half of it."""


def _network(cidr: str, place: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        raise UnresolvedError(f"{place} is {cidr!r}, not an address range") from None


def is_private(cidr: str, place: str) -> bool:
    """Return whether a range lies within the addresses that the internet does not route.

    Raises:
        UnresolvedError: It is no address range. So for is_everywhere.
    """
    network = _network(cidr, place)
    if isinstance(network, IPv4Network):
        return any(network.subnet_of(private) for private in _PRIVATE)
    return any(network.subnet_of(private) for private in _PRIVATE_6)


def is_everywhere(cidr: str, place: str) -> bool:
    """Return whether a range is so wide that it means the internet: 0.0.0.0/0, ::/0, or a half of them."""
    network = _network(cidr, place)
    return network.prefixlen <= _EVERYWHERE and not is_private(cidr, place)


def is_own_network(cidr: Json, resource: Resource, world: TemplateSet) -> bool:
    """Return whether a range is a reference to that of a VPC or subnet of the templates."""
    target = named(cidr, resource.template, world)
    return target is not None and target.type in _OF_A_NETWORK
