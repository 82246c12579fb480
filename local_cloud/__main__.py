"""`python -m local_cloud`: run a local cloud, and print how to use it."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from local_cloud.cloud import LocalCloud
from local_cloud.hazards import CALM_VARIABLE, SEED_VARIABLE
from local_cloud.server_process import TOKEN_HEADER, LocalCloudError
from local_cloud.testbed.local_platform import deployed, zones_of
from local_cloud.testbed.target_file import target_of, write_files
from local_cloud.web_page import PageServer
from operations.command_line import end_like_ctrl_c_on, explain, failure_of
from operations.errors import Refused, RunFailure
from operations.settings_file import read_settings
from operations.target import TARGET_VARIABLE, Target
from reporting.progress import Steps

_DEFAULT_PORT = 4566


def main(
    *,
    deploy: Annotated[bool, typer.Option("--deploy", help="Deploy the platform to it, for `--local`.")] = False,
    environment: Annotated[
        str | None, typer.Option(help="The environment of environments.toml.", show_default="prod, or the file's first")
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The AWS account id, 12 digits.", show_default="the environment's"),
    ] = None,
    port: Annotated[int, typer.Option(help="The loopback port, 1 to 65535; 0 takes any free one.")] = _DEFAULT_PORT,
    time_factor: Annotated[
        float, typer.Option(help="Factor by which health checks, DNS, alarms and schedules run faster: 1 to 100.")
    ] = 1.0,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the hazards.", envvar=SEED_VARIABLE, show_default="a new one")
    ] = None,
    calm: Annotated[
        bool,
        typer.Option("--calm", envvar=CALM_VARIABLE, help="Start without hazards: no late, repeated or partial results."),
    ] = False,
    health_checkers: Annotated[
        bool, typer.Option("--health-checkers", help="Check health periodically, not on each request for a status.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its folder with the log.")] = False,
    gaps: Annotated[bool, typer.Option("--gaps", help="List where it differs from AWS, and start nothing.")] = False,
) -> None:
    """Run AWS's APIs for every region on this machine's loopback until Ctrl-C.

    It prints the variables that point the AWS CLI, an SDK or the CDK at it, and with --deploy the address of a web page of
    both regions. Only this machine can reach it, and it needs no AWS account. It keeps its data in one temporary folder,
    which it removes when it stops. Several can run side by side, each on its own port.

    Examples:
        lockstep local --deploy

        lockstep local --deploy --port 0 --account 123456789012

    Exit status: 0 stopped by Ctrl-C or SIGTERM, 1 it could not start or has died, 2 wrong usage.

    docs/local_cloud.md lists what is faithful to AWS, and how to take a region down or delay replication.
    """
    # Addresses and ARNs are full of `:...:`, which are no emoji.
    console, errors = Console(highlight=False, emoji=False), Console(stderr=True, highlight=False, emoji=False)
    if gaps:
        console.print(_gaps())
        return
    end_like_ctrl_c_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        settings = read_settings(environment)
        settings = settings.model_copy(update={"account": account or settings.account})
        with (
            LocalCloud.start(
                account=settings.account,
                port=port,
                keep_folder=keep,
                time_factor=time_factor,
                health_checkers=health_checkers,
                seed=seed,
                calm=calm,
                hosted_zones=zones_of(settings),
            ) as cloud,
            deployed(settings, cloud, Steps(console))
            if deploy
            else nullcontext(target_of(cloud, settings.environment)) as target,
        ):
            file = write_files(cloud, target, is_deployed=deploy)
            with PageServer(target, file) if deploy else nullcontext() as page:
                _explain(console, cloud, target, file, page)
                while True:
                    cloud.require_alive()
                    time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("Stopped; its folder is removed." if not keep else "Stopped; its folder is kept.")
    except RunFailure as failure:
        explain(failure, errors)
        sys.exit(2 if isinstance(failure, Refused) else 1)
    except LocalCloudError as error:
        errors.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        explain(failure_of(error), errors)
        sys.exit(1)


def _explain(console: Console, cloud: LocalCloud, target: Target, file: Path, page: PageServer | None) -> None:
    def say(text: str) -> None:
        # Never wrapped: what is printed is there to be copied.
        console.print(text, soft_wrap=True)

    for name, value in {**cloud.aws_variables(), TARGET_VARIABLE: str(file)}.items():
        say(f"  export {name}={value}")
    say("  unset AWS_PROFILE AWS_SESSION_TOKEN\n")
    say(f"The local cloud answers at [bold]{cloud.endpoint_url}[/bold] as account {cloud.account}.")
    say(f"Its log: {cloud.log}")
    say("In another terminal (bash), the lines above point the AWS CLI, an SDK, the CDK and `lockstep` at it.\n")
    if page:
        say(f"{target.environment} is deployed in {target.primary} and {target.secondary}. Watch both in a browser:\n")
        say(f"  {page.url}\n")
        say("Without those lines, type:\n")
        say("  lockstep status --local")
        say("  lockstep upload --local FILE")
        say(f"  lockstep promote --local {target.secondary}\n")
        say(f"With them, type the runbook's commands as they are written, with the account {cloud.account}.\n")
    else:
        say("Then, for example (`bundle=host`, for functions run under this machine's own Python):\n")
        say("  aws s3 ls --region us-west-2")
        places = " ".join(f"aws://{cloud.account}/{region}" for region in target.regions)
        say(f"  lockstep bootstrap {places} -c bundle=host")
        say(f"  lockstep deploy --environment {target.environment} -c bundle=host --require-approval never")
        say("  lockstep status\n")
    say(f"An HTTP API answers at {cloud.api_url('<api id>')}/<path>.")
    say(f"Its name server answers over UDP at {cloud.health()['name_server']}.")
    say("Disturb it, where these variables are set:")
    for command, what in (
        ("region/us-east-1/down", "or /up, /stall, /unstall; /destroy for good"),
        ("throttle/us-east-1/0.5", "DynamoDB's share; 0 ends it"),
        ("replication/lag/30", "seconds"),
        ("replication/cut", "or /restore"),
        ("hazard/replication-tail/0", f"strength; seed {cloud.health()['seed']}"),
    ):
        curl = f'curl -H "{TOKEN_HEADER}: $AWS_SECRET_ACCESS_KEY" -X POST'
        say(f"  {curl} {cloud.endpoint_url}/_local_cloud/{command}   # {what}")
    say("\nWhere it differs from AWS: lockstep local --gaps. Ctrl-C stops it.")


def _gaps() -> Table:
    table = Table(title="NOT FAITHFUL: stored and answered, or simplified", title_justify="left")
    table.add_column("what")
    table.add_column("why")
    for what, why in LocalCloud.known_gaps:
        table.add_row(what, why)
    return table


app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    sys.exit(app(prog_name="python -m local_cloud"))
