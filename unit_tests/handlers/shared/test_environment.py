"""Test the settings of each function, which are read from its environment variables."""

from typing import Final

import pytest

from handlers.issuer.settings import Settings as IssuerSettings
from handlers.observer.settings import Settings as ObserverSettings
from handlers.processor.settings import Settings as ProcessorSettings
from handlers.shared.environment import EnvironmentVariableError, FunctionSettings

SETTINGS: Final[tuple[type[FunctionSettings], ...]] = (IssuerSettings, ObserverSettings, ProcessorSettings)
LEAST: Final = {
    "MAXIMUM_OBJECT_BYTES": 1,
    "MAXIMUM_EXPANDED_BYTES": 1,
    "MAXIMUM_RECEIVES": 1,
    "SHADOW_DELAY_SECONDS": 0,
    "SHADOW_MAXIMUM_AGE_SECONDS": 1,
    "CONTROL_CACHE_SECONDS": 0,
    "ATTEMPT_RETENTION_DAYS": 0,
    "UPLOAD_EXPIRY_SECONDS": 1,
    "UPLOAD_RETENTION_DAYS": 0,
    "CANARY_RETENTION_DAYS": 0,
}
"""The least that each number may be."""
NUMBERS: Final = [(kind, name) for kind in SETTINGS for name in LEAST if name in kind.variables()]


def good(kind: type[FunctionSettings]) -> dict[str, str]:
    values = {name: str(LEAST.get(name, name.lower())) for name in kind.variables()}
    return values | {"AUTO_PROMOTE": "true"}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_take_each_field_from_its_variable(kind: type[FunctionSettings]) -> None:
    settings = vars(kind.read(good(kind)))
    read = {"AWS_REGION" if name == "region" else name.upper(): value for name, value in settings.items()}
    assert read == {name: LEAST.get(name, name.lower()) for name in kind.variables()} | (
        {"AUTO_PROMOTE": True} if kind is ObserverSettings else {}
    )


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_without_variables_name_all_that_are_missing(kind: type[FunctionSettings]) -> None:
    required = [name for name, is_required in kind.variables().items() if is_required]
    with pytest.raises(EnvironmentVariableError) as caught:
        kind.read({})
    assert [name for name in kind.variables() if f"{name} is not set" in str(caught.value)] == required


def test_settings_without_a_variable_with_a_default_take_the_default() -> None:
    assert IssuerSettings.read(good(IssuerSettings) | {"CALLERS": ""}).callers == ""


@pytest.mark.parametrize(("kind", "name"), NUMBERS)
@pytest.mark.parametrize("value", ["x", "-1", "1.5", "\uff11"])
def test_settings_with_no_whole_number_are_refused(kind: type[FunctionSettings], name: str, value: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=f"{name} is .*; a whole number of {LEAST[name]} or more is needed"):
        kind.read(good(kind) | {name: value})


def test_settings_with_no_truth_value_are_refused() -> None:
    assert ObserverSettings.read(good(ObserverSettings)).auto_promote
    assert not ObserverSettings.read(good(ObserverSettings) | {"AUTO_PROMOTE": "false"}).auto_promote
    with pytest.raises(
        EnvironmentVariableError, match="TABLE_NAME is not set; AUTO_PROMOTE is 'yes'; 'true' or 'false' is needed"
    ):
        ObserverSettings.read(good(ObserverSettings) | {"AUTO_PROMOTE": "yes", "TABLE_NAME": ""})


def test_observer_that_is_its_own_peer_is_refused() -> None:
    with pytest.raises(EnvironmentVariableError, match="PEER_REGION is 'aws_region', the function's own region"):
        ObserverSettings.read(good(ObserverSettings) | {"PEER_REGION": "aws_region"})
