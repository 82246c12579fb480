"""Cache the valid versions of the signing secret, and keep them while the secret cannot be read."""

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
"""Shortest time between two reads after a failed read, or after a receipt of an unknown version."""


class SigningKeys:
    """Signs receipts with AWSCURRENT, and verifies them with AWSCURRENT and AWSPREVIOUS.

    Args:
        client: A client of this region, which has a replica of the secret.
        secret_name: Name of the secret.
        clock: Returns monotonic seconds.
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
            BotoCoreError: Secrets Manager does not answer and never did.
            SigningSecretError: The secret's value cannot sign.
        """
        return receipts.sign(receipt, self._keys()[0])

    def verify(self, token: str) -> Receipt:
        """Return the content of a receipt; a receipt of an unknown version makes it read the secret again first.

        Raises:
            ReceiptError: The receipt is not genuine, or two rotations have replaced its version.
            ClientError: The secret cannot be read and never was.
            BotoCoreError: Secrets Manager does not answer and never did.
            SigningSecretError: The secret's value cannot sign.
        """
        keys = self._keys()
        named = receipts.key_version(token)
        if named not in {key.version_id for key in keys} and self._clock() - self._read_at >= RETRY_SECONDS:
            keys = self._keys(anew=True)
        return receipts.verify(token, keys)

    def read(self) -> tuple[SigningKey, ...]:
        """Read the current and the previous version, if any, without the cache.

        Raises:
            ClientError: Secrets Manager returned an error.
            BotoCoreError: Secrets Manager did not answer.
            SigningSecretError: The current value cannot sign.
        """
        current = self._version("AWSCURRENT")
        try:
            return (current, self._version("AWSPREVIOUS"))
        except self._client.exceptions.ResourceNotFoundException:
            return (current,)  # before the first rotation
        except SigningSecretError:
            logger.warning("the previous version of the signing secret cannot verify; it is ignored", exc_info=True)
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
            logger.warning("the signing secret cannot be read; the known versions stay in use", exc_info=True)
            self._read_again_at = now + RETRY_SECONDS
        self._read_at = now
        return self._known

    def _version(self, stage: str) -> SigningKey:
        value = self._client.get_secret_value(SecretId=self._secret_name, VersionStage=stage)
        return SigningKey.parse(value["VersionId"], value.get("SecretString", ""))
