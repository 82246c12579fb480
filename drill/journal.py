"""The journal of a drill: one JSON object a line, each with the SHA-256 of the previous line.

The drill writes it before and after each step and flushes it to the disk. A killed drill is therefore resumed from its last
complete line. A later change of a line breaks the chain.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from operations.errors import RunFailure

FIRST: Final = "0" * 64
"""The previous hash of the first line."""


@dataclass(frozen=True)
class Entry:
    """A line of the journal.

    Attributes:
        seq: Number of the line, from 0.
        at: Epoch seconds.
        phase: The phase of the event.
        event: The event: `phase began`, `fault injected`, `moment`, `note`, ...
        data: The event's data.
        previous: SHA-256 of the previous line.
    """

    seq: int
    at: float
    phase: str
    event: str
    data: dict[str, Any]
    previous: str


class Journal:
    """The journal of a drill. It is safe to use from several threads of one process.

    Args:
        path: The file, which is created if it does not exist. An incomplete last line is removed.

    Raises:
        RunFailure: The file was changed by something other than a drill.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.entries: list[Entry] = []
        self._last = FIRST
        self._size = 0
        path.touch()
        self._read()

    def append(self, phase: str, event: str, **data: Any) -> Entry:  # noqa: ANN401 - whatever JSON holds
        """Append a line, and return it when it is on the disk."""
        with self._lock:
            if self.path.stat().st_size != self._size:  # Ctrl-C during a write may leave a part of a line.
                self._read()
            entry = Entry(len(self.entries), time.time(), phase, event, data, self._last)
            line = _line(entry)
            try:
                with self.path.open("ab") as file:
                    file.write(line + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:  # that of a full disk names no file
                error.filename = str(self.path)
                raise
            self.entries.append(entry)
            self._last = hashlib.sha256(line).hexdigest()
            self._size += len(line) + 1
            return entry

    def of(self, event: str, **data: Any) -> Iterator[Entry]:  # noqa: ANN401 - likewise
        """Yield the entries of an event whose data contains all the given values."""
        for entry in tuple(self.entries):
            if entry.event == event and all(entry.data.get(name) == value for name, value in data.items()):
                yield entry

    def last(self, event: str, **data: Any) -> Entry | None:  # noqa: ANN401 - likewise
        """Return the last such entry, or None."""
        return next(iter(reversed(list(self.of(event, **data)))), None)

    def moment(self, name: str) -> float | None:
        """Return the epoch seconds of a timestamp that `mark` recorded, or None."""
        found = next(self.of("moment", name=name), None)
        return None if found is None else float(found.data["epoch"])

    def mark(self, phase: str, name: str, epoch: float | None = None) -> float:
        """Record a named timestamp, by default now, unless it exists already; return the recorded one."""
        known = self.moment(name)
        if known is not None:
            return known
        when = time.time() if epoch is None else epoch
        self.append(phase, "moment", name=name, epoch=when)
        return when

    def fact(self, name: str) -> Any:  # noqa: ANN401 - likewise
        """Return the last value that `state` recorded under a name, or None."""
        found = self.last("fact", name=name)
        return None if found is None else found.data["value"]

    def state(self, phase: str, name: str, value: Any) -> None:  # noqa: ANN401 - likewise
        """Record a value that a later phase, or this phase after a resume, needs."""
        self.append(phase, "fact", name=name, value=value)

    def sha256(self) -> str:
        """Return the SHA-256 of the file's current content."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def _read(self) -> None:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        self.entries = read(whole)
        self._size = len(whole)
        if whole:
            self._last = hashlib.sha256(whole.splitlines()[-1]).hexdigest()


def read(content: bytes) -> list[Entry]:
    """Return a journal's complete lines after a check of their chain.

    Raises:
        RunFailure: A line is malformed, or the chain is broken there.
    """
    entries: list[Entry] = []
    last = FIRST
    for number, line in enumerate(content.splitlines()):
        try:
            held = json.loads(line)
            at = datetime.fromisoformat(held["at"]).timestamp()
            entry = Entry(held["seq"], at, held["phase"], held["event"], held["data"], held["previous"])
        except (ValueError, KeyError, TypeError) as error:
            raise RunFailure(f"Line {number + 1} of the journal is malformed: {error}") from error
        if entry.seq != number or entry.previous != last:
            raise RunFailure(
                f"The journal's chain is broken at line {number + 1}: this line or the previous one was changed afterwards.",
                hint="This drill is no evidence any more. To start another, type: lockstep drill run",
            )
        entries.append(entry)
        last = hashlib.sha256(line).hexdigest()
    return entries


def as_text(epoch: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="microseconds")


def _line(entry: Entry) -> bytes:
    held = {
        "seq": entry.seq,
        "at": as_text(entry.at),
        "phase": entry.phase,
        "event": entry.event,
        "data": entry.data,
        "previous": entry.previous,
    }
    return json.dumps(held, separators=(",", ":")).encode()
