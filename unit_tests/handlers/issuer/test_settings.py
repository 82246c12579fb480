"""The environment variables."""

import pytest

from handlers.issuer.settings import Settings
from handlers.shared.environment import EnvironmentVariableError

GOOD = {
    "AWS_REGION": "us-west-2",
    "ENVIRONMENT": "prod",
    "TABLE_NAME": "t",
    "INGEST_BUCKET": "b",
    "DATA_KEY_ARN": "k",
    "QUEUE_URL": "q",
    "SECRET_NAME": "s",
    "PRIMARY_REGION": "us-east-1",
    "SECONDARY_REGION": "us-west-2",
    "OBSERVER_ROLE_ARNS": "arn:aws:iam::123456789012:role/observer",
    "MAXIMUM_OBJECT_BYTES": "100",
    "UPLOAD_EXPIRY_SECONDS": "900",
    "UPLOAD_RETENTION_DAYS": "90",
    "CANARY_RETENTION_DAYS": "20",
}


def test_they_are_read() -> None:
    settings = Settings.read(GOOD)
    assert (settings.region, settings.primary_region) == ("us-west-2", "us-east-1")
    assert (settings.maximum_object_bytes, settings.upload_expiry_seconds) == (100, 900)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(EnvironmentVariableError) as caught:
        Settings.read({})
    assert all(name in str(caught.value) for name in GOOD)
