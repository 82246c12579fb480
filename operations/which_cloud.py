"""Proof, before anything is written, of which cloud is being talked to."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from operations.failure import Refused

if TYPE_CHECKING:
    from operations.target import Target

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def prove_local(target: Target) -> None:
    """Make sure that a local run reaches loopback and nothing else.

    Raises:
        Refused: The endpoint is no loopback address, or what answers there plays another account.
    """
    host = urlsplit(target.endpoint_url or "").hostname or ""
    if not is_loopback(host):
        raise Refused(
            f"A local run talks to this machine only, but its endpoint is {target.endpoint_url!r}.",
            hint="Nothing was sent. Run `python -m integration_tests.e2e` with no endpoint of your own.",
        )
    _prove_account(target, "the local cloud")


def prove_live(target: Target) -> None:
    """Make sure that a live run reaches AWS, in the account that the user named.

    Raises:
        Refused: An endpoint is not AWS's, the credentials do not work, or they are another account's.
    """
    for service in ("sts", "s3", "dynamodb", "cloudformation", "sqs"):
        for region in target.regions:
            require_aws_endpoint(target.client(service, region).meta.endpoint_url)
    _prove_account(target, "AWS")


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


def prove_account(target: Target, region: str, cloud: str) -> None:
    """Make sure that the credentials are the account's that was named, by STS of one region.

    Raises:
        Refused: They are another account's, or do not work.
    """
    answered = _caller_account(target.client("sts", region), cloud)
    if answered != target.account:
        raise Refused(
            f"STS in {region} says that these credentials are account {answered}'s, not {target.account}'s.",
            hint="Name the right account with --account, or take its credentials with --profile. Nothing was written.",
        )


def _prove_account(target: Target, cloud: str) -> None:
    for region in target.regions:
        prove_account(target, region, cloud)


def _caller_account(sts: Any, cloud: str) -> str:  # noqa: ANN401 - boto3's clients have no common type
    try:
        return str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise Refused(
            f"{cloud} did not say who is calling: {error}",
            hint="Log in first (for example `aws sso login --profile NAME`) and give --profile NAME.",
        ) from error
