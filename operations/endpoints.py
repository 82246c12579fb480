"""The addresses that a run may call: loopback for a local run, endpoints of AWS for a live run."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from operations.errors import Refused

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def require_loopback(endpoint_url: str | None) -> None:
    """Refuse an endpoint that is not on this machine.

    Raises:
        Refused: The host is not a loopback address.
    """
    host = urlsplit(endpoint_url or "").hostname or ""
    if not is_loopback(host):
        raise Refused(
            f"The endpoint {endpoint_url!r} is not a loopback address; a local run calls this machine only.",
            hint="Nothing was sent. Run `lockstep e2e` without an endpoint of your own.",
        )


def require_aws_endpoint(url: str) -> None:
    """Refuse an address that is not an endpoint of AWS.

    Raises:
        Refused: The host is not in a domain of AWS, or the scheme is not https.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not (parts.hostname or "").endswith(_AWS_DOMAINS):
        raise Refused(
            f"The endpoint {url} is not one of AWS; a live run calls AWS only.",
            hint="Unset AWS_ENDPOINT_URL, every AWS_ENDPOINT_URL_<SERVICE>, and any endpoint_url of the "
            "profile. For the local cloud leave out --live.",
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address. Names are not accepted: a name can resolve to any address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
