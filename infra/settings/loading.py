"""Reads the settings of one environment, or tells everything that is wrong with them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_origin

from pydantic import ValidationError

from infra.settings.contradictions import CONTRADICTION, Contradiction
from infra.settings.diagnosis import Diagnosis, every_setting
from infra.settings.errors import Problem, SettingsError, closest, shown, shown_key
from infra.settings.model import Settings
from infra.settings.sources import DEFAULTS, ENVIRONMENTS, Layered, Path_, SettingsFile, Source

SETTINGS_FILE: Final = Path("environments.toml")
_ENVIRONMENT_KEY: Final = "environment"


def load_settings(
    environment: str = "prod",
    path: Path = SETTINGS_FILE,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read an environment's settings: the file's `[defaults]`, its `[environments.<environment>]`, the overrides.

    Args:
        environment: The name of the environment's table.
        path: The settings file.
        overrides: Settings by dotted key, as in `{"retention.logs_days": "30"}`. Text is read as what the setting
            takes, because the command line knows only text; a list is written with commas.

    Raises:
        SettingsError: With every problem at once.
    """
    file = SettingsFile.read(path)
    problems = list(file.problems)
    if not _is_known(environment, file):
        problems.append(_unknown_environment(environment, file))
    layered = _layered(environment, file, overrides or {})
    problems += _named_inside(layered)
    fallback = file.source(ENVIRONMENTS, environment if _is_known(environment, file) else "<name>")
    settings, found = _validated(environment, layered, Diagnosis(layered, fallback))
    problems += [each for each in found if each.key != _ENVIRONMENT_KEY or not problems]
    if settings is None or problems:
        title = f"{path}, environment {shown(environment)}"
        raise SettingsError(title, tuple(sorted(problems, key=lambda problem: problem.key)))
    return settings


def environment_names(path: Path = SETTINGS_FILE) -> tuple[str, ...]:
    """The environments that the file has tables for, in its order.

    Raises:
        SettingsError: The file cannot be read, or its outline is wrong.
    """
    file = SettingsFile.read(path)
    if file.problems:
        raise SettingsError(str(path), file.problems)
    return tuple(file.environments)


def overrides_from_context(context: Mapping[str, object]) -> dict[str, object]:
    """Pick the settings out of the CDK context, which also holds feature flags, look-ups and the environment's name.

    Whatever looks like a setting is kept, so that a misspelt one is an error and not silence.
    """
    looks_like_a_setting = re.compile(r"[a-z_]+(\.[^:/@]+)*")
    return {
        key: value
        for key, value in context.items()
        if key != _ENVIRONMENT_KEY and looks_like_a_setting.fullmatch(key)
    }
