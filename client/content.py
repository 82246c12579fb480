"""The content of an upload, read in chunks: once for its SHA-256, once to send it. It is never in memory as a whole."""

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from client.errors import Interrupted, UploadFailed

_PIECE: Final = 1 << 20
_MOST_PARTS: Final = 10_000
"""S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""


@dataclass(frozen=True)
class Item:
    """A file to upload."""

    key: str
    """Key of the object, as in `reports/january.csv`."""
    content: Path | bytes
    """Path of the file, or the bytes themselves."""

    @property
    def file(self) -> str:
        """Its absolute path; "" for content that is in memory only."""
        return "" if isinstance(self.content, bytes) else str(self.content.absolute())


@dataclass(frozen=True)
class Fingerprint:
    """Size, hash and identity of a file at the time of reading."""

    size: int
    """Size in bytes."""
    sha256: str
    """SHA-256 of the content, in 64 hexadecimal digits."""
    stamp: tuple[int, ...] = ()
    """Attributes that change when the file is written to: device, inode, size, modification time."""
    part_size: int = 0
    """Size in bytes of each part but the last, of a file that is sent in parts; 0 for one that is not."""
    parts: tuple[str, ...] = ()
    """SHA-256 of each part."""

    def bytes_of(self, number: int) -> int:
        """Return the size of a part in bytes; the first part has number 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def fingerprint(item: Item, stop: threading.Event, part_bytes: int = 0) -> Fingerprint:
    """Read an item once, and return its fingerprint.

    Args:
        item: The item.
        stop: Set to stop reading.
        part_bytes: Size in bytes of the parts of a file that is larger than that; 0 for no parts.

    Raises:
        UploadFailed: It cannot be read, is not a regular file, or is empty.
        Interrupted: `stop` was set.
    """
    if isinstance(item.content, bytes):
        found = Fingerprint(len(item.content), hashlib.sha256(item.content).hexdigest())
    else:
        found = _of_file(item.content, stop, part_bytes)
    if not found.size:
        raise UploadFailed("it is empty, and the platform accepts no empty file", "write content into it, or leave it out")
    return found


def _of_file(path: Path, stop: threading.Event, part_bytes: int) -> Fingerprint:
    digest, part, parts = hashlib.sha256(), hashlib.sha256(), []
    size = 0
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a FIFO would wait for its writer
            raise UploadFailed(f"{path} is not a regular file", "name a file, or the folder that it is in")
        with path.open("rb", buffering=0) as file:
            stamp = _stamp(file.fileno())
            part_size = max(part_bytes, -(-stamp[2] // _MOST_PARTS)) if 0 < part_bytes < stamp[2] else 0
            while piece := file.read(min(_PIECE, part_size - size % part_size) if part_size else _PIECE):
                if stop.is_set():
                    raise Interrupted
                digest.update(piece)
                size += len(piece)
                if part_size:
                    part.update(piece)
                    if size % part_size == 0 or size == stamp[2]:
                        parts.append(part.hexdigest())
                        part = hashlib.sha256()
            if stamp != _stamp(file.fileno()) or size != stamp[2]:
                raise _changed(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return Fingerprint(size, digest.hexdigest(), stamp, part_size, tuple(parts))


class Body:
    """A file, or one part of it, as the body of a request: exactly the announced bytes, or an error.

    The HTTP library reports a failed read of the file as a broken connection; `failure` keeps the cause.

    Args:
        path: The file.
        expected: Its fingerprint.
        stop: Set to stop reading.
        on_bytes: Called with each number of bytes that were read.
        number: Number of the part, from 1; 0 for the whole file.
    """

    def __init__(
        self, path: Path, expected: Fingerprint, stop: threading.Event, on_bytes: Callable[[int], None], number: int = 0
    ) -> None:
        self.failure: UploadFailed | Interrupted | None = None
        self._path, self._stop, self._on_bytes = path, stop, on_bytes
        self._size = self._left = expected.bytes_of(number) if number else expected.size
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        if _stamp(self._file.fileno()) != expected.stamp:
            self._file.close()
            raise _changed(path)
        if number:
            self._file.seek((number - 1) * expected.part_size)

    @property
    def sent(self) -> int:
        """Number of bytes that were read."""
        return self._size - self._left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; b"" when all announced bytes have been read."""
        try:
            return self._next(size)
        except (UploadFailed, Interrupted) as failure:
            self.failure = failure
            raise

    def _next(self, size: int) -> bytes:
        if self._stop.is_set():
            raise Interrupted
        wanted = self._left if size < 0 else min(size, self._left)
        try:
            piece = self._file.read(wanted)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if wanted and not piece:
            raise _changed(self._path)
        self._left -= len(piece)
        self._on_bytes(len(piece))
        return piece


def _stamp(descriptor: int) -> tuple[int, ...]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _changed(path: Path) -> UploadFailed:
    return UploadFailed(
        f"{path} changed while it was read or sent",
        "wait until its writer is done (best: write elsewhere, then rename), and type the same command again",
    )


def _unreadable(path: Path, error: OSError) -> UploadFailed:
    return UploadFailed(f"{path} cannot be read: {error.strerror}", "correct that, and type the same command again")
