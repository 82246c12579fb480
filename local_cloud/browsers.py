"""Checks of requests against web pages in the user's own browser, which can send any request to loopback."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from local_cloud.server_process import TOKEN_HEADER


def of_a_page(headers: Mapping[str, str], own_origin: str = "") -> str:
    """Return why a request of a page is refused, or "". No page can omit or change these headers (Fetch standard).

    Args:
        headers: By name in lower case; the values of a repeated header are joined.
        own_origin: The origin whose pages are admitted; by default none is.
    """
    admitted = {("sec-fetch-site", "none")}
    if own_origin:
        admitted |= {("sec-fetch-site", "same-origin"), ("origin", own_origin)}
    for name in ("origin", "sec-fetch-site"):
        if name in headers and (name, headers[name]) not in admitted:
            return f"The local cloud answers programs, not web pages: the request carries {name}: {headers[name]}."
    return ""


def has_token(headers: Mapping[str, str], secret: str) -> bool:
    """Return whether the request carries the secret, in a header that a page of another origin cannot send."""
    return hmac.compare_digest(headers.get(TOKEN_HEADER.lower(), "").encode(), secret.encode())
