"""The commands that run the pinned CDK CLI: each adds to it what `infra.cdk_cli` describes."""

from __future__ import annotations

import sys
from typing import Final

import typer
from rich.console import Console

from infra import cdk_cli, cdk_options
from infra.cdk_options import RefusedError
from lockstep.commands import EnvironmentOption

_WRONG_USE: Final = 2
_PASSED_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True}

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Run the pinned CDK CLI."""


@app.command(context_settings=_PASSED_ON)
def synth(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Write the templates of both regions to cdk.out; needs no account."""
    _run(["synth", "--quiet"], context, environment)


@app.command(context_settings=_PASSED_ON)
def diff(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Compare the templates with the deployed stacks."""
    _run(["diff"], context, environment)


@app.command(context_settings=_PASSED_ON)
def preflight(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Compare the account's quotas in both regions with what a deployment creates."""
    _run(["preflight"], context, environment)


@app.command(context_settings=_PASSED_ON)
def deploy(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Deploy the stacks to AWS, after the gate and the preflight. Without names it deploys all stacks."""
    _run(["deploy"], context, environment, stacks=True)


@app.command(context_settings=_PASSED_ON)
def destroy(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Delete the stacks of an environment from AWS. Without names it deletes all stacks."""
    _run(["destroy"], context, environment, stacks=True)


@app.command(context_settings=_PASSED_ON)
def bootstrap(context: typer.Context, environment: EnvironmentOption = None) -> None:
    """Prepare the account in both regions for its first deployment: aws://ACCOUNT/REGION of each."""
    _run(["bootstrap"], context, environment)


def _run(command: list[str], context: typer.Context, environment: str | None, *, stacks: bool = False) -> None:
    arguments = [*command, *context.args, *(["-c", f"environment={environment}"] if environment else [])]
    try:
        if stacks and cdk_cli.REGISTRY.exists():
            line = cdk_options.parse(arguments, cdk_cli.REGISTRY)
            arguments += [] if line.names or line.values("all") else ["--all"]
        cdk_cli.main(arguments)
    except RefusedError as error:
        _print(str(error))
        sys.exit(_WRONG_USE)
    except SystemExit as ended:
        if not isinstance(ended.code, str):
            raise
        _print(ended.code)
        sys.exit(_WRONG_USE)


def _print(text: str) -> None:
    Console(stderr=True, highlight=False, emoji=False).print(text, markup=False, soft_wrap=True)
