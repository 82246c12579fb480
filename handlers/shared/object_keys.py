"""The key of an object in the ingest bucket, and the identity that is derived from it (data rule 1).

Replicas keep their version id and cause events in the destination too, and a client that lost an answer retries in the
other region. So the identity never holds the bucket's name, the region or the ETag.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

INCOMING: Final = "incoming/"
"""Prefix of all ingest objects."""
UPLOADS: Final = INCOMING + "uploads/"
"""Prefix of uploads through the issuer: `incoming/uploads/<source>/<upload id>/<sha256>/<file key>`."""

CANARY_SOURCE: Final = "canary"
"""The source of the files that the observer uploads every minute."""
CANARIES: Final = f"{UPLOADS}{CANARY_SOURCE}/"


@dataclass(frozen=True)
class Upload:
    """The parts of the key of an upload through the issuer."""

    source: str
    upload_id: str
    content_sha256: str
    """64 lowercase hexadecimal digits."""
    file_key: str
    """The client's name of the file; it may hold slashes."""

    @property
    def object_key(self) -> str:
        """Key in the ingest bucket, the same in both regions."""
        return f"{UPLOADS}{self.source}/{self.upload_id}/{self.content_sha256}/{self.file_key}"

    @property
    def object_id(self) -> str:
        """Identity of the object, the same for every retry in either region."""
        return digest("upload", self.source, self.upload_id, self.content_sha256)

    @classmethod
    def parse(cls, object_key: str) -> "Upload | None":
        """Parse a key of the ingest bucket; return None if it is not an upload through the issuer."""
        if not object_key.startswith(UPLOADS):
            return None
        parts = object_key[len(UPLOADS) :].split("/", 3)
        if len(parts) != 4 or not all(parts) or len(parts[2]) != 64:  # noqa: PLR2004 - the four parts named above
            return None
        return cls(*parts)


def object_identity(source: str, object_key: str, version_id: str) -> str:
    """Return the identity of any object in the ingest bucket: 64 hexadecimal digits."""
    upload = Upload.parse(object_key)
    return upload.object_id if upload else digest("object", source, object_key, version_id)


def file_key(object_key: str) -> str:
    """Return the logical key, by which a client asks for a file; never empty, because it is the key of an index."""
    upload = Upload.parse(object_key)
    return upload.file_key if upload else object_key[len(INCOMING) :] or object_key


def digest(*parts: str) -> str:
    """Return the hash of the parts; different lists have different hashes, because no S3 key contains a NUL."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
