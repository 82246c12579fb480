"""Read the environment, the two regions and the control region of a platform from environments.toml."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from infra.naming import DEFAULT_PREFIX
from infra.settings import (
    AWS_REGIONS,
    OTHER_PARTITIONS,
    RegionRole,
    Settings,
    SettingsError,
    default_environment,
    environment_names,
    load_settings,
)
from operations.checkout import find_checkout
from operations.errors import Refused

FILE = (find_checkout() or Path.cwd()) / "environments.toml"
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
"""Options of the commands that run locally, or with --live in an account."""


@dataclass(frozen=True)
class Place:
    """The environment and the regions of a deployed platform.

    Attributes:
        environment: The environment in the stacks' names.
        primary: The primary's region.
        secondary: The secondary's region.
        control: The region of the data and failover stacks, one of the two.
        prefix: First part of every name.
        is_protected: Whether a change needs the account.
    """

    environment: str
    primary: str
    secondary: str
    control: str
    prefix: str = DEFAULT_PREFIX
    is_protected: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Place:
        """Return the place that the settings describe."""
        regions = (*settings.regions, settings.control_region)
        return cls(settings.environment, *regions, settings.prefix, settings.is_protected)


def read_settings(environment: str | None) -> Settings:
    """Read the settings of an environment; without a name, of the default environment of local commands.

    Raises:
        Refused: The settings are wrong; the message lists every problem.
    """
    try:
        return load_settings(environment or default_environment(FILE), FILE)
    except SettingsError as error:
        # A key other than `environment` is corrected in the file.
        raise Refused(str(error).replace("-c environment=", "--environment "), hint="Nothing was started.") from error


def place_of(
    environment: str | None = None,
    primary: str | None = None,
    secondary: str | None = None,
    control: str | None = None,
    prefix: str | None = None,
) -> Place:
    """Return the place of a deployed platform: the given values, and environments.toml for the others.

    Without a usable file, the environment and both regions are needed, and the environment counts as protected.

    Raises:
        Refused: The file is wrong, its environment is ambiguous, or the regions contradict each other.
    """
    try:
        name = environment or _only_environment()
        settings = read_settings(name)
    except Refused as refused:
        if not (environment and primary and secondary):
            hint = f"{refused.hint} With --environment, --primary and --secondary the file is not needed."
            raise Refused(refused.message, hint=hint) from refused
        return _consistent(Place(environment, primary, secondary, control or secondary, prefix or DEFAULT_PREFIX))
    primary, secondary = primary or settings.primary_region, secondary or settings.secondary_region
    by_role = {RegionRole.PRIMARY: primary, RegionRole.SECONDARY: secondary}
    place = replace(Place.of(settings), primary=primary, secondary=secondary, control=control or by_role[settings.control])
    return _consistent(replace(place, prefix=prefix or settings.prefix))


def _only_environment() -> str:
    """Return the default environment: `prod`, or the file's only one."""
    try:
        names = environment_names(FILE)
    except SettingsError as error:
        raise Refused(str(error), hint="Nothing was started.") from error
    if _PROD in names or not names:
        return _PROD
    if len(names) == 1:
        return names[0]
    raise Refused(
        f"No environment is given, and {FILE.name} has no default prod. It has {', '.join(names)}.",
        hint=f"Nothing was started. Type --environment and one of {', '.join(names)}.",
    )


def _consistent(place: Place) -> Place:
    known = (*AWS_REGIONS, *itertools.chain(*OTHER_PARTITIONS.values()))
    for region in (place.primary, place.secondary):
        if region not in known:
            near = difflib.get_close_matches(region, known)
            raise Refused(
                f"{region!r} is not a region of AWS.", hint=f"Type a region, such as {' or '.join(near or known[:1])}."
            )
    if place.primary == place.secondary or place.control not in {place.primary, place.secondary}:
        raise Refused(
            f"The regions contradict each other: primary {place.primary}, secondary {place.secondary}, "
            f"control {place.control}.",
            hint="Type two different regions; the control region is one of them.",
        )
    return place
