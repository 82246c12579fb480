"""The processor's environment variables."""

from dataclasses import dataclass

from handlers.shared.environment import FunctionSettings, Positive, Whole


@dataclass(frozen=True, kw_only=True)
class Settings(FunctionSettings):
    """Settings of the processor and the reconciler."""

    secondary_region: str
    dead_letter_queue_url: str
    archive_bucket: str
    source: str
    """Source of an object that was uploaded without the issuer; the same in both regions."""
    maximum_object_bytes: Positive
    maximum_expanded_bytes: Positive
    shadow_delay_seconds: Whole
    """SQS allows 0 to 900."""
    shadow_maximum_age_seconds: Positive
    control_cache_seconds: Whole
    attempt_retention_days: Whole
    """Days to keep an ATTEMPT row; 0 where the table has no TTL or keeps every row."""
    canary_retention_days: Whole
    """Days to keep a canary's RESULT and records; 0 where the table has no TTL."""
    maximum_receives: Positive
    """Number of deliveries after which SQS moves a message to the dead-letter queue."""
    formats: str = ""
    """Formats of files by the beginning of their key; see `parsers.pins.pinned`."""

    @property
    def peer_region(self) -> str:
        """The other region."""
        return self.secondary_region if self.region == self.primary_region else self.primary_region
