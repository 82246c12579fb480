"""`lockstep`: every command of the project, under one name. `lockstep --help` lists them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from lockstep.commands import COMMANDS, FLAGS, Entry
from lockstep.version import version
from operations.checkout import find_checkout
from operations.command_line import explain, run
from operations.errors import Refused

_WRONG_USE: Final = 2
_INTERRUPTED: Final = 130


class _Commands(TyperGroup):
    """The commands by name. Only the command that is typed is imported."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        listed = [TyperCommand(name, help=one.help, rich_help_panel=one.panel) for name, one in COMMANDS.items()]
        super().__init__(**{**attributes, "commands": listed})

    def list_commands(self, _ctx: Any) -> list[str]:  # noqa: ANN401 - likewise
        """Return the commands in the order of the list, not of the alphabet."""
        return list(COMMANDS)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - likewise
        """Parse the options of `lockstep` itself; options of a command may stand before it."""
        own = {name for one in self.get_params(ctx) for name in one.opts}
        return super().parse_args(ctx, _command_first(args, own))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 - likewise
        """Import the command; a completion of the shell starts no other Python."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, command, rest
        entry = COMMANDS[name]
        if entry.needs_checkout and not ctx.resilient_parsing:
            _enter_environment(entry, name)
        try:
            command = entry.load()
        except ImportError:
            if not ctx.resilient_parsing:
                raise
            return name, command, rest
        if not entry.is_of_app:
            return name, command, rest
        command.context_class = _unnamed(command.context_class)
        return "", command, [name, *rest]

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - likewise
        """Run the command; an interrupt that no command handled ends with 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            Console(stderr=True).print("Interrupted.")
            raise typer.Exit(_INTERRUPTED) from None


def _unnamed(context_class: Any) -> Any:  # noqa: ANN401 - typer's context
    """Return a context class of an app whose name nobody types."""

    class Unnamed(context_class):  # type: ignore[misc]
        @property
        def command_path(self) -> str:
            return str(self.parent.command_path)

    return Unnamed


def _command_first(arguments: list[str], own: set[str]) -> list[str]:
    """Move options that stand before the command behind it."""
    left, moved = list(arguments), list[str]()
    while left and left[0].startswith("--") and left[0] not in {*own, "--"}:
        option = left.pop(0)
        moved.append(option)
        if "=" not in option and option not in FLAGS and left:
            moved.append(left.pop(0))
    if not left or left[0] not in COMMANDS:
        return arguments
    return [left[0], *moved, *left[1:]]


def _enter_environment(entry: Entry, name: str) -> None:
    """Continue in the checkout's own Python, which holds the locked packages.

    Raises:
        Exit: There is no checkout, or its environment is not installed.
    """
    checkout = find_checkout()
    if checkout is None:
        raise _refused(
            f"`lockstep {name}` needs a checkout of the repository, and {Path.cwd()} is in none.",
            f"{entry.help} Change to your checkout and type `lockstep {name}` there.",
        )
    environment = checkout / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        raise _refused(
            f"{environment} does not exist: it holds the packages of `lockstep {name}`.",
            f"cd {checkout} && nox -s environment",
        )
    if Path(sys.prefix).resolve() != environment.resolve():
        variables = {**os.environ, "PYTHONPATH": str(checkout)}
        os.execve(python, [str(python), "-m", "lockstep", *sys.argv[1:]], variables)  # noqa: S606 - the checkout's Python
    from infra import cdk_cli  # noqa: PLC0415 - its packages are only here

    os.environ.update(cdk_cli.environment(os.environ))


def _refused(problem: str, hint: str) -> typer.Exit:
    explain(Refused(problem, hint=hint), Console(stderr=True, highlight=False, emoji=False))
    return typer.Exit(_WRONG_USE)


def _print_version(is_asked: bool) -> None:  # noqa: FBT001 - typer calls it
    if is_asked:
        typer.echo(f"lockstep {version()}")
        raise typer.Exit


app = typer.Typer(cls=_Commands, rich_markup_mode="rich", pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback(epilog="`lockstep COMMAND --help` lists the options of a command. docs/runbook.md describes a failover.")
def _main(
    _version: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Ingest files in two AWS regions: build, try, deploy and operate the platform.

    Exit status of every command: 0 done, 1 failed, 2 wrong usage or refused, 130 interrupted.
    """


def main() -> None:
    """Run the command that is typed."""
    run(app, name="lockstep")


if __name__ == "__main__":
    main()
