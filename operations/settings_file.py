"""Where a platform stands, by environments.toml: its environment, its regions, and which of them is in control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from infra.settings import RegionRole, Settings, SettingsError, default_environment, environment_names, load_settings
from operations.errors import Refused

FILE = Path(__file__).resolve().parents[1] / "environments.toml"
_PROD: Final = "prod"

EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        help="The environment of environments.toml.",
        show_default="prod; in a file without prod its first, and with --live its only one",
    ),
]
PrimaryOption = Annotated[
    str | None, typer.Option(help="With --live: the primary's region.", show_default="the environment's")
]
SecondaryOption = Annotated[
    str | None, typer.Option(help="With --live: the secondary's region.", show_default="the environment's")
]
"""Options of the commands that run here, and with --live in an account."""


@dataclass(frozen=True)
class Place:
    """Where a deployed platform is.

    Attributes:
        environment: As in the stacks' names.
        primary: The primary's region.
        secondary: The secondary's region.
        control: The region of the data and failover stacks, one of the two.
    """

    environment: str
    primary: str
    secondary: str
    control: str


def read_settings(environment: str | None) -> Settings:
    """Read the settings of an environment; without a name, of the one that local commands are about by default.

    Raises:
        Refused: They are wrong; the message has every problem.
    """
    try:
        return load_settings(environment or default_environment(FILE), FILE)
    except SettingsError as error:
        is_misnamed = any(problem.key == "environment" for problem in error.problems)
        how = " Here the environment is chosen by --environment NAME." if is_misnamed else ""
        raise Refused(str(error), hint=f"Nothing was begun.{how}") from error


def place_of(
    environment: str | None = None, primary: str | None = None, secondary: str | None = None, control: str | None = None
) -> Place:
    """Return where a deployed platform is: as given, and what is not given as environments.toml has it.

    A platform whose environment and two regions are given can be reached while the file is missing or wrong.

    Raises:
        Refused: The file is needed and wrong, its environment is not unique, or the regions contradict each other.
    """
    try:
        name = environment or _only_environment()
        settings = read_settings(name)
    except Refused as refused:
        if not (environment and primary and secondary):
            hint = f"{refused.hint} With --environment, --primary and --secondary the file is not needed."
            raise Refused(refused.message, hint=hint) from refused
        return _consistent(Place(environment, primary, secondary, control or secondary))
    primary, secondary = primary or settings.primary_region, secondary or settings.secondary_region
    by_role = {RegionRole.PRIMARY: primary, RegionRole.SECONDARY: secondary}
    return _consistent(Place(name, primary, secondary, control or by_role[settings.control]))


def _only_environment() -> str:
    """Return the environment that is meant where none is given: `prod`, or the file's only one."""
    try:
        names = environment_names(FILE)
    except SettingsError as error:
        raise Refused(str(error), hint="Nothing was begun.") from error
    if _PROD in names or not names:
        return _PROD
    if len(names) == 1:
        return names[0]
    raise Refused(
        f"{FILE.name} has no environment prod, and no environment is given. It has {', '.join(names)}.",
        hint=f"Nothing was begun. Type --environment and one of {', '.join(names)}.",
    )


def _consistent(place: Place) -> Place:
    if place.primary == place.secondary or place.control not in {place.primary, place.secondary}:
        raise Refused(
            f"The regions contradict each other: primary {place.primary}, secondary {place.secondary}, "
            f"control {place.control}.",
            hint="Primary and secondary differ, and the control region is one of them.",
        )
    return place
