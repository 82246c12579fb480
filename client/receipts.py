"""The receipts file: the state of every upload, as JSON lines. Each is on the disk before the client continues.

An upload's line is written before its first try, and again at each change; the last one counts. The file is only
appended to, by one process at a time. A kill or a power failure may leave an incomplete last line. The client has not
acted on it, so the next run removes it.
"""

import contextlib
import dataclasses
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from filelock import BaseFileLock, FileLock, Timeout

from client.content import Fingerprint, Item
from client.errors import ReceiptsUnusable
from client.identity import new_upload_id, object_id

_TYPES: Final[Mapping[str, type]] = {"size": int, "durable": bool}
"""Types of the values that are not text."""
_NAME_ANOTHER: Final = "Name a writable file: --receipts FILE, or `receipts` in the configuration."


class State(StrEnum):
    """State of an upload."""

    PLANNED = "planned"
    """The upload has an id; nothing was read or sent."""
    BEGUN = "begun"
    """The content is known; a try may have been made."""
    FAILED = "failed"
    """The upload failed for the reason in the line; `resume` tries again."""
    MISSING = "missing"
    """A region had the upload, and now none knows it; `resume` sends it again under the same upload id."""
    REPLACED = "replaced"
    """The file changed before any region confirmed the upload, or its upload id was refused: it is another upload now."""
    ACCEPTED = "accepted"
    """One region has the file."""
    PROCESSED = "processed"
    """The file's records are in the table."""
    QUARANTINED = "quarantined"
    """The platform cannot parse the file and keeps it unchanged; the line holds the reason."""

    @property
    def safe(self) -> bool:
        """Whether the platform has the file."""
        return self in {State.ACCEPTED, State.PROCESSED, State.QUARANTINED}


@dataclass(frozen=True)
class Receipt:
    """State of one upload: a line of the receipts file."""

    upload_id: str
    """Upload id, made before the first try: a retry in any region is the same upload."""
    file: str
    """Absolute path of the file; "" if its content was in memory only."""
    key: str
    source: str
    state: State
    at: str
    """When this line was written, in UTC."""
    size: int = 0
    """Size in bytes."""
    sha256: str = ""
    id: str = ""
    """The object's id in both regions; "" until the content was read."""
    region: str = ""
    """Region that accepted the upload."""
    receipt: str = ""
    """Receipt that the platform signed."""
    reason: str = ""
    """Why the upload failed, is missing or in quarantine, and the next step."""
    durable: bool = False
    """Whether a region has shown that both regions hold it, so that the loss of one does not lose it."""

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read a line.

        Raises:
            ValueError: The line is not a receipt.
        """
        held = json.loads(line)
        if not isinstance(held, dict):
            raise ValueError("it is not a JSON object")  # noqa: TRY004 - the line is wrong, whatever its type
        fields = {field.name: field for field in dataclasses.fields(cls)}
        known = {name: value for name, value in held.items() if name in fields}
        missing = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in known]
        if known.get("state") == "durable":  # an earlier release wrote it as a state
            known |= {"state": State.ACCEPTED.value, "durable": True}
        wrong = [name for name, value in known.items() if type(value) is not _TYPES.get(name, str)]
        if missing or wrong:
            raise ValueError(f"{', '.join(missing + wrong)} is missing or of another type")
        return cls(**{**known, "state": State(known["state"])})

    @property
    def line(self) -> bytes:
        """Return the line of the file, with its line end."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"


class Receipts:
    """The receipts file, locked by this process until it is closed.

    Args:
        path: Path of the file; it is created if it does not exist.
        now: Returns the time in epoch seconds.
        write: Works as `os.write`; tests kill the client in the middle of a call.
    """

    def __init__(self, path: Path, *, now: Callable[[], float], write: Callable[[int, bytes], int] = os.write) -> None:
        self._path, self._now, self._write = path, now, write
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._index = _Index()
        self._written = self._synced = 0
        self._unusable: ReceiptsUnusable | None = None
        self._held = _lock(path)
        try:
            self._descriptor = _open(path)
        except BaseException:
            self._held.release()
            raise
        try:
            self._length = self._load()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Unlock the file for other processes."""
        os.close(self._descriptor)
        self._held.release()

    @property
    def all(self) -> list[Receipt]:
        """The last line of each upload, in the order in which they were planned."""
        with self._lock:
            return list(self._index.by_upload.values())

    def plan(self, items: Iterable[tuple[Item, Fingerprint | None]], source: str) -> list[Receipt | None]:
        """Give upload ids to all items that have none, with one flush to the disk.

        The result is None for an item that is not read yet and whose key and file are known: only its content shows
        whether it is the same upload.
        """
        new: list[Receipt] = []
        with self._lock:
            planned = [self._plan(item, known, source, new) for item, known in items]
            ticket = self._append(new)
        self._sync(ticket)
        return planned

    def begin(self, item: Item, known: Fingerprint, source: str) -> Receipt:
        """Return the line of an item whose content is known now: an existing one of the same content, or a new one."""
        new: list[Receipt] = []
        with self._lock:
            receipt = self._begin(item, known, source, new)
            ticket = self._append(new)
        self._sync(ticket)
        return receipt

    def renew(self, upload: Receipt) -> Receipt:
        """Give an upload that no region knows another upload id, and return its new line."""
        new_id = new_upload_id(self._now())
        at = as_text(self._now())
        replaced = dataclasses.replace(
            upload,
            state=State.REPLACED,
            at=at,
            reason=f"its upload id was refused, and no region knew it; now it is {new_id}",
        )
        renewed = dataclasses.replace(
            upload,
            upload_id=new_id,
            state=State.BEGUN,
            at=at,
            id=object_id(upload.source, new_id, upload.sha256),
            region="",
            receipt="",
            reason="",
            durable=False,
        )
        with self._lock:
            ticket = self._append([replaced, renewed])
        self._sync(ticket)
        return renewed

    def note(self, upload: Receipt, state: State, /, **more: str | bool) -> Receipt:
        """Write the new state of an upload, and return its new line.

        Raises:
            ReceiptsUnusable: The line could not be written; nothing more may be sent.
        """
        changes: dict[str, Any] = {"reason": "", **more}
        noted = dataclasses.replace(upload, state=state, at=as_text(self._now()), **changes)
        with self._lock:
            ticket = self._append([noted])
        self._sync(ticket)
        return noted

    def _plan(self, item: Item, known: Fingerprint | None, source: str, new: list[Receipt]) -> Receipt | None:
        if known:
            return self._begin(item, known, source, new)
        place = (source, item.key, item.file)
        if upload_id := self._index.unread.get(place):
            return self._index.by_upload[upload_id]
        if place in self._index.places:
            return None
        receipt = Receipt(new_upload_id(self._now()), item.file, item.key, source, State.PLANNED, as_text(self._now()))
        self._index.add(receipt)
        new.append(receipt)
        return receipt

    def _begin(self, item: Item, known: Fingerprint, source: str, new: list[Receipt]) -> Receipt:
        if upload_id := self._index.by_content.get((source, item.key, known.size, known.sha256)):
            return self._index.by_upload[upload_id]
        place = (source, item.key, item.file)
        upload_id = self._index.unread.get(place) or new_upload_id(self._now())
        earlier = self._index.by_upload.get(self._index.places.get(place, ""))
        if item.file and earlier and earlier.sha256 and not earlier.state.safe:
            reason = f"its file was changed; the new content is upload {upload_id}"
            new.append(dataclasses.replace(earlier, state=State.REPLACED, at=as_text(self._now()), reason=reason))
        receipt = Receipt(
            upload_id=upload_id,
            file=item.file,
            key=item.key,
            source=source,
            state=State.BEGUN,
            at=as_text(self._now()),
            size=known.size,
            sha256=known.sha256,
            id=object_id(source, upload_id, known.sha256),
        )
        self._index.add(receipt)
        new.append(receipt)
        return receipt

    def _append(self, receipts: list[Receipt]) -> int:
        """Write lines while the lock is held; return the ticket for `_sync`, to call before acting on them."""
        if self._unusable:
            raise self._unusable
        data = b"".join(receipt.line for receipt in receipts)
        done = 0
        try:
            while done < len(data):
                done += self._write(self._descriptor, data[done:])
        except OSError as error:
            self._unusable = self._failure(error)
            raise self._unusable from error
        for receipt in receipts:
            self._index.add(receipt)
        self._length += len(data)
        self._written += bool(receipts)
        return self._written

    def _sync(self, ticket: int) -> None:
        """Wait until the lines of a ticket are on the disk; one flush serves all threads that wait at the same time."""
        with self._sync_lock:
            if self._synced >= ticket:
                return
            with self._lock:
                written = self._written
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self._unusable = self._failure(error)
                raise self._unusable from error
            self._synced = written

    def _failure(self, error: OSError) -> ReceiptsUnusable:
        return ReceiptsUnusable(
            f"The receipts file {self._path} cannot be written: {error.strerror}.",
            "Correct that (is the disk full?), then type `lockstep resume`: unrecorded files were not sent.",
        )

    def _load(self) -> int:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            self._index, length = _parse(self._path, file.read())
        if length != os.fstat(self._descriptor).st_size:
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)
        return length


class _Index:
    """Index of the uploads: by id, by content, and by source, key and file."""

    def __init__(self) -> None:
        self.by_upload: dict[str, Receipt] = {}
        self.by_content: dict[tuple[str, str, int, str], str] = {}
        self.unread: dict[tuple[str, str, str], str] = {}
        """Uploads that are planned but not read, by source, key and file."""
        self.places: dict[tuple[str, str, str], str] = {}
        """The last upload, by source, key and file."""

    def add(self, receipt: Receipt) -> None:
        place = (receipt.source, receipt.key, receipt.file)
        self.places[place] = receipt.upload_id
        if receipt.sha256:
            self.by_content[receipt.source, receipt.key, receipt.size, receipt.sha256] = receipt.upload_id
            if self.unread.get(place) == receipt.upload_id:
                del self.unread[place]
        else:
            self.unread[place] = receipt.upload_id
        self.by_upload[receipt.upload_id] = receipt


def read_receipts(path: Path) -> list[Receipt]:
    """Read the file without a lock, in its current state.

    Raises:
        ReceiptsUnusable: The file is missing or damaged.
    """
    try:
        held = path.read_bytes()
    except OSError as error:
        hint = "Name the file that the upload wrote: --receipts FILE, or `receipts` in the configuration."
        raise ReceiptsUnusable(f"The receipts file {path} cannot be read: {error.strerror}.", hint) from error
    return list(_parse(path, held)[0].by_upload.values())


def _parse(path: Path, held: bytes) -> tuple[_Index, int]:
    """Return the uploads, and the length in bytes of the complete lines."""
    index = _Index()
    length = held.rfind(b"\n") + 1
    for number, line in enumerate(held[:length].splitlines(), 1):
        try:
            index.add(Receipt.read(line))
        except ValueError as error:
            raise ReceiptsUnusable(
                f"Line {number} of the receipts file {path} is not a receipt: {error}.",
                "Another program changed it, or it is another file. Remove that line (its upload will not be "
                "resumed), restore the file, or name another one with --receipts.",
            ) from error
    return index, length


def lock_of(path: Path) -> Path:
    """Return the lock file of a receipts file; the same for each name of that file.

    It is a separate file, because Windows lets no other process read a locked file. It is never removed.
    """
    return Path(f"{os.path.realpath(path)}.lock")


def _lock(path: Path) -> BaseFileLock:
    # The operating system releases the lock when the process ends, even by a kill.
    lock = FileLock(lock_of(path), mode=0o600, thread_local=False)
    try:
        lock_of(path).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        hint = "Wait until it is done, or name another file with --receipts."
        raise ReceiptsUnusable(f"Another upload is using the receipts file {path}.", hint) from error
    except OSError as error:
        raise ReceiptsUnusable(f"The receipts file {path} cannot be locked: {error.strerror}.", _NAME_ANOTHER) from error
    return lock


def _open(path: Path) -> int:
    # Without O_BINARY, Windows writes each line end as two characters.
    binary: int = getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o600)
    except OSError as error:
        raise ReceiptsUnusable(f"The receipts file {path} cannot be opened: {error.strerror}.", _NAME_ANOTHER) from error
    try:
        _sync_folder(Path(os.path.realpath(path)).parent)
    except OSError as error:
        os.close(descriptor)
        raise ReceiptsUnusable(
            f"The folder of the receipts file {path} cannot be written: {error.strerror}.", _NAME_ANOTHER
        ) from error
    return descriptor


def _sync_folder(folder: Path) -> None:
    """Flush a folder, so that the name of a new file survives a power failure too, where the system supports that."""
    # Windows cannot open a folder.
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def as_text(epoch_seconds: float) -> str:
    """Return a time in UTC, as in `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
