"""The issuer's environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.issuer.callers import Callers
from handlers.shared.environment import EnvironmentReader


@dataclass(frozen=True)
class Settings:
    """What the template tells the issuer."""

    region: str
    environment: str
    table_name: str
    ingest_bucket: str
    data_key_arn: str
    queue_url: str
    secret_name: str
    primary_region: str
    secondary_region: str
    maximum_object_bytes: int
    upload_expiry_seconds: int
    upload_retention_days: int
    """Of UPLOAD and CLAIM rows; 0 where the table has no TTL."""
    canary_retention_days: int
    """Of the same rows of a canary; 0 likewise."""
    callers: Callers
    """Which principals may use which sources."""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Settings":
        """Read them.

        Raises:
            EnvironmentVariableError: Names every variable that is missing or wrong.
        """
        reader = EnvironmentReader(variables)
        settings = cls(
            region=reader.text("AWS_REGION"),
            environment=reader.text("ENVIRONMENT"),
            table_name=reader.text("TABLE_NAME"),
            ingest_bucket=reader.text("INGEST_BUCKET"),
            data_key_arn=reader.text("DATA_KEY_ARN"),
            queue_url=reader.text("QUEUE_URL"),
            secret_name=reader.text("SECRET_NAME"),
            primary_region=reader.text("PRIMARY_REGION"),
            secondary_region=reader.text("SECONDARY_REGION"),
            maximum_object_bytes=reader.whole_number("MAXIMUM_OBJECT_BYTES", at_least=1),
            upload_expiry_seconds=reader.whole_number("UPLOAD_EXPIRY_SECONDS", at_least=1),
            upload_retention_days=reader.whole_number("UPLOAD_RETENTION_DAYS"),
            canary_retention_days=reader.whole_number("CANARY_RETENTION_DAYS"),
            callers=Callers.parse(variables.get("CALLERS", ""), reader.text("OBSERVER_ROLE_ARNS")),
        )
        reader.finish()
        return settings
