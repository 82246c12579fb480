"""The processor's environment variables: typed, and everything that is wrong with them at once."""

import pytest

from handlers.processor.settings import Settings
from handlers.shared.environment import EnvironmentVariableError

TEXTS = (
    *("AWS_REGION", "ENVIRONMENT", "TABLE_NAME", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "INGEST_BUCKET", "ARCHIVE_BUCKET"),
    "SOURCE",
    "PRIMARY_REGION",
    "SECONDARY_REGION",
)
NUMBERS = {
    "MAXIMUM_OBJECT_BYTES": 1,
    "MAXIMUM_EXPANDED_BYTES": 1,
    "SHADOW_DELAY_SECONDS": 0,
    "SHADOW_MAXIMUM_AGE_SECONDS": 1,
    "CONTROL_CACHE_SECONDS": 0,
    "ATTEMPT_RETENTION_DAYS": 0,
    "CANARY_RETENTION_DAYS": 0,
    "MAXIMUM_RECEIVES": 1,
}
"""The least that each may be."""
GOOD = {name: name.lower() for name in TEXTS} | {name: str(least) for name, least in NUMBERS.items()}


def test_each_variable_is_a_setting() -> None:
    settings = Settings.read(GOOD)
    assert {str(value) for value in vars(settings).values()} == set(GOOD.values())
    assert settings.region == "aws_region"
    assert settings.maximum_receives == 1


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(EnvironmentVariableError) as caught:
        Settings.read({})
    assert all(name in str(caught.value) for name in GOOD)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "\uff11"])
def test_what_is_no_whole_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(EnvironmentVariableError, match=f"{name} is .*; a whole number of {NUMBERS[name]} or more is needed"):
        Settings.read(GOOD | {name: value})
