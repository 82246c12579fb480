"""The key of an object in the ingest bucket, and the identity that it gives (data rule 1).

Replicas keep their version id and fire events in the destination too, and a client that lost an answer retries in the
other region. So identity never holds the bucket's name, the region or the ETag.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

INCOMING: Final = "incoming/"
"""Only what lies under this prefix is an ingest object."""
UPLOADS: Final = INCOMING + "uploads/"
"""Under this prefix lies what went through the issuer: `incoming/uploads/<source>/<upload id>/<sha256>/<file key>`."""

CANARY_SOURCE: Final = "canary"
"""The source of the files that the observer uploads every minute."""
CANARIES: Final = f"{UPLOADS}{CANARY_SOURCE}/"


@dataclass(frozen=True)
class Upload:
    """What the key of an upload through the issuer says of it."""

    source: str
    upload_id: str
    content_sha256: str
    """64 lowercase hexadecimal digits."""
    file_key: str
    """What the client calls the file; may hold slashes."""

    @property
    def object_key(self) -> str:
        """The key in the ingest bucket, the same in both regions."""
        return f"{UPLOADS}{self.source}/{self.upload_id}/{self.content_sha256}/{self.file_key}"

    @property
    def object_id(self) -> str:
        """The identity: the same whichever region the upload, or its retry, went to."""
        return digest("upload", self.source, self.upload_id, self.content_sha256)

    @classmethod
    def parse(cls, object_key: str) -> "Upload | None":
        """Read an ingest bucket's key; None if it is no upload through the issuer."""
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
    """Return the logical key, by which a person asks where a file is; never empty, for it is the key of an index."""
    upload = Upload.parse(object_key)
    return upload.file_key if upload else object_key[len(INCOMING) :] or object_key


def digest(*parts: str) -> str:
    """Hash parts so that no two different lists of parts hash alike (a NUL cannot occur in an S3 key)."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
