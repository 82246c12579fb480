"""The four steps of a rotation."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from handlers.shared import receipts
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt, SigningKey

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"


class RotationRefusedError(Exception):
    """Raised when a step does not belong to a rotation in progress; the message is the reason."""


@dataclass(frozen=True)
class Rotation:
    """One rotation of one secret to one new version."""

    client: "SecretsManagerClient"
    secret_id: str
    version_id: str
    """Id of the new version, from Secrets Manager."""

    def run(self, step: str) -> None:
        """Do one step, unless the whole rotation is done already.

        Args:
            step: Secrets Manager's name of the step.

        Raises:
            RotationRefusedError: The step is unknown, or the secret is not being rotated to this version.
            SigningSecretError: The new version's value cannot sign.
        """
        steps: dict[str, Callable[[], None]] = {
            "createSecret": self.create_secret,
            "setSecret": self.set_secret,
            "testSecret": self.test_secret,
            "finishSecret": self.finish_secret,
        }
        if step not in steps:
            raise RotationRefusedError(f"step {step!r} is unknown; the steps are {', '.join(steps)}")
        stages = self._stages()
        if CURRENT in stages.get(self.version_id, ()):
            return  # a repeated delivery after finishSecret
        if PENDING not in stages.get(self.version_id, ()):
            raise RotationRefusedError(
                f"version {self.version_id} of {self.secret_id} is not staged as {PENDING}: no rotation is under way. "
                "Start one with `aws secretsmanager rotate-secret`, not by invoking this function"
            )
        steps[step]()

    def create_secret(self) -> None:
        """Give the new version a value, unless it has one."""
        try:
            self._pending()
        except self.client.exceptions.ResourceNotFoundException:
            self.client.put_secret_value(
                SecretId=self.secret_id,
                ClientRequestToken=self.version_id,
                SecretString=receipts.new_secret_string(),
                VersionStages=[PENDING],
            )

    def set_secret(self) -> None:
        """Do nothing: no other system stores the key; every verifier reads the secret itself."""

    def test_secret(self) -> None:
        """Check that the new version signs and verifies, and that its key is a new one.

        Raises:
            RotationRefusedError: The key is the current key.
            ReceiptError: A receipt that it signs does not verify.
        """
        pending = self._pending()
        # The current value is compared as text: a rotation must be able to replace a value that cannot sign.
        current = self.client.get_secret_value(SecretId=self.secret_id, VersionStage=CURRENT)["SecretString"]
        if pending.key in current:
            raise RotationRefusedError(f"version {self.version_id} holds the current key; a rotation needs a new one")
        probe = _probe()
        if receipts.verify(receipts.sign(probe, pending), [pending]) != probe:
            raise RotationRefusedError(f"a receipt that version {self.version_id} signs does not verify as it was signed")

    def finish_secret(self) -> None:
        """Make the new version the current one; Secrets Manager labels the former one AWSPREVIOUS."""
        stages = self._stages()
        current = next((version for version, names in stages.items() if CURRENT in names), None)
        self.client.update_secret_version_stage(
            SecretId=self.secret_id,
            VersionStage=CURRENT,
            MoveToVersionId=self.version_id,
            **({"RemoveFromVersionId": current} if current else {}),
        )

    def _stages(self) -> dict[str, list[str]]:
        secret = self.client.describe_secret(SecretId=self.secret_id)
        if not secret.get("RotationEnabled"):
            raise RotationRefusedError(
                f"rotation of {self.secret_id} is not enabled; enable it on the secret of the control region, "
                "which its replicas follow"
            )
        return dict(secret.get("VersionIdsToStages", {}))

    def _pending(self) -> SigningKey:
        value = self.client.get_secret_value(SecretId=self.secret_id, VersionId=self.version_id, VersionStage=PENDING)
        return SigningKey.parse(value["VersionId"], value["SecretString"])


def _probe() -> Receipt:
    upload = Upload(source="rotation", upload_id="probe", content_sha256="0" * 64, file_key="probe")
    return Receipt(upload=upload, size=1, region="probe", issued_at=int(time.time()))
