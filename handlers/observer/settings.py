"""The observer's environment variables."""

from dataclasses import dataclass

from handlers.shared.environment import EnvironmentVariableError, FunctionSettings, Whole


@dataclass(frozen=True, kw_only=True)
class Settings(FunctionSettings):
    """Settings of the observer."""

    peer_region: str
    """The other region."""
    api_url: str
    """URL of this region's own API, without a slash at its end."""
    dead_letter_queue_url: str
    peer_ingest_bucket: str
    replication_rule_id: str
    """Id of the rule under which S3 publishes its replication metrics."""
    shadow_delay_seconds: Whole
    """Seconds after which the processor of a passive region receives a message again that it put back."""
    secret_name: str
    """Name of the secret that signs receipts, in both regions."""
    auto_promote: bool
    """Whether this region may promote itself when the other one is dead; otherwise an operator promotes it."""

    def __post_init__(self) -> None:
        """Refuse the function's own region as its peer."""
        if self.region == self.peer_region:
            raise EnvironmentVariableError([f"PEER_REGION is {self.peer_region!r}, the function's own region"])

    @property
    def regions(self) -> tuple[str, str]:
        """The platform's two regions, the primary first."""
        secondary = self.peer_region if self.region == self.primary_region else self.region
        return self.primary_region, secondary
