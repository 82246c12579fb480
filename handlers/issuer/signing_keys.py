"""The versions of the signing secret that count, cached, and kept when the secret cannot be read."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import receipts
from handlers.shared.receipts import Receipt, SigningKey, SigningSecretError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

logger = logging.getLogger(__name__)

CACHE_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 30.0
"""After the secret could not be read, or did not hold the version that was looked for."""


class SigningKeys:
    """Signs with AWSCURRENT, verifies with AWSCURRENT and AWSPREVIOUS.

    Args:
        client: Of the region's own replica of the secret.
        secret_name: The secret.
        clock: Seconds that never go backwards.
    """

    def __init__(
        self, *, client: "SecretsManagerClient", secret_name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._secret_name = secret_name
        self._clock = clock
        self._known: tuple[SigningKey, ...] = ()
        self._read_at = 0.0
        self._read_again_at = 0.0

    def sign(self, receipt: Receipt) -> str:
        """Return the receipt, signed with the current version.

        Raises:
            ClientError: The secret cannot be read and never was.
            BotoCoreError: Likewise.
            SigningSecretError: Its value cannot sign.
        """
        return receipts.sign(receipt, self._keys()[0])

    def verify(self, token: str) -> Receipt:
        """Return what a receipt attests; looks for new versions first if it names one that is not known.

        Raises:
            ReceiptError: It is not genuine, or was signed before the rotation before the last one.
            ClientError: The secret cannot be read and never was.
            BotoCoreError: Likewise.
            SigningSecretError: Its value cannot sign.
        """
        keys = self._keys()
        named = receipts.key_version(token)
        if named not in {key.version_id for key in keys} and self._clock() - self._read_at >= RETRY_SECONDS:
            keys = self._keys(anew=True)
        return receipts.verify(token, keys)

    def read(self) -> tuple[SigningKey, ...]:
        """Read the secret now, past the cache and with no fallback: the current version, then the previous one if any.

        Raises:
            ClientError: Secrets Manager refused.
            BotoCoreError: It did not answer.
            SigningSecretError: The current value cannot sign.
        """
        current = self._version("AWSCURRENT")
        try:
            return (current, self._version("AWSPREVIOUS"))
        except self._client.exceptions.ResourceNotFoundException:
            return (current,)  # never rotated yet
        except SigningSecretError:
            logger.warning("the previous version of the signing secret cannot verify; going without", exc_info=True)
            return (current,)

    def _keys(self, *, anew: bool = False) -> tuple[SigningKey, ...]:
        now = self._clock()
        if self._known and now < self._read_again_at and not anew:
            return self._known
        try:
            self._known = self.read()
            self._read_again_at = now + CACHE_SECONDS
        except (ClientError, BotoCoreError, SigningSecretError):
            if not self._known:
                raise
            logger.warning("the signing secret cannot be read; keeping the versions that are known", exc_info=True)
            self._read_again_at = now + RETRY_SECONDS
        self._read_at = now
        return self._known

    def _version(self, stage: str) -> SigningKey:
        value = self._client.get_secret_value(SecretId=self._secret_name, VersionStage=stage)
        return SigningKey.parse(value["VersionId"], value.get("SecretString", ""))
