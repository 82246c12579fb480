"""Count loopback as TLS: `aws:SecureTransport` is true for every request.

Faithful: bucket, queue and topic policies that deny plain HTTP can be deployed and enforced for everything else.
Different from AWS: a client that uses plain HTTP is not detected.
"""

from __future__ import annotations

from ministack import app


def install() -> None:
    """Set the condition key for every request."""
    stock = app.pin_request_origin

    def pin_as_tls(client_ip: str, _secure: bool) -> None:  # noqa: FBT001  ministack's signature
        stock(client_ip, True)  # noqa: FBT003  likewise

    app.pin_request_origin = pin_as_tls
