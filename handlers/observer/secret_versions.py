"""Whether both regions sign with the same key: the versions of the receipt secret that are current in each.

A new version is encrypted for the other region under the rotation's identity; where that is refused, the replica keeps
the old key, and each region signs with its own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"


class NoCurrentVersionError(Exception):
    """The secret has no current version in a region."""


@dataclass(frozen=True)
class SecretVersions:
    """Reads the version ids; a replica's versions have the ids of the secret that it is made from."""

    here: "SecretsManagerClient"
    """A client of this region."""
    there: "SecretsManagerClient"
    """A client of the other region, which does not wait long."""
    secret_name: str

    def current_here(self) -> str:
        """Return the id of this region's current version.

        Raises:
            NoCurrentVersionError: There is none.
            ClientError: Secrets Manager refused.
            BotoCoreError: Secrets Manager did not answer.
        """
        return self._current(self.here)

    def current_there(self) -> str:
        """Return the id of the other region's current version; raises what `current_here` does."""
        return self._current(self.there)

    def _current(self, client: "SecretsManagerClient") -> str:
        stages = client.describe_secret(SecretId=self.secret_name).get("VersionIdsToStages", {})
        for version, names in stages.items():
            if CURRENT in names:
                return version
        raise NoCurrentVersionError(
            f"secret {self.secret_name} has no {CURRENT} version in {client.meta.region_name}, only {dict(stages)}; "
            "rotate it: aws secretsmanager rotate-secret, in the region that homes it"
        )
