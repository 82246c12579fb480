"""Sign and verify receipts: the issuer signs them for clients, and every reader of the secret can verify them.

A receipt is a JWT (HS256). Its `kid` header names the version of the secret that signed it. It has no expiry of its own: it
verifies while its version is the secret's AWSCURRENT or AWSPREVIOUS, that is, through one rotation.
"""

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import jwt

from handlers.shared.object_keys import Upload

ALGORITHM: Final = "HS256"
ISSUER: Final = "lockstep"
MINIMUM_KEY_BYTES: Final = 32
"""HS256's digest is 32 bytes; a shorter key would weaken the signature."""
CLOCK_SKEW_SECONDS: Final = 300
"""Largest lead of another region's clock; a receipt with a later time is refused."""

_SECRET_FIELD: Final = "key"  # noqa: S105 - a field's name
_TEXT_CLAIMS: Final = ("object_id", "upload_id", "source", "key", "sha256", "region")


class ReceiptError(Exception):
    """Raised when a receipt was not signed by this platform with a version that is still valid."""


class SigningSecretError(Exception):
    """Raised when the secret's value is not `{"key": "<32 bytes or more>"}`; the message never holds the value."""


@dataclass(frozen=True)
class SigningKey:
    """One version of the signing secret."""

    version_id: str
    """Version of the secret, which a receipt names in its `kid`."""
    key: str = field(repr=False)
    """The HMAC key: the UTF-8 bytes of this text, 32 or more; the text is not decoded."""

    @classmethod
    def parse(cls, version_id: str, secret_string: str) -> "SigningKey":
        """Parse a version of the secret.

        Raises:
            SigningSecretError: The text is not JSON, or holds no key of sufficient length.
        """
        try:
            value = json.loads(secret_string)
        except ValueError:
            value = None
        key = value.get(_SECRET_FIELD) if isinstance(value, dict) else None
        if not isinstance(key, str) or len(key.encode()) < MINIMUM_KEY_BYTES:
            raise SigningSecretError(
                f"version {version_id} of the signing secret is not a JSON object whose {_SECRET_FIELD!r} is a text of "
                f"{MINIMUM_KEY_BYTES} bytes or more; rotate the secret to get one that is"
            )
        return cls(version_id, key)


def new_secret_string() -> str:
    """Return a new value for the secret: `{"key": <32 random bytes in base64>}`."""
    return json.dumps({_SECRET_FIELD: base64.b64encode(secrets.token_bytes(MINIMUM_KEY_BYTES)).decode()})


@dataclass(frozen=True)
class Receipt:
    """The content of a receipt: it proves that the issuer of a region accepted an upload."""

    upload: Upload
    size: int
    """Bytes."""
    region: str
    """Region of the presigned URL."""
    issued_at: int
    """Epoch seconds."""
    part_size: int = 0
    """Bytes of each part but the last of a multipart upload; 0 for an upload by one PUT."""

    @property
    def parts(self) -> int:
        """Number of parts of a multipart upload."""
        return -(-self.size // self.part_size)

    def bytes_of(self, number: int) -> int:
        """Return the length of a part in bytes; the first part has number 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def sign(receipt: Receipt, key: SigningKey) -> str:
    """Return the receipt as a compact JWT."""
    claims = {
        "iss": ISSUER,
        "iat": receipt.issued_at,
        "object_id": receipt.upload.object_id,
        "upload_id": receipt.upload.upload_id,
        "source": receipt.upload.source,
        "key": receipt.upload.file_key,
        "size": receipt.size,
        "sha256": receipt.upload.content_sha256,
        "region": receipt.region,
        **({"part_size": receipt.part_size} if receipt.part_size else {}),
    }
    return jwt.encode(claims, key.key, algorithm=ALGORITHM, headers={"kid": key.version_id})


def verify(token: str, keys: Iterable[SigningKey]) -> Receipt:
    """Return the content of a receipt.

    Every given key is tried, independent of the `kid`: the signature is the proof, and the `kid` only names the key to
    look for when none fits.

    Raises:
        ReceiptError: The text is not a receipt, or none of the keys signed it in this form.
    """
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "iat"]},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError as error:
            raise ReceiptError(f"the receipt cannot be accepted: {error}") from error
        return _receipt(claims)
    raise ReceiptError("the receipt was changed, or signed by a version of the secret that is no longer known")


def key_version(token: str) -> str | None:
    """Return the version of the secret that a receipt names, or None. This proves nothing about the signature."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        return None
    return kid if isinstance(kid, str) else None


def _receipt(claims: dict[str, object]) -> Receipt:
    texts = {name: claims.get(name) for name in _TEXT_CLAIMS}
    size, issued_at, part_size = claims.get("size"), claims.get("iat"), claims.get("part_size", 0)
    if (
        not all(isinstance(text, str) for text in texts.values())
        or not isinstance(size, int)
        or not isinstance(part_size, int)
    ):
        raise ReceiptError("the receipt is signed, but an upload's claims are missing")
    upload = Upload(
        source=str(texts["source"]),
        upload_id=str(texts["upload_id"]),
        content_sha256=str(texts["sha256"]),
        file_key=str(texts["key"]),
    )
    return Receipt(upload=upload, size=size, region=str(texts["region"]), issued_at=int(str(issued_at)), part_size=part_size)
