"""`python -m operations`: show the state of a deployed platform, fail it over, and fail it back."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from client.errors import Misconfigured
from client.local_files import TARGET, find_local_file
from client.shared_options import WANTS_HELP, SharedOptions
from operations import desk, failback_checks
from operations import status as regions
from operations.command_line import run
from operations.endpoints import require_aws_endpoint, require_loopback
from operations.errors import Refused
from operations.force import set_forced
from operations.guard import Guard, guarding
from operations.register import Register, active_region
from operations.selection import (
    FAILED,
    UNNAMED,
    confirm,
    printing_failures,
    proved,
    require_region,
    say,
    select,
    selected,
    shown,
    typed,
)
from operations.settings_file import place_of
from operations.status import RegionStatus
from operations.status_table import as_dict, show
from operations.target import TARGET_VARIABLE, Mode, Target

_WAIT_SECONDS: Final = 1800.0
_LOOK_SECONDS: Final = 10.0

app = typer.Typer(
    cls=SharedOptions, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=True
)


@app.callback()
def main(  # noqa: PLR0913, PLR0917 - one for each flag
    context: typer.Context,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The expected account, 12 digits. STS in the region that is changed must confirm it. "
            "In a protected environment every command that changes something needs it.",
        ),
    ] = None,
    unverified: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--account-unverified", help="Continue if STS does not answer. Another account is still refused."),
    ] = False,
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="The environment of environments.toml.", show_default="prod, or the file's only one"),
    ] = None,
    primary: Annotated[str | None, typer.Option(help="The primary's region.", show_default="the environment's")] = None,
    secondary: Annotated[str | None, typer.Option(help="The secondary's region.", show_default="the environment's")] = None,
    name_prefix: Annotated[
        str | None, typer.Option(help="The first part of the resources' names.", show_default="the environment's")
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar=TARGET_VARIABLE, help="The target.json of a platform on a local cloud, instead of AWS."
        ),
    ] = None,
    local: Annotated[  # noqa: FBT002
        bool, typer.Option("--local", help="The platform that `lockstep local` runs in this checkout, instead of AWS.")
    ] = False,
) -> None:
    """Show the state of a deployed platform, choose which region is active, and find files.

    Examples:
        lockstep status

        lockstep promote us-west-2 --account 123456789012 --profile prod

        lockstep promote us-west-2 --account 123456789012 --account-unverified

        lockstep status --local

    Exit status: 0 done, 1 failed, 2 wrong usage or refused, 130 interrupted.

    docs/runbook.md describes a failover step by step.
    """
    if context.meta.get(WANTS_HELP):
        return
    with printing_failures():
        _require_digits(account)
        place = {"environment": environment, "primary": primary, "secondary": secondary, "prefix": name_prefix}
        file = _local_target() if local else target
        named = _from_file(file, {"account": account, **place}) if file else _live(account, profile, place)
        shown = target if not local and TARGET_VARIABLE not in os.environ else None
        options = {"account": account, "profile": profile, **place, "target": shown}
        given = [f" {_option(name)} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
        flags = [" --account-unverified"] * unverified + [" --local"] * local
        select(named, unverified=unverified, options="".join([*given, *flags]))


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every 10 seconds until Ctrl-C.")] = False,  # noqa: FBT002
    as_json: desk.JsonOption = False,  # noqa: FBT002
) -> None:
    """Show both regions: the verdict and the next command, then the health of each and the DNS.

    A region that does not answer delays the output by a few seconds.
    """
    with printing_failures():
        target = shown(needs_credentials=False)
        while True:
            found = regions.look(target)
            _show(target, found, as_json=as_json, is_again=watch)
            if not watch:
                break
            time.sleep(_LOOK_SECONDS)
        if any(one.claims is None for one in found):
            raise typer.Exit(FAILED)


def _show(target: Target, found: list[RegionStatus], *, as_json: bool, is_again: bool) -> None:
    now = time.time()
    if as_json:
        say(json.dumps(as_dict(target, found, now=now)))
        return
    console = Console(highlight=False, emoji=False)
    if is_again:
        console.clear()  # on a terminal only
        console.print(f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC")
    show(console, target, found, now=now)


@app.command()
def promote(
    region: Annotated[str | None, typer.Argument(help="The region to make active.", show_default="the secondary")] = None,
    named: Annotated[str | None, typer.Option("--region", metavar="REGION", help="Likewise.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,  # noqa: FBT002
) -> None:
    """Make a region active. Calls the data plane of that region only, so the other region may be down.

    If the region is active already by its own replica, the other replica is asked too, to find a split brain.
    """
    with printing_failures():
        target = selected()
        if region and named not in {None, region}:
            raise Refused(f"{region} and --region {named} name different regions.", hint="Type one of them.")
        chosen = region or named or target.secondary
        require_region(target, chosen)
        target = proved(chosen)
        with guarding(Guard((chosen,))):
            held = Register(target, chosen).standing()
        rival = _rival(target, chosen, held.epoch) if held.already else None
        if held.already and rival is None:
            say(f"{chosen} is active already, epoch {held.epoch}. Nothing changes, and nothing was written.")
            return
        if rival is not None:
            say(f"Split brain: {chosen} holds itself active, epoch {held.epoch}; the other replica holds epoch {rival}.")
        confirm(target, f"{chosen} becomes active in {target.environment}.", chosen, yes=yes)
        _promote(target, chosen, at_least=0 if rival is None else max(held.epoch, rival) + 1)


def _rival(target: Target, region: str, epoch: int) -> int | None:
    """Return the highest epoch in the other region's replica if it wins over a region that holds itself active, else None.

    The region is active already by its own replica, so a moment spent on the other region delays no failover.
    """
    (other,) = (one for one in regions.look_at_claims(target) if one.region != region)
    claims = other.claims or {}
    merged = {**claims, region: max(epoch, claims.get(region, 0))}
    return None if active_region(merged, primary=target.primary) == region else max(claims.values(), default=0)


@app.command()
def failback(
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Seconds to wait for conditions that are met by themselves.")
    ] = _WAIT_SECONDS,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,  # noqa: FBT002
) -> None:
    """Make the primary active again, if both regions are healthy and hold the same state.

    It waits for what is older than the decision, and shows how long that may take.
    """
    with printing_failures():
        target = proved(selected().primary)
        found = regions.look(target)
        if regions.agree(found) and regions.active(found, primary=target.primary) == target.primary:
            say(f"{target.primary} is active already; nothing was written.")
            return
        shut = _wait_for_failback(target, found, wait)
        if shut:
            raise Refused(
                "Failback is refused. " + " ".join(f"{reason[:1].upper()}{reason[1:]}." for reason in shut),
                hint=f"Nothing was changed. Fix this and try again; without checks: {typed(f'promote {target.primary}')}",
            )
        confirm(target, f"{target.primary} becomes active again in {target.environment}.", target.primary, yes=yes)
        _promote(target, target.primary)


def _wait_for_failback(target: Target, found: list[RegionStatus], wait: float) -> list[str]:
    """Wait while every unmet condition is met by itself after a time; return the texts of those that are still unmet.

    Without a wait, the last heartbeats decide, though they may be older than the command.
    """
    decided_at, began = time.time() if wait else None, time.monotonic()
    estimate = failback_checks.Estimate(time.monotonic)
    while True:
        shut = failback_checks.unmet(found, back_to=target.primary, now=time.time(), decided_at=decided_at)
        if not shut or not all(one.passes for one in shut) or time.monotonic() - began >= wait:
            return [one.text for one in shut]
        say(f"Waiting: {'; '.join(map(estimate.sentence, shut))}. Ctrl-C ends the wait; nothing was changed.")
        time.sleep(min(_LOOK_SECONDS, max(0.0, wait - (time.monotonic() - began))))
        found = regions.look(target)


@app.command()
def force(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,  # noqa: FBT002
) -> None:
    """Route clients to the secondary by DNS, regardless of the health checks. It does not promote the secondary."""
    with printing_failures():
        target = proved(selected().secondary)
        confirm(target, f"Failover records (if any) send clients away from {target.primary}.", target.secondary, yes=yes)
        set_forced(target, forced=True)
        say(f"The observer of {target.secondary} publishes ForceFailover 1 within a minute.")
        say("Failover records follow within three more. Without any, no client moves: each tries the two hosts in order.")
        say(f"Now promote it: {typed(f'promote {target.secondary}')}")
        say(f"To undo: {typed('unforce')}")


@app.command()
def unforce(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,  # noqa: FBT002
) -> None:
    """Let the health checks decide again where DNS routes clients."""
    with printing_failures():
        target = proved(selected().secondary)
        confirm(target, f"DNS routes clients to {target.primary} again, if it is healthy.", target.primary, yes=yes)
        set_forced(target, forced=False)
        say(f"The observer of {target.secondary} publishes ForceFailover 0 within a minute.")


for _command in (desk.endpoints, desk.files, desk.logs, desk.records, desk.rejected, desk.replay, desk.reprocess):
    app.command()(_command)
app.add_typer(desk.quarantined, name="quarantined")
app.add_typer(desk.dlq, name="dlq")


def _promote(target: Target, region: str, *, at_least: int = 0) -> None:
    """Promote a region under the guard, which refuses every call to another region."""
    with guarding(Guard((region,))) as guard:
        promotion = Register(target, region).promote(at_least=at_least)
    if promotion.already:
        say(f"{region} is active already, epoch {promotion.epoch}; nothing was written.")
    else:
        say(f"{region} is active, epoch {promotion.epoch}; {promotion.before} was active before.")
    say(f"{guard.calls} calls, all to {region}. Its processor reads the new state within seconds. Next: {typed('status')}")


def _require_digits(account: str | None) -> None:
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise Refused(f"--account: {account!r} is not an account id.", hint="Type --account and 12 digits.")


def _local_target() -> Path:
    try:
        return find_local_file(TARGET)
    except Misconfigured as error:
        raise Refused(error.message, hint=error.hint) from error


def _option(attribute: str) -> str:
    return "--name-prefix" if attribute == "prefix" else f"--{attribute}"


def _from_file(file: Path, given: Mapping[str, str | None]) -> Target:
    try:
        held = Target.load(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{file} is not a target file: {error}",
            hint="A local cloud has one while it runs: type `lockstep local --deploy` and export its lines again. "
            f"For AWS: unset {TARGET_VARIABLE}. A drill writes one too: reports/drill/<id>/target.json.",
        ) from error
    for name, value in given.items():
        if value not in {None, getattr(held, name)}:
            option = _option(name)
            raise Refused(
                f"{file} names {option.removeprefix('--')} {getattr(held, name)!r}, and {option} is {value}.",
                hint=f"Leave out {option}, or give the target of that {option.removeprefix('--')}.",
            )
    if held.endpoint_url:
        require_loopback(held.endpoint_url)
    else:
        _require_aws(held)
    return held


def _live(account: str | None, profile: str | None, given: Mapping[str, str | None]) -> Target:
    """Return the target of a real account. Calls nothing."""
    place = asdict(place_of(**given))
    target = Target(mode=Mode.LIVE, account=account or UNNAMED, run_id="operations", profile=profile, **place)
    _require_aws(target)
    return target


def _require_aws(target: Target) -> None:
    for region in target.regions:
        require_aws_endpoint(target.client("dynamodb", region).meta.endpoint_url)


if __name__ == "__main__":
    run(app, name="python -m operations")
