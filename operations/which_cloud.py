"""Proof, before anything is written, of which cloud is being talked to."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from operations import credentials
from operations.failure import Refused

if TYPE_CHECKING:
    from operations.target import Target

_IF_STS_ALONE = " If it is STS alone that fails there, leave out --account: nobody asks STS then."
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def prove_local(target: Target) -> None:
    """Make sure that a local run reaches loopback and nothing else.

    Raises:
        Refused: The endpoint is no loopback address, or what answers there plays another account.
    """
    require_loopback(target.endpoint_url)
    _prove_account(target)


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


def prove_live(target: Target) -> None:
    """Make sure that a live run reaches AWS, in the account that the user named.

    Raises:
        Refused: An endpoint is not AWS's, the credentials do not work, or they are another account's.
    """
    for service in ("sts", "s3", "dynamodb", "cloudformation", "sqs"):
        for region in target.regions:
            require_aws_endpoint(target.client(service, region).meta.endpoint_url)
    _prove_account(target)


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


def prove_account(target: Target, region: str) -> None:
    """Make sure that the credentials are the account's that was named, by STS of one region.

    Raises:
        Refused: They are another account's, or do not work, or STS there does not answer.
    """
    _require_account(target, region, target.brisk_client("sts", region))


def prove_account_anywhere(target: Target) -> None:
    """Likewise by STS of every region that answers, of which there must be one: for looking only, when one may be lost.

    Raises:
        Refused: They are another account's, or do not work, or STS answers in no region.
    """
    silent: list[Refused] = []
    for region in target.regions:
        try:
            _require_account(target, region, target.brisk_client("sts", region))
        except _Silent as error:
            silent.append(error)
    if len(silent) == len(target.regions):
        raise Refused(
            " ".join(error.message for error in silent),
            hint=f"Is {'it still running' if target.endpoint_url else 'this machine on the network'}? Nothing was written.",
        )


class _Silent(Refused):
    """STS of a region did not answer."""


def _prove_account(target: Target) -> None:
    for region in target.regions:
        _require_account(target, region, target.client("sts", region))


def _require_account(target: Target, region: str, sts: Any) -> None:  # noqa: ANN401 - boto3's clients have no common type
    answered = _caller_account(target, region, sts)
    if answered != target.account:
        raise Refused(
            f"STS in {region} says that these credentials are account {answered}'s, not {target.account}'s.",
            hint="Name the right account with --account, or take its credentials with --profile. Nothing was written.",
        )


def _caller_account(target: Target, region: str, sts: Any) -> str:  # noqa: ANN401 - likewise
    cloud = "the local cloud" if target.endpoint_url else "AWS"
    try:
        return str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        if credentials.are_missing(error):
            raise Refused(f"{cloud} did not say who is calling: {error}", hint=credentials.LOG_IN) from error
        raise _Silent(
            f"STS in {region} did not say who is calling: {error}",
            hint=f"Nothing was written. Is {region} the region that is lost? Then act on the other one."
            f"{'' if target.endpoint_url else _IF_STS_ALONE}",
        ) from error
