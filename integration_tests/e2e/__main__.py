"""`python -m integration_tests.e2e`: test the platform from end to end, on the local cloud or in a real account."""

from __future__ import annotations

import re
import signal
import sys
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console

from integration_tests.e2e.live_run import run_live
from integration_tests.e2e.local_run import run_local
from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import RunFolder
from operations.command_line import end_like_ctrl_c_on, explain
from operations.errors import Refused, RunFailure
from operations.settings_file import EnvironmentOption, PrimaryOption, SecondaryOption, place_of, read_settings
from operations.target import Mode, Target
from reporting.progress import Steps

_FAILED: Final = 1
_WRONG_USE: Final = 2
_INTERRUPTED: Final = 130

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command()
def main(
    live: Annotated[bool, typer.Option("--live", help="Test what is deployed in a real AWS account.")] = False,  # noqa: FBT002
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="With --live: the account it must be, 12 digits.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="With --live: the AWS profile to use.")] = None,
    environment: EnvironmentOption = None,
    primary: PrimaryOption = None,
    secondary: SecondaryOption = None,
    control: Annotated[
        str | None, typer.Option(help="With --live: the control region.", show_default="the environment's")
    ] = None,
) -> None:
    """Deploy both regions to a cloud on this machine, upload real files, and compare the results.

    It synthesizes the templates, checks them with the gate, starts the local cloud on loopback, bootstraps and deploys
    with the real CDK CLI, uploads files, waits for their results in both regions, and compares every record
    with the files. It needs no AWS account and leaves nothing running.

    With --live it deploys nothing. It asks STS whether the credentials belong to the named account, runs the same
    tests against the deployed stacks, and removes the objects and rows that it made.

    Examples:
        lockstep e2e

        lockstep e2e --live --account 123456789012 --profile staging

    Exit status: 0 passed, 1 failed, 2 usage error or refused, 130 interrupted.

    The report is written to reports/e2e; the logs of every step to .build/e2e.
    """
    console = Console(highlight=False, emoji=False)
    end_like_ctrl_c_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        target = _live_target(live, account, profile, environment, (primary, secondary, control))
        with Commands() as commands:
            status = _live(target, Steps(console), commands) if target else _local(environment, Steps(console), commands)
    except RunFailure as failure:
        explain(failure, Console(stderr=True, highlight=False, emoji=False))
        raise typer.Exit(_WRONG_USE if isinstance(failure, Refused) else _FAILED) from failure
    except OSError as error:
        explain(RunFailure(f"The run cannot continue: {error}"), Console(stderr=True, highlight=False, emoji=False))
        raise typer.Exit(_FAILED) from error
    except KeyboardInterrupt:
        Console(stderr=True, emoji=False).print(
            "Interrupted; everything that this run started was stopped. Type the same command to start again."
        )
        raise typer.Exit(_INTERRUPTED) from None
    raise typer.Exit(status)


def _live(target: Target, steps: Steps, commands: Commands) -> int:
    folder = RunFolder.make()
    return run_live(target.of_run(folder.run_id), folder, steps, commands)


def _local(environment: str | None, steps: Steps, commands: Commands) -> int:
    settings = read_settings(environment)
    return run_local(settings, RunFolder.make(), steps, commands)


def _live_target(
    live: bool,  # noqa: FBT001 - the command's own flag
    account: str | None,
    profile: str | None,
    environment: str | None,
    regions: tuple[str | None, str | None, str | None],
) -> Target | None:
    if not live:
        if account or profile:
            raise Refused(
                "--account and --profile are for --live; a run on this machine uses no account.",
                hint="Type `lockstep e2e`, or add --live.",
            )
        return None
    if not re.fullmatch(r"\d{12}", account or ""):
        raise Refused(
            f"--live needs the account that it may touch; {account!r} is not an account id."
            if account
            else "--live needs the account that it may touch.",
            hint="Type --account and its 12 digits; `aws sts get-caller-identity` prints them.",
        )
    place = asdict(place_of(environment, *regions))
    return Target(mode=Mode.LIVE, account=str(account), run_id="", profile=profile, **place)


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m integration_tests.e2e"))
