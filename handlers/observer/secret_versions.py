"""Read the current version of the receipt secret in both regions, to detect regions that sign with different keys.

A new version is encrypted for the other region under the rotation's identity. If that is refused, the replica keeps the old
key, and the regions sign with different keys.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"


class NoCurrentVersionError(Exception):
    """Raised when the secret has no current version in a region."""


@dataclass(frozen=True)
class SecretVersions:
    """Reads version ids; the versions of a replica have the same ids as those of its primary secret."""

    here: "SecretsManagerClient"
    """A client of this region."""
    there: "SecretsManagerClient"
    """A client of the other region with short timeouts."""
    secret_name: str

    def current_here(self) -> str:
        """Return the id of this region's current version.

        Raises:
            NoCurrentVersionError: The secret has no current version.
            ClientError: Secrets Manager returned an error.
            BotoCoreError: Secrets Manager did not answer.
        """
        return self._current(self.here)

    def current_there(self) -> str:
        """Return the id of the other region's current version; raises the same errors as `current_here`."""
        return self._current(self.there)

    def _current(self, client: "SecretsManagerClient") -> str:
        stages = client.describe_secret(SecretId=self.secret_name).get("VersionIdsToStages", {})
        for version, names in stages.items():
            if CURRENT in names:
                return version
        raise NoCurrentVersionError(
            f"secret {self.secret_name} has no {CURRENT} version in {client.meta.region_name}, only {dict(stages)}; "
            "rotate it: aws secretsmanager rotate-secret, in the region of its primary secret"
        )
