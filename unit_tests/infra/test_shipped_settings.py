"""Test environments.toml of this repository or a fork: every environment in it is valid and synthesizes."""

from pathlib import Path

import pytest

from infra.naming import Naming
from infra.settings import default_environment, environment_names, load_settings
from unit_tests.infra.synthesis import STACKS, synthesized

SHIPPED = Path(__file__).parents[2] / "environments.toml"


@pytest.mark.parametrize("environment", environment_names(SHIPPED))
def test_shipped_environment_is_valid(environment: str) -> None:
    settings = load_settings(environment, SHIPPED)
    assert settings.environment == environment
    assert settings.is_protected == (environment == "prod" or bool(settings.protected))


def test_shipped_default_environment_is_one_of_the_file() -> None:
    assert default_environment(SHIPPED) in environment_names(SHIPPED)


def test_shipped_default_environment_is_built_where_it_says() -> None:
    settings = load_settings(default_environment(SHIPPED), SHIPPED)
    made = synthesized(settings)
    assert set(made.stacks) == set(STACKS)
    assert {stack.account for stack in made.stacks.values()} == {settings.account}
    assert {stack.region for stack in made.stacks.values()} == set(settings.regions)
    assert made.stacks["Data"].name == Naming(settings.environment, settings.prefix).stack("data")
