"""Which addresses a run may talk to: this machine's loopback for a local run, AWS's own for a live one."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from operations.errors import Refused

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def require_loopback(endpoint_url: str | None) -> None:
    """Refuse an endpoint that is not this machine.

    Raises:
        Refused: Its host is no loopback address.
    """
    host = urlsplit(endpoint_url or "").hostname or ""
    if not is_loopback(host):
        raise Refused(
            f"A local run talks to this machine only, but its endpoint is {endpoint_url!r}.",
            hint="Nothing was sent. Run `python -m integration_tests.e2e` with no endpoint of your own.",
        )


def require_aws_endpoint(url: str) -> None:
    """Refuse an address that is not one of AWS's.

    Raises:
        Refused: Its host is not under a domain of AWS, or it is not https.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not (parts.hostname or "").endswith(_AWS_DOMAINS):
        raise Refused(
            f"A live run talks to AWS only, but a client's endpoint is {url}.",
            hint="Unset AWS_ENDPOINT_URL and its AWS_ENDPOINT_URL_<SERVICE> kin, and any endpoint_url of the "
            "profile. For the local cloud leave out --live.",
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address: a name could resolve to anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
