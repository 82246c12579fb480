"""The observer's environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.shared.environment import EnvironmentReader


@dataclass(frozen=True)
class Settings:
    """What the function's template sets, typed."""

    region: str
    environment: str
    table_name: str
    primary_region: str
    peer_region: str
    """The other region."""
    api_url: str
    """Of this region's own API; no slash at its end."""
    queue_url: str
    dead_letter_queue_url: str
    ingest_bucket: str
    peer_ingest_bucket: str
    replication_rule_id: str
    """Of S3's replication, under which its metrics are found."""
    secret_name: str
    """Of the secret that signs receipts, in both regions."""
    auto_promote: bool
    """Whether this region may promote itself when the other one is gone; a person does it otherwise."""

    @property
    def regions(self) -> tuple[str, str]:
        """The platform's two regions, the primary first."""
        secondary = self.peer_region if self.region == self.primary_region else self.region
        return self.primary_region, secondary

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
            primary_region=reader.text("PRIMARY_REGION"),
            peer_region=reader.text("PEER_REGION"),
            api_url=reader.text("API_URL").rstrip("/"),
            queue_url=reader.text("QUEUE_URL"),
            dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
            ingest_bucket=reader.text("INGEST_BUCKET"),
            peer_ingest_bucket=reader.text("PEER_INGEST_BUCKET"),
            replication_rule_id=reader.text("REPLICATION_RULE_ID"),
            secret_name=reader.text("SECRET_NAME"),
            auto_promote=_truth(reader, "AUTO_PROMOTE"),
        )
        if settings.region and settings.region == settings.peer_region:
            reader.problems.append(f"PEER_REGION is {settings.peer_region!r}, the function's own region")
        reader.finish()
        return settings


def _truth(reader: EnvironmentReader, name: str) -> bool:
    value = reader.text(name)
    if value not in ("true", "false", ""):  # that it is empty has been said
        reader.problems.append(f"{name} is {value!r}; 'true' or 'false' is needed")
    return value == "true"
