"""The journal: what a drill has done, one JSON object a line, each with the SHA-256 of the line before.

It is written before and after each step and flushed to disk, so that a drill that is killed at any moment is gone on with
from its last whole line. Whoever changes a line afterwards breaks the chain.
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
"""What the first line names as the one before."""


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        seq: Counts from 0.
        at: Epoch seconds.
        phase: In which phase.
        event: What happened: `phase began`, `fault injected`, `moment`, `note`, ...
        data: What belongs to it.
        previous: SHA-256 of the line before.
    """

    seq: int
    at: float
    phase: str
    event: str
    data: dict[str, Any]
    previous: str


class Journal:
    """A drill's journal; safe to use from several threads of one process.

    Args:
        path: The file; made if it is not there. A last line that was cut off in the middle of writing is taken away.

    Raises:
        RunFailure: The file was changed by another hand than a drill's.
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
        """Write a line and return when it is on disk."""
        with self._lock:
            if self.path.stat().st_size != self._size:  # Ctrl-C came while a line was written: is it there, or a part of it?
                self._read()
            entry = Entry(len(self.entries), time.time(), phase, event, data, self._last)
            line = _line(entry)
            with self.path.open("ab") as file:
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self.entries.append(entry)
            self._last = hashlib.sha256(line).hexdigest()
            self._size += len(line) + 1
            return entry

    def of(self, event: str, **data: Any) -> Iterator[Entry]:  # noqa: ANN401 - likewise
        """Yield the lines of an event whose data holds all of these."""
        for entry in tuple(self.entries):
            if entry.event == event and all(entry.data.get(name) == value for name, value in data.items()):
                yield entry

    def last(self, event: str, **data: Any) -> Entry | None:  # noqa: ANN401 - likewise
        """Return the last such line, if there is one."""
        return next(iter(reversed(list(self.of(event, **data)))), None)

    def moment(self, name: str) -> float | None:
        """Return when something first happened (`mark`), epoch seconds; None if it has not."""
        found = next(self.of("moment", name=name), None)
        return None if found is None else float(found.data["epoch"])

    def mark(self, phase: str, name: str, epoch: float | None = None) -> float:
        """Write down that something happened, now or at another time, unless it is written already; return when it did."""
        known = self.moment(name)
        if known is not None:
            return known
        when = time.time() if epoch is None else epoch
        self.append(phase, "moment", name=name, epoch=when)
        return when

    def fact(self, name: str) -> Any:  # noqa: ANN401 - likewise
        """Return the last value of a fact (`state`); None if there is none."""
        found = self.last("fact", name=name)
        return None if found is None else found.data["value"]

    def state(self, phase: str, name: str, value: Any) -> None:  # noqa: ANN401 - likewise
        """Write down a value that a later phase, or this one after a kill, needs."""
        self.append(phase, "fact", name=name, value=value)

    def sha256(self) -> str:
        """Return the digest of the file as it is now."""
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
    """Read a journal's whole lines and check their chain.

    Raises:
        RunFailure: A line is none of a journal's, or the chain is broken there.
    """
    entries: list[Entry] = []
    last = FIRST
    for number, line in enumerate(content.splitlines()):
        try:
            held = json.loads(line)
            at = datetime.fromisoformat(held["at"]).timestamp()
            entry = Entry(held["seq"], at, held["phase"], held["event"], held["data"], held["previous"])
        except (ValueError, KeyError, TypeError) as error:
            raise RunFailure(f"Line {number + 1} of the journal is none of a drill's: {error}") from error
        if entry.seq != number or entry.previous != last:
            raise RunFailure(
                f"The journal's chain is broken at line {number + 1}: it, or the line before, was changed afterwards.",
                hint="This drill proves nothing any more. Begin another.",
            )
        entries.append(entry)
        last = hashlib.sha256(line).hexdigest()
    return entries


def as_text(epoch: float) -> str:
    """Write a moment as ISO 8601 in UTC."""
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
