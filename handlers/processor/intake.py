"""Spools the accepted and rejected records of an object to disk until the object was read to its end.

No record may be written of an object that turns out unreadable at its last byte, and an object may be larger than memory.
So records go to temporary files first, and are written to AWS only after the end of the object. The accepted records of an
object that is larger than the spool are only counted and digested; the object is read again to write them.
"""

import errno
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Final, Self

from handlers.processor.errors import Fault, Reject, UnreadableError
from handlers.processor.parsers import Outcome
from handlers.processor.parsers.usual import usual_text
from handlers.shared import schema
from handlers.shared.attribute_values import MAXIMUM_ITEM_BYTES, UnstorableError, attribute_map, canonical_text
from handlers.shared.effect import EffectDigest

Transform = Callable[[dict[str, Any]], dict[str, Any]]

_MEMORY_BYTES: Final = 16 * 1024 * 1024
"""Memory of each spool; a larger spool goes to a temporary file."""
SPOOL_BYTES: Final = 1536 * 1024 * 1024
"""Most disk of the accepted records; one invocation of 300 seconds reads and writes about as much
(docs/adr/0018-long-files-continue.md). The construct of the processor sets the size of the disk."""
_LONGEST_REASON: Final = 1000
"""Characters."""
_ITEM_FRAME_BYTES: Final = 256
"""Largest size of an item's keys and other attributes, without its record."""


@dataclass(frozen=True)
class Taken:
    """The records of an object that were taken, from its beginning on."""

    accepted: int = 0
    rejected: int = 0
    effect_digest: str = EffectDigest().hexdigest()
    """Digest of the accepted records; see `EffectDigest`."""

    @property
    def records(self) -> int:
        """Number of records, accepted and rejected."""
        return self.accepted + self.rejected


NOTHING: Final = Taken()


class Intake:
    """The accepted and rejected records of one object; a context manager that deletes its temporary files.

    Args:
        object_id: Identity of the object.
        transform: The user's transform.
        before: The records that earlier invocations have taken.

    Attributes:
        is_spooled: Whether `prepared` returns every accepted record of the object.
    """

    def __init__(self, object_id: str, transform: Transform, before: Taken = NOTHING) -> None:
        self._object_id = object_id
        self._transform = transform
        self._files = ExitStack()
        self._accepted_file = self._spool()
        self._rejected_file = self._spool()
        self._digest = EffectDigest(before.effect_digest)
        self._accepted = before.accepted
        self._rejected = before.rejected
        self._spooled_bytes = 0
        self.is_spooled = not before.records

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk raises again here; the files are not needed any more
            self._files.close()

    def recall(self, rejections: Iterable[bytes]) -> None:
        """Spool the rejected records that earlier invocations have archived.

        Args:
            rejections: Their lines, and perhaps more: an invocation may have crashed after it archived some.

        Raises:
            LookupError: Some are missing.
        """
        found = 0
        for found, line in enumerate(islice(rejections, self._rejected), start=1):  # noqa: B007 - their number
            _write(self._rejected_file, line + b"\n")
        if found < self._rejected:
            raise LookupError(f"{found} of {self._rejected} rejected records are archived")

    def take(self, records: Iterable[tuple[int, Outcome]]) -> None:
        """Spool records of the object.

        Args:
            records: Ordinal and record of each record that is not taken yet, in order.

        Raises:
            UnreadableError: The object is unreadable, or its rejected records need more disk than the function has.
        """
        for ordinal, record in records:
            try:
                text = prepare(record, self._transform)
            except Reject as problem:
                self._reject(ordinal, record, str(problem)[:_LONGEST_REASON] or "the transform gave no reason")
            else:
                self._accept(ordinal, text)
        try:
            self._accepted_file.flush()
            self._rejected_file.flush()
        except OSError as error:
            _refuse_if_disk_is_full(error)
            raise

    @property
    def taken(self) -> Taken:
        """All records that were taken."""
        return Taken(self._accepted, self._rejected, self._digest.hexdigest())

    def prepared(self) -> Iterator[tuple[int, bytes]]:
        """Yield the ordinal and the canonical text of every accepted record, in order; of none unless `is_spooled`."""
        self._accepted_file.seek(0)
        for line in self._accepted_file:
            ordinal, _, text = line.partition(b" ")
            yield int(ordinal), text[:-1]

    def rejections(self) -> IO[bytes]:
        """Return the rejected records as NDJSON: `line`, `ordinal`, `reason`, `excerpt`."""
        self._rejected_file.seek(0)
        return self._rejected_file

    def _spool(self) -> IO[bytes]:
        return self._files.enter_context(SpooledTemporaryFile(_MEMORY_BYTES))

    def _accept(self, ordinal: int, text: bytes) -> None:
        self._digest.add(*schema.record_keys(self._object_id, ordinal), text)
        self._accepted += 1
        if self.is_spooled:
            _write(self._accepted_file, b"%d %b\n" % (ordinal, text))
            self._spooled_bytes += len(text)
            if self._spooled_bytes > SPOOL_BYTES:
                self.is_spooled = False
                self._accepted_file.truncate(0)

    def _reject(self, ordinal: int, record: Outcome, reason: str) -> None:
        rejection = {"line": record.raw.line, "ordinal": ordinal, "reason": reason, "excerpt": record.raw.excerpt}
        _write(self._rejected_file, json.dumps(rejection).encode() + b"\n")
        self._rejected += 1


def accepted_of(records: Iterable[tuple[int, Outcome]], transform: Transform) -> Iterator[tuple[int, bytes]]:
    """Yield the ordinal and the canonical text of every record that the transform accepts, in order."""
    for ordinal, record in records:
        try:
            text = prepare(record, transform)
        except Reject:
            continue
        yield ordinal, text


def prepare(record: Outcome, transform: Transform) -> bytes:
    """Return the canonical text of a record as the transform returns it.

    Raises:
        Reject: The record cannot be parsed or stored, or the transform rejects it.
    """
    value = record.value()
    try:
        value = transform(value)
    except Reject:
        raise
    except Exception as error:
        raise Reject(f"the transform failed: {type(error).__name__}: {error}") from error
    if not isinstance(value, dict):
        raise Reject(f"the transform returned a {type(value).__name__}; it must return a dict")
    text = usual_text(value)
    if text is not None:
        return text
    try:
        attribute, size = attribute_map(value)
    except UnstorableError as error:
        raise Reject(str(error)) from error
    if size + _ITEM_FRAME_BYTES > MAXIMUM_ITEM_BYTES:
        raise Reject(f"the record takes {size} bytes as an item; DynamoDB allows 400 KB with its keys")
    return canonical_text(attribute).encode()


def _write(file: IO[bytes], line: bytes) -> None:
    try:
        file.write(line)
    except OSError as error:
        _refuse_if_disk_is_full(error)
        raise


def _refuse_if_disk_is_full(error: OSError) -> None:
    if error.errno == errno.ENOSPC:  # the next attempt would fail too, because the object is the same
        raise UnreadableError(
            Fault.EXPANDS_TOO_FAR,
            "the object's rejected records, or files of the transform, fill the function's disk; split it into several "
            "files",
        ) from error
