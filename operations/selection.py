"""The platform and the account that the options before a command select, for every command of `operations`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import typer
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound
from rich.console import Console

from operations.account_check import NoCredentials, caller_of
from operations.command_line import explain
from operations.errors import Refused, RunFailure
from operations.guard import Guard, guarding
from operations.target import Target

FAILED: Final = 1
_WRONG_USE: Final = 2
_INTERRUPTED: Final = 130
UNNAMED: Final = "of these credentials"
"""Placeholder for an account that is neither given nor known yet."""


@dataclass
class _Selection:
    """The target that the options before the command select.

    Attributes:
        target: The platform; its account is `UNNAMED` if none was given.
        unverified: Whether to continue when STS does not answer.
        options: The options that select this platform, as a shell takes them.
    """

    target: Target
    unverified: bool
    options: str = ""


_selected: list[_Selection] = []


def select(target: Target, *, unverified: bool, options: str = "") -> None:
    """Keep the platform of the options; `unverified` continues when STS does not answer."""
    _selected[:] = [_Selection(target, unverified, options)]


def typed(command: str) -> str:
    """Return a command with the options that select this platform, as the user types it."""
    options = _selected[0].options if _selected else ""
    return f"lockstep {command}{options}"


def selected() -> Target:
    """Return the selected platform. Its account is `UNNAMED` if none was given."""
    return _selected[0].target


def confirm(target: Target, what: str, word: str, *, yes: bool) -> None:
    """Ask the user to type the region's name in a protected environment, and `y` elsewhere.

    Raises:
        Refused: The user did not type it.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{what} It needs a confirmation, and the input is not a terminal.", hint="Add --yes.")
    wanted = word if target.is_protected else "y"
    say(what)
    if input(f"Type {wanted} to continue: ").strip() != wanted:
        raise Refused("The action was not confirmed.", hint="Nothing was changed.")


def require_region(target: Target, region: str) -> None:
    """Refuse a region that is not the platform's.

    Raises:
        Refused: It is not one of the two.
    """
    if region not in target.regions:
        raise Refused(f"{region!r} is not a region of this platform.", hint=f"Type {' or '.join(target.regions)}.")


def proved(region: str) -> Target:
    """Print the account that is about to be changed. Only STS of that region is called: the other region may be down.

    Raises:
        Refused: No account is given in a protected environment, or for a reason of `caller_of`.
    """
    chosen = _selected[0]
    require_account(chosen.target)
    with guarding(Guard((region,))):
        return _show_caller(chosen, [region])


def require_account(target: Target) -> None:
    """Refuse to change a protected environment while no account is named.

    Raises:
        Refused: `--account` is missing.
    """
    if target.account == UNNAMED and target.is_protected:
        raise Refused(
            f"--account is missing: this command changes the environment {target.environment}, which is protected.",
            hint="Nothing was called or written. Type --account and the 12 digits of the account; "
            "`status` shows the account of the profile.",
        )


def shown(*, needs_credentials: bool = True) -> Target:
    """Print the account that is read, by STS of any region. Without `--account` no region needs to answer.

    Raises:
        Refused: There are no credentials and the command needs some; or an account is named that no STS confirms.
    """
    chosen = _selected[0]
    try:
        return _show_caller(chosen, chosen.target.regions)
    except Refused as refused:
        if chosen.target.account != UNNAMED or (needs_credentials and isinstance(refused, NoCredentials)):
            raise
        note(f"Account not verified: {refused.message}")
        return chosen.target


def _show_caller(chosen: _Selection, asked: Sequence[str]) -> Target:
    given = None if chosen.target.account == UNNAMED else chosen.target.account
    caller = caller_of(chosen.target, asked, given=given, unverified=chosen.unverified)
    note(caller.sentence)
    return replace(chosen.target, account=caller.account or UNNAMED)


def note(text: str) -> None:
    """Print a line that is not part of the result, so that the result can be piped."""
    Console(stderr=True, highlight=False, emoji=False).print(text, markup=False, soft_wrap=True)


def say(text: str, *, end: str = "\n") -> None:
    """Print a line of the result."""
    Console(highlight=False, emoji=False).print(text, markup=False, soft_wrap=True, end=end)


@contextlib.contextmanager
def printing_failures() -> Iterator[None]:
    """Turn every failure into a message and an exit status, without a traceback."""
    errors = Console(stderr=True, highlight=False, emoji=False)
    try:
        yield
    except RunFailure as failure:
        explain(failure, errors)
        raise typer.Exit(_WRONG_USE if isinstance(failure, Refused) else FAILED) from failure
    except ProfileNotFound as error:
        errors.print(f"{error}.", style="bold red", markup=False, soft_wrap=True)
        errors.print("Type --profile and a name that `aws configure list-profiles` lists.", markup=False, soft_wrap=True)
        raise typer.Exit(_WRONG_USE) from error
    except (BotoCoreError, ClientError) as error:
        hint = "What was done before this stays done. Look at the region with `lockstep status`, and type the command again."
        explain(RunFailure(f"A call failed: {error}", hint=hint), errors)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        errors.print("Interrupted.")
        raise typer.Exit(_INTERRUPTED) from None
