"""`lockstep init`: write an environments.toml for a new owner."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from typing import Annotated, Final

import typer

from infra.naming import DEFAULT_PREFIX
from infra.settings import Settings, SettingsError, environment_names, settings_over_defaults
from operations.errors import Refused
from operations.selection import printing_failures
from operations.settings_file import FILE
from reporting.atomic_file import write_whole

_OF_ONE: Final = ("account", "alarms_email")
"""Settings of the environment; the others are of all environments."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def init(  # noqa: PLR0913, PLR0917 - one for each question
    environment: Annotated[str | None, typer.Option(help="The last part of every name.")] = None,
    account: Annotated[str | None, typer.Option(help="The AWS account, 12 digits; '' for none.")] = None,
    prefix: Annotated[str | None, typer.Option(help="The first part of every name, fixed once deployed.")] = None,
    alarms_email: Annotated[str | None, typer.Option(help="Who gets e-mail from alarms; '' for nobody.")] = None,
    primary_region: Annotated[str | None, typer.Option(help="The region that is active until a promotion.")] = None,
    secondary_region: Annotated[str | None, typer.Option(help="The region that takes over.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file, which is kept beside it.")] = False,  # noqa: FBT002
) -> None:
    """Write environments.toml for a new owner. It asks for each setting that no option gives.

    Example: lockstep init --environment prod --account 123456789012
    """
    with printing_failures():
        if FILE.exists() and not force:
            raise Refused(
                f"{FILE} exists{_environments()}; nothing was written.",
                hint="Edit it, or type --force to replace all of it; the present file is kept beside it.",
            )
        environment = _asked("Environment", environment, "prod")
        answers = {
            "account": _asked("AWS account, 12 digits (nothing: this machine alone)", account),
            "prefix": _asked("First part of every name", prefix, DEFAULT_PREFIX),
            "alarms_email": _asked("E-mail address for alarms (nothing: nobody)", alarms_email),
            "primary_region": _asked("Primary region", primary_region, "us-east-1"),
            "secondary_region": _asked("Secondary region", secondary_region, "us-west-2"),
        }
        given = {key: answer for key, answer in answers.items() if answer}
        settings = _validated(environment, given)
        lines = {key: f"{key} = {json.dumps(answer)}" for key, answer in given.items()}
        head = "# `lockstep init` wrote this file. docs/settings.md lists every setting.\n[defaults]"
        replaced = _set_aside() if FILE.exists() else ""
        of_all, of_one = ([lines[key] for key in given if (key in _OF_ONE) is one] for one in (False, True))
        write_whole(FILE, "\n".join([head, *of_all, f"\n[environments.{environment}]", *of_one, ""]))
    places = " ".join(f"aws://{settings.account}/{region}" for region in settings.regions)
    following = f"bootstrap {places}" if settings.has_account else "local --deploy"
    typer.echo(f"{FILE} is written.{replaced}\nNext: lockstep {following} --environment {environment}")


def _environments() -> str:
    """Return the names of the environments in the file, as a part of a sentence; "" if it cannot be read."""
    try:
        return f" with the environments {', '.join(environment_names(FILE))}"
    except SettingsError:
        return ""


def _set_aside() -> str:
    """Keep the present file under a name that is free; return a sentence on what it holds."""
    held = _environments()
    numbers = (FILE.with_name(f"{FILE.name}.old{number or ''}") for number in itertools.count())
    kept = next(path for path in numbers if not path.exists())
    shutil.copyfile(FILE, kept)
    return f" It replaced all of the former file{held}, which is now {kept}: copy from it what you need."


def _asked(question: str, given: str | None, default: str = "") -> str:
    if given is not None:
        return given
    try:
        return str(typer.prompt(question, default, show_default=bool(default)))
    except typer.Abort:
        if sys.stdin.isatty():  # the user pressed Ctrl-C
            raise
        hint = "Nothing was written. `lockstep init --help` lists an option for each question."
        raise Refused(f"{question}: the input ended without an answer.", hint=hint) from None


def _validated(environment: str, given: dict[str, str]) -> Settings:
    try:
        return settings_over_defaults(environment, given)
    except SettingsError as error:
        wrong = [
            f"--{each.key.replace('_', '-')} {each.value}: {each.wrong}. Allowed: {each.allowed}."
            if each.key in {*given, "environment"}
            else str(each)
            for each in error.problems
        ]
        raise Refused("\n".join(wrong), hint="Nothing was written. Type the command again with other values.") from error
