"""The processor's environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.shared.environment import EnvironmentReader


@dataclass(frozen=True)
class Settings:
    """What the function's template sets, typed."""

    region: str
    environment: str
    table_name: str
    queue_url: str
    """The region's own ingest queue, on which a passive region puts messages back."""
    dead_letter_queue_url: str
    ingest_bucket: str
    archive_bucket: str
    source: str
    """What an object that was put without the issuer is from; the same in both regions."""
    primary_region: str
    secondary_region: str
    maximum_object_bytes: int
    maximum_expanded_bytes: int
    shadow_delay_seconds: int
    """SQS allows 0 to 900."""
    shadow_maximum_age_seconds: int
    control_cache_seconds: int
    attempt_retention_days: int
    """0 where the table has no TTL, or keeps them."""
    canary_retention_days: int
    """Of a canary's RESULT and records; 0 where the table has no TTL."""
    maximum_receives: int
    """How often SQS delivers a message before it moves it to the dead-letter queue."""

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
            queue_url=reader.text("QUEUE_URL"),
            dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
            ingest_bucket=reader.text("INGEST_BUCKET"),
            archive_bucket=reader.text("ARCHIVE_BUCKET"),
            source=reader.text("SOURCE"),
            primary_region=reader.text("PRIMARY_REGION"),
            secondary_region=reader.text("SECONDARY_REGION"),
            maximum_object_bytes=reader.whole_number("MAXIMUM_OBJECT_BYTES", at_least=1),
            maximum_expanded_bytes=reader.whole_number("MAXIMUM_EXPANDED_BYTES", at_least=1),
            shadow_delay_seconds=reader.whole_number("SHADOW_DELAY_SECONDS"),
            shadow_maximum_age_seconds=reader.whole_number("SHADOW_MAXIMUM_AGE_SECONDS", at_least=1),
            control_cache_seconds=reader.whole_number("CONTROL_CACHE_SECONDS"),
            attempt_retention_days=reader.whole_number("ATTEMPT_RETENTION_DAYS"),
            canary_retention_days=reader.whole_number("CANARY_RETENTION_DAYS"),
            maximum_receives=reader.whole_number("MAXIMUM_RECEIVES", at_least=1),
        )
        reader.finish()
        return settings
