"""The processor's environment variables."""

from dataclasses import dataclass

from handlers.shared.environment import FunctionSettings, Positive, Whole


@dataclass(frozen=True, kw_only=True)
class Settings(FunctionSettings):
    """The processor's and the reconciler's settings."""

    secondary_region: str
    dead_letter_queue_url: str
    archive_bucket: str
    source: str
    """The source of an object that was put without the issuer; the same in both regions."""
    maximum_object_bytes: Positive
    maximum_expanded_bytes: Positive
    shadow_delay_seconds: Whole
    """SQS allows 0 to 900."""
    shadow_maximum_age_seconds: Positive
    control_cache_seconds: Whole
    attempt_retention_days: Whole
    """0 where the table has no TTL, or keeps them."""
    canary_retention_days: Whole
    """Days to keep a canary's RESULT and records; 0 where the table has no TTL."""
    maximum_receives: Positive
    """How often SQS delivers a message before it moves it to the dead-letter queue."""
