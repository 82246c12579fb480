"""`python -m operations`: look at a deployed platform, fail it over, and back."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from botocore.exceptions import ProfileNotFound
from rich.console import Console

from operations import failback_checks
from operations import status as regions
from operations.account_check import caller_of
from operations.command_line import explain
from operations.deployment import Deployment
from operations.endpoints import require_aws_endpoint, require_loopback
from operations.errors import Refused, RunFailure
from operations.force import set_forced
from operations.guard import Guard, guarding
from operations.register import Register
from operations.reprocess import reprocess as send_again
from operations.settings_file import place_of
from operations.status_table import show
from operations.target import Mode, Target

_FAILED: Final = 1
_WRONG_USE: Final = 2
_INTERRUPTED: Final = 130
_UNNAMED: Final = "of these credentials"
"""In place of an account that was not given and is not known yet."""
_PRODUCTION: Final = "prod"
"""The environment that the templates protect; here a change needs `--account`, and a confirmation the region's name."""

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=True)


@dataclass
class _Chosen:
    """What the options before the command come to.

    Attributes:
        target: The platform; its account is `_UNNAMED` if none was given.
        unverified: Whether to go on while STS does not answer.
    """

    target: Target
    unverified: bool


_options: list[_Chosen] = []


@app.callback()
def main(  # noqa: PLR0913, PLR0917 - one for each flag
    account: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The account it must be, 12 digits; proved by STS of the region acted on. "
            "Every command but status needs it in prod.",
        ),
    ] = None,
    unverified: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--account-unverified", help="Go on although STS does not answer. If it answers another account, it is refused."
        ),
    ] = False,
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="The environment of environments.toml.", show_default="prod, or the file's only one"),
    ] = None,
    primary: Annotated[str | None, typer.Option(help="The primary's region.", show_default="the environment's")] = None,
    secondary: Annotated[str | None, typer.Option(help="The secondary's region.", show_default="the environment's")] = None,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead: the target.json of a platform on a local cloud.")
    ] = None,
) -> None:
    """Look at a deployed platform, and decide which region is active.

    Examples:
        python -m operations status

        python -m operations --account 123456789012 --profile prod promote us-west-2

        python -m operations --account 123456789012 --account-unverified promote us-west-2

        python -m operations --target reports/drill/latest/target.json status

    Exit status: 0 done, 1 it could not be done, 2 wrong use or refused, 130 interrupted.

    docs/runbook.md leads through a failover step by step.
    """
    with _telling():
        _require_digits(account)
        named = _from_file(target, account) if target else _live(account, profile, environment, (primary, secondary))
        _options[:] = [_Chosen(named, unverified)]


@app.command()
def status() -> None:
    """Show both regions: who is active, how each is and sees the other, where DNS leads; a lost one costs seconds."""
    with _telling():
        target = _shown()
        found = regions.look(target)
        show(Console(highlight=False, emoji=False), target, found, now=time.time())
        if any(one.claims is None for one in found):
            raise typer.Exit(_FAILED)


@app.command()
def promote(
    region: Annotated[str | None, typer.Argument(help="The region to make active.", show_default="the secondary")] = None,
    named: Annotated[str | None, typer.Option("--region", metavar="REGION", help="Likewise.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
) -> None:
    """Make a region active, by data-plane calls in that region alone; the other one may be gone."""
    with _telling():
        target = _options[0].target
        chosen = region or named or target.secondary
        _require_region(target, chosen)
        target = _proved(chosen)
        _confirm(target, f"{chosen} becomes active in {target.environment}.", chosen, yes=yes)
        _promote(target, chosen)


@app.command()
def failback(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
) -> None:
    """Make the primary active again, if both regions are well and know the same; never by itself."""
    with _telling():
        target = _proved(_options[0].target.primary)
        found = regions.look(target)
        if regions.agree(found) and regions.active(found, primary=target.primary) == target.primary:
            _say(f"{target.primary} is active already; nothing was written.")
            return
        shut = failback_checks.reasons(found, back_to=target.primary, now=time.time())
        if shut:
            raise Refused(
                "It is not time to go back. " + " ".join(f"{reason[:1].upper()}{reason[1:]}." for reason in shut),
                hint=f"Nothing was changed. Put this right and try again; `promote {target.primary}` does it regardless.",
            )
        _confirm(target, f"{target.primary} becomes active again in {target.environment}.", target.primary, yes=yes)
        _promote(target, target.primary)


@app.command()
def force(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
) -> None:
    """Lead clients to the secondary by DNS, whatever the health checks say; promoting it is another step."""
    with _telling():
        target = _proved(_options[0].target.secondary)
        _confirm(target, f"DNS leads clients away from {target.primary}.", target.secondary, yes=yes)
        set_forced(target, forced=True)
        _say(f"The observer of {target.secondary} publishes ForceFailover 1 within a minute; DNS follows within three more.")
        _say(f"Now promote it: python -m operations ... promote {target.secondary}. To undo: unforce.")


@app.command()
def unforce(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
) -> None:
    """Let the health checks decide again where DNS leads clients."""
    with _telling():
        target = _proved(_options[0].target.secondary)
        _confirm(target, f"DNS leads clients to {target.primary} again, if it is healthy.", target.primary, yes=yes)
        set_forced(target, forced=False)
        _say(f"The observer of {target.secondary} publishes ForceFailover 0 within a minute.")


@app.command()
def reprocess(
    prefix: Annotated[str, typer.Argument(help="What the objects' keys begin with, such as incoming/uploads/billing/.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
) -> None:
    """Have the active region process objects again whose records another version of the processor made."""
    with _telling():
        if not prefix.startswith("incoming/"):
            raise Refused(f"{prefix!r} is no prefix of ingest objects.", hint="Type one that begins with incoming/.")
        _require_account(_options[0].target)
        found = regions.look(_options[0].target)
        region = regions.active(found, primary=_options[0].target.primary)
        if region is None:
            raise Refused("No replica answers: which region is active cannot be known.", hint="Nothing was sent.")
        target = _proved(region)
        what = f"Every object under {prefix} of {target.environment} is processed again in {region}"
        _confirm(target, f"{what} if another version processed it.", region, yes=yes)
        sent = send_again(Deployment.of_region(target, region), region, prefix)
        _say(f"{sent} objects are sent to the ingest queue of {region}. What this version made already stays as it is.")
        _say("lww-conflicts rings when results are replaced; the other region settles them within hours. Next: status.")


def _promote(target: Target, region: str) -> None:
    """Promote under the guard: should this program ever call another region, it refuses to."""
    with guarding(Guard((region,))) as guard:
        promotion = Register(target, region).promote()
    if promotion.already:
        _say(f"{region} is active already, epoch {promotion.epoch}; nothing was written.")
    else:
        _say(f"{region} is active, epoch {promotion.epoch}; before it was {promotion.before}.")
    _say(f"{guard.calls} calls, all to {region}. Its processor learns of it within seconds. Next: status.")


def _confirm(target: Target, what: str, word: str, *, yes: bool) -> None:
    """Have a person type a region's name in prod, and `y` elsewhere.

    Raises:
        Refused: It was not typed.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{what} Nobody is here to confirm it.", hint="Add --yes.")
    wanted = word if target.environment == _PRODUCTION else "y"
    _say(what)
    if input(f"Type {wanted} to go on: ").strip() != wanted:
        raise Refused("It was not confirmed.", hint="Nothing was changed.")


def _require_region(target: Target, region: str) -> None:
    if region not in target.regions:
        raise Refused(f"{region!r} is no region of this platform.", hint=f"Type {' or '.join(target.regions)}.")


def _require_digits(account: str | None) -> None:
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise Refused(f"--account: {account!r} is no account.", hint="Type --account and its 12 digits.")


def _from_file(file: Path, account: str | None) -> Target:
    try:
        held = Target.load(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{file} is no target: {error}", hint="A drill writes one: reports/drill/<id>/target.json.") from error
    if account not in {None, held.account}:
        raise Refused(
            f"{file} names account {held.account!r}, and --account is {account}.",
            hint="Leave out --account, or give the target of that account.",
        )
    if held.endpoint_url:
        require_loopback(held.endpoint_url)
    else:
        _require_aws(held)
    return held


def _live(account: str | None, profile: str | None, environment: str | None, pair: tuple[str | None, str | None]) -> Target:
    """Make the target of a real account, and ask nothing of it yet."""
    place = place_of(environment, *pair)
    target = Target(
        mode=Mode.LIVE,
        account=account or _UNNAMED,
        environment=place.environment,
        primary=place.primary,
        secondary=place.secondary,
        control=place.control,
        run_id="operations",
        profile=profile,
    )
    _require_aws(target)
    return target


def _require_aws(target: Target) -> None:
    for region in target.regions:
        require_aws_endpoint(target.client("dynamodb", region).meta.endpoint_url)


def _proved(region: str) -> Target:
    """Show whose account a region is changed in, by STS of that region and of no other: that one may be what is lost.

    Raises:
        Refused: In prod no account was given; or as `caller_of`.
    """
    chosen = _options[0]
    _require_account(chosen.target)
    with guarding(Guard((region,))):
        return _show_caller(chosen, [region])


def _require_account(target: Target) -> None:
    if target.account == _UNNAMED and target.environment == _PRODUCTION:
        raise Refused(
            f"{_PRODUCTION}: no account is given, and this command changes it.",
            hint="Nothing was asked or written. Type --account and the 12 digits of the account before the command; "
            "`status` shows which account the profile reaches.",
        )


def _shown() -> Target:
    """Show whose account is looked at, by STS of any region; without `--account` none need answer."""
    chosen = _options[0]
    try:
        return _show_caller(chosen, chosen.target.regions)
    except Refused as refused:
        if chosen.target.account != _UNNAMED:
            raise
        _say(f"Account not verified: {refused.message}")
        return chosen.target


def _show_caller(chosen: _Chosen, asked: Sequence[str]) -> Target:
    given = None if chosen.target.account == _UNNAMED else chosen.target.account
    caller = caller_of(chosen.target, asked, given=given, unverified=chosen.unverified)
    _say(caller.sentence)
    return replace(chosen.target, account=caller.account or _UNNAMED)


def _say(text: str) -> None:
    Console(highlight=False, emoji=False).print(text, markup=False, soft_wrap=True)


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Let every failure end in words and a status, never in a traceback."""
    errors = Console(stderr=True, highlight=False, emoji=False)
    try:
        yield
    except RunFailure as failure:
        explain(failure, errors)
        raise typer.Exit(_WRONG_USE if isinstance(failure, Refused) else _FAILED) from failure
    except ProfileNotFound as error:
        errors.print(f"{error}.", style="bold red", markup=False, soft_wrap=True)
        errors.print("Type --profile and one of `aws configure list-profiles`.", markup=False, soft_wrap=True)
        raise typer.Exit(_WRONG_USE) from error
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        raise typer.Exit(_INTERRUPTED) from None


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m operations"))
