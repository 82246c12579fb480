"""Check which cloud and account a run reaches, before it writes anything."""

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

_IF_STS_ALONE = "If only STS fails there and you are sure of the account, add --account-unverified."
_IF_CLOUD_ENDED = "If the local cloud has ended, type: lockstep local --deploy"


def prove_local(target: Target) -> None:
    """Make sure that a local run reaches loopback and nothing else.

    Raises:
        Refused: The endpoint is not a loopback address, or the local cloud there has another account.
    """
    require_loopback(target.endpoint_url)
    _prove_account(target)


def prove_live(target: Target) -> None:
    """Make sure that a live run reaches AWS, in the account that the user named.

    Raises:
        Refused: An endpoint is not one of AWS, or the credentials do not work or belong to another account.
    """
    for service in ("sts", "s3", "dynamodb", "cloudformation", "sqs"):
        for region in target.regions:
            require_aws_endpoint(target.client(service, region).meta.endpoint_url)
    _prove_account(target)


@dataclass(frozen=True)
class Caller:
    """The caller whose credentials a command uses.

    Attributes:
        account: 12 digits, as STS answered; if it did not answer, as the user gave it; None if there is neither.
        sentence: A sentence for the user: the account, the caller's ARN and the region of STS, or why no STS answered.
    """

    account: str | None
    sentence: str


def caller_of(target: Target, regions: Sequence[str], *, given: str | None, unverified: bool) -> Caller:
    """Return the caller's identity, from the first of the given regions whose STS answers.

    Args:
        target: The platform.
        regions: The regions to ask. A command that changes a region gives only that one: the other may be down.
        given: The account that the user gave, 12 digits, or None.
        unverified: Whether to continue if STS answers in none of the regions.

    Raises:
        Refused: The credentials do not work or belong to another account, or no STS answers and `unverified` is false.
    """
    silent: list[Refused] = []
    for region in regions:
        try:
            account, arn = _identity(target, region, target.fail_fast_client("sts", region))
        except _Silent as error:
            silent.append(error)
            continue
        _require_given(account, given, region)
        return Caller(account, f"Account {account}, caller {arn}, confirmed by STS in {region}.")
    reasons = " ".join(error.message for error in silent)
    if not unverified:
        hint = silent[0].hint if len(silent) == 1 else _silent_everywhere(target)
        raise Refused(reasons, hint=hint)
    named = f"Account {given}, NOT VERIFIED" if given else "Account unknown, NOT VERIFIED"
    return Caller(given, f"{named} (--account-unverified): {reasons}")


def _silent_everywhere(target: Target) -> str:
    if target.endpoint_url:
        return f"Nothing was written. {_IF_CLOUD_ENDED}"
    return f"Is this machine on the network? Nothing was written. {_IF_STS_ALONE}"


class NoCredentials(Refused):
    """Raised when there are no credentials, or AWS rejects them."""


class _Silent(Refused):
    """Raised when STS of a region does not answer."""


def _prove_account(target: Target) -> None:
    for region in target.regions:
        _require_account(target, region, target.client("sts", region))


def _require_account(target: Target, region: str, sts: Any) -> None:  # noqa: ANN401 - boto3's clients have no common type
    _require_given(_identity(target, region, sts)[0], target.account, region)


def _require_given(answered: str, given: str | None, region: str) -> None:
    if given is not None and answered != given:
        raise Refused(
            f"STS in {region} reports that these credentials belong to account {answered}, not to {given}.",
            hint=f"Nothing was written. Type the right --account, or the --profile of account {given}.",
        )


def _identity(target: Target, region: str, sts: Any) -> tuple[str, str]:  # noqa: ANN401 - likewise
    """Return the account and the ARN of the caller."""
    cloud = "the local cloud" if target.endpoint_url else "AWS"
    try:
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        if credentials.are_missing(error):
            raise NoCredentials(f"No valid credentials for {cloud}: {error}", hint=credentials.LOG_IN) from error
        raise _Silent(
            f"STS in {region} does not answer: {error}",
            hint=f"Nothing was written. If {region} is the region that is down, act on the other one. "
            f"{_IF_CLOUD_ENDED if target.endpoint_url else _IF_STS_ALONE}",
        ) from error
    return str(identity["Account"]), str(identity["Arn"])
