"""`python -m integration_tests.fork`: the README's two commands in a fork of this repository."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from integration_tests.fork.copying import CHECKOUT, commit, copy
from integration_tests.fork.edits import ENVIRONMENT, MATRIX, OTHERS, SHIPPED, edit
from local_cloud.testbed.commands import Commands
from operations.command_line import end_like_ctrl_c_on

_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "CI", "XDG_CACHE_HOME")
_DOWNLOADS: Final = (
    "npm_config_",
    "PIP_",
    "HTTP_",
    "HTTPS_",
    "http_",
    "https_",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_",
    "NODE_EXTRA_CA_CERTS",
)
"""Prefixes of the variables that name a download cache, a registry, or the certificates to trust."""
_GRACE_SECONDS: Final = 20.0
"""Seconds that a process in the copy has for its cleanup after Ctrl-C."""
_INTERRUPTED: Final = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    short: Annotated[bool, typer.Option("--short", help="Only synth, the gate, unit tests and handlers on moto.")] = False,  # noqa: FBT002
    matrix: Annotated[  # noqa: FBT002
        bool, typer.Option("--matrix", help="The gate and the shipped files' tests, with the settings of other forks.")
    ] = False,
    row: Annotated[str, typer.Option(metavar="NAME", help="With --matrix: one of its rows.", show_default="all")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the copy behind, in .build/fork.")] = False,  # noqa: FBT002
    nox: Annotated[str, typer.Option(metavar="PYTHON", help="The Python that has nox.")] = sys.executable,
) -> None:
    """Copy the repository, make a fork's edits, and run the README's two commands in the copy.

    The copy has another account, other regions (eu-west-1 and eu-central-1), environments of other names and no prod,
    every setting at another value than its default, and a transform that computes, drops and renames fields and
    rejects records. The end-to-end run deploys each environment. The copy installs its own Python environment;
    only download caches are shared.
    With --matrix the gate judges the settings of other forks: GovCloud, China, other regions, names and accounts.

    Exit status: 0 all passed, 1 a command failed, 130 interrupted.
    """
    end_like_ctrl_c_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    names = [each.stem for each in MATRIX]
    if row and (row not in names or not matrix):
        raise typer.BadParameter(f"{row!r} is no row of the matrix. Type --matrix --row and one of {', '.join(names)}.")
    rows = [each for each in MATRIX if row in {"", each.stem}] if matrix else []
    console = Console(highlight=False, emoji=False)
    folder = CHECKOUT / ".build" / "fork" if keep else Path(tempfile.mkdtemp(prefix="lockstep-fork-"))
    checkout = folder / "lockstep"
    try:
        shutil.rmtree(checkout, ignore_errors=True)
        checkout.mkdir(parents=True)
        copy(checkout)
        commit(checkout, "Fork")
        edit(checkout)
        commit(checkout, "Make it ours")
        console.print(f"A fork is in {checkout}; its default environment is {ENVIRONMENT}.")
        with Commands() as commands:
            status = _run_all(_commands(nox, checkout, short=short, matrix=rows), checkout, commands, console)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    finally:
        if keep:
            console.print(f"The fork is kept in {checkout}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(status)


def _commands(nox: str, checkout: Path, *, short: bool, matrix: Sequence[Path]) -> Iterator[Sequence[str]]:
    python = str(checkout / ".venv" / "bin" / "python")
    if matrix:
        for settings in matrix:
            shutil.copyfile(settings, checkout / "environments.toml")
            yield nox, "-m", "nox", "-s", "compliance"
            yield python, "-m", "pytest", "-q", *SHIPPED
        return
    if not short:
        yield nox, "-m", "nox", "-s", "e2e"
        yield nox, "-m", "nox"
        for environment in OTHERS:
            yield nox, "-m", "nox", "-s", "e2e", "--", "--environment", environment
        return
    yield nox, "-m", "nox", "-s", "synth", "compliance", "unit"
    yield python, "-m", "pytest", "integration_tests/moto", "-n", "2"


def _run_all(commands: Iterator[Sequence[str]], checkout: Path, runner: Commands, console: Console) -> int:
    """Run the commands one after another and return the first exit status that is not 0."""
    for command in commands:
        console.print(f"fork: {' '.join(command)}", style="bold")
        status = runner.run_shown(command, cwd=checkout, env=_environment(os.environ), grace_seconds=_GRACE_SECONDS)
        if status:
            console.print(f"fork: {' '.join(command)} ended with status {status}.", style="bold red")
            return 1
    console.print("fork: all passed.", style="bold green")
    return 0


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a user with a fresh clone, without any that refer to this checkout."""
    return {name: value for name, value in variables.items() if name in _INHERITED or name.startswith(_DOWNLOADS)}


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m integration_tests.fork"))
