"""`python -m integration_tests.local_cloud`: keep a local cloud up, and say how to use it."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from integration_tests.local_cloud.cloud import PLACEHOLDER_ACCOUNT, LocalCloud
from integration_tests.local_cloud.server_process import LocalCloudError

if TYPE_CHECKING:
    from types import FrameType

_DEFAULT_PORT = 4566


def main(
    port: Annotated[int, typer.Option(help="The loopback port; 0 takes any free one.")] = _DEFAULT_PORT,
    account: Annotated[str, typer.Option(help="The AWS account id it plays, twelve digits.")] = PLACEHOLDER_ACCOUNT,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave its folder, with the log, behind.")] = False,
) -> None:
    """Run AWS's APIs for every region on this machine's loopback until Ctrl-C."""
    console = Console(highlight=False)
    # A terminal that closes, and `kill`, must end the server as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with LocalCloud.start(account=account, port=port, keep_folder=keep) as cloud:
            _explain(console, cloud)
            while True:
                cloud.require_alive()
                time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("stopped")
    except LocalCloudError as error:
        Console(stderr=True, highlight=False).print(str(error), markup=False)
        sys.exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _explain(console: Console, cloud: LocalCloud) -> None:
    console.print(f"The local cloud answers at [bold]{cloud.endpoint_url}[/bold] as account {cloud.account}.")
    console.print(f"Its log: {cloud.log}\n")
    console.print("In another terminal, point the AWS CLI, an SDK or the CDK at it (bash):\n")
    for name, value in cloud.aws_variables().items():
        console.print(f"  export {name}={value}", soft_wrap=True)
    console.print("  unset AWS_PROFILE AWS_SESSION_TOKEN\n")
    console.print("Then, for example (bootstrap from a folder without a cdk.json):\n")
    console.print("  aws s3 ls --region us-west-2")
    console.print(f"  cdk bootstrap aws://{cloud.account}/us-east-1 aws://{cloud.account}/us-west-2")
    console.print("  cdk deploy --all\n")
    console.print(f"An HTTP API answers at {cloud.api_url('<api id>')}/<path>.")
    console.print(f"Disturb it: curl -X POST {cloud.endpoint_url}/_local_cloud/region/us-east-1/down   (or /up)")
    console.print(f"            curl -X POST {cloud.endpoint_url}/_local_cloud/replication/lag/30\n")
    table = Table(title="NOT FAITHFUL: stored and answered, or simplified", title_justify="left")
    table.add_column("what")
    table.add_column("why")
    for what, why in cloud.not_faithful:
        table.add_row(what, why)
    console.print(table)
    console.print("\nCtrl-C stops it.")


if __name__ == "__main__":
    typer.run(main)
