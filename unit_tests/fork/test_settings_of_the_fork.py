"""Test that the fork of `nox -s fork` sets every setting, and tries each choice of a setting with few choices."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings import AWS_REGIONS, OTHER_PARTITIONS, Settings, environment_names, load_settings
from infra.settings.diagnosis import every_setting
from infra.settings.model import LOG_RETENTION_DAYS
from integration_tests.fork.edits import MATRIX, SETTINGS_FILE

ALL = [load_settings(name, SETTINGS_FILE) for name in environment_names(SETTINGS_FILE)]
MANY = (AWS_REGIONS, LOG_RETENTION_DAYS)


def value(settings: Settings, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - a setting's
    found: Any = settings
    for name in path:
        found = getattr(found, name, None)
    return found


@pytest.mark.parametrize("path", [path for path, _ in every_setting()], ids=".".join)
def test_setting_is_tried_with_another_value_than_its_default(path: tuple[str, ...]) -> None:
    default = value(Settings(), path)
    assert any(value(settings, path) != default for settings in ALL)


CHOICES = [
    (path, option)
    for path, field in every_setting()
    if isinstance(field.json_schema_extra, dict)
    for options in [field.json_schema_extra.get("options", [])]
    if isinstance(options, list) and len(options) < min(map(len, MANY))
    for option in options
]


@pytest.mark.parametrize(("path", "option"), CHOICES, ids=lambda part: ".".join(part) if isinstance(part, tuple) else part)
def test_choice_is_tried(path: tuple[str, ...], option: str) -> None:
    tried = {str(value(settings, path)) for settings in ALL}
    assert option in tried


def test_matrix_of_forks_has_each_partition_and_a_protected_environment() -> None:
    forks = [load_settings(name, file) for file in MATRIX for name in environment_names(file)]
    assert {frozenset(settings.regions) for settings in forks} > set(map(frozenset, OTHER_PARTITIONS.values()))
    assert any(settings.is_protected and settings.environment != "prod" for settings in forks)
    assert any("-" in settings.environment and settings.vpc.mode == "none" for settings in forks)
    assert len({settings.account for settings in forks}) > 1
