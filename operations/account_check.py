"""Proof, before anything is written, of which cloud is being talked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from operations import credentials
from operations.endpoints import require_aws_endpoint, require_loopback
from operations.errors import Refused

if TYPE_CHECKING:
    from operations.target import Target

_IF_STS_ALONE = " If it is STS alone that fails there, and you are sure of the account, add --account-unverified."


def prove_local(target: Target) -> None:
    """Make sure that a local run reaches loopback and nothing else.

    Raises:
        Refused: The endpoint is no loopback address, or what answers there plays another account.
    """
    require_loopback(target.endpoint_url)
    _prove_account(target)


def prove_live(target: Target) -> None:
    """Make sure that a live run reaches AWS, in the account that the user named.

    Raises:
        Refused: An endpoint is not AWS's, the credentials do not work, or they are another account's.
    """
    for service in ("sts", "s3", "dynamodb", "cloudformation", "sqs"):
        for region in target.regions:
            require_aws_endpoint(target.client(service, region).meta.endpoint_url)
    _prove_account(target)


@dataclass(frozen=True)
class Caller:
    """Whose credentials a command uses.

    Attributes:
        account: 12 digits: STS's answer, or without one the account that was given; None if there is neither.
        sentence: The same for a person: the account, the caller's ARN and the region whose STS answered, or why none did.
    """

    account: str | None
    sentence: str


def caller_of(target: Target, regions: Sequence[str], *, given: str | None, unverified: bool) -> Caller:
    """Ask STS of some regions, in turn until one answers, whose the credentials are.

    Args:
        target: The platform.
        regions: The regions to ask: to act on a region, that one alone, since the other one may be what is lost.
        given: The account that the user gave, 12 digits; None if none.
        unverified: Whether to go on if STS answers in none of the regions.

    Raises:
        Refused: The credentials are another account's or do not work, or STS answers in no region and `unverified` is false.
    """
    silent: list[Refused] = []
    for region in regions:
        try:
            account, arn = _identity(target, region, target.fail_fast_client("sts", region))
        except _Silent as error:
            silent.append(error)
            continue
        _require_given(account, given, region)
        return Caller(account, f"Account {account}, as {arn}, by STS in {region}.")
    reasons = " ".join(error.message for error in silent)
    if not unverified:
        hint = silent[0].hint if len(silent) == 1 else _silent_everywhere(target)
        raise Refused(reasons, hint=hint)
    named = f"Account {given} as given, NOT VERIFIED" if given else "Account NOT VERIFIED and not given"
    return Caller(given, f"{named} (--account-unverified): {reasons}")


def _silent_everywhere(target: Target) -> str:
    if target.endpoint_url:
        return "Is it still running? Nothing was written."
    return f"Is this machine on the network? Nothing was written.{_IF_STS_ALONE}"


class _Silent(Refused):
    """STS of a region did not answer."""


def _prove_account(target: Target) -> None:
    for region in target.regions:
        _require_account(target, region, target.client("sts", region))


def _require_account(target: Target, region: str, sts: Any) -> None:  # noqa: ANN401 - boto3's clients have no common type
    _require_given(_identity(target, region, sts)[0], target.account, region)


def _require_given(answered: str, given: str | None, region: str) -> None:
    if given is not None and answered != given:
        raise Refused(
            f"STS in {region} says that these credentials are account {answered}'s, not {given}'s.",
            hint="Name the right account with --account, or take its credentials with --profile. Nothing was written.",
        )


def _identity(target: Target, region: str, sts: Any) -> tuple[str, str]:  # noqa: ANN401 - likewise
    """Return the account and the ARN of the caller."""
    cloud = "the local cloud" if target.endpoint_url else "AWS"
    try:
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        if credentials.are_missing(error):
            raise Refused(f"{cloud} did not say who is calling: {error}", hint=credentials.LOG_IN) from error
        raise _Silent(
            f"STS in {region} did not say who is calling: {error}",
            hint=f"Nothing was written. Is {region} the region that is lost? Then act on the other one."
            f"{'' if target.endpoint_url else _IF_STS_ALONE}",
        ) from error
    return str(identity["Account"]), str(identity["Arn"])
