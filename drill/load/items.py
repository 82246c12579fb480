"""Generate the files of a drill from its seed: of every kind and format, some compressed, in waves by upload time."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from client.content import Item

_WORDS: Final = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "heron")
_MOST_RECORDS: Final = 6
_LARGE_RECORDS: Final = 2500
"""Records of a large file: more than one partition key holds, and slow enough to be seen half written."""
PART_BYTES: Final = 5 << 20
"""Size of the parts of a file that is sent in parts, S3's minimum: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
_BLANK_LINE_BYTES: Final = 1024
EVERY: Final = 10
"""Number of files of a wave that include one file of each unusual kind."""


class Shape(StrEnum):
    """The kind of a file."""

    ORDINARY = "ordinary"
    REJECTS = "with rejected records"
    UNREADABLE = "unreadable"
    """The platform quarantines it."""
    EMPTY = "empty"
    """It holds no record."""
    SAME_CONTENT = "the same content under two keys"
    LARGE = "large"
    IN_PARTS = "sent in two parts"
    """A record is in both parts."""


_FLOW_AT_LEAST, _FLOW_FROM = 6, 20
_UNUSUAL: Final = {1: Shape.REJECTS, 3: Shape.UNREADABLE, 5: Shape.EMPTY, 7: Shape.SAME_CONTENT}
"""By the index modulo `EVERY`."""


class Wave(StrEnum):
    """The time at which a file is uploaded."""

    BEFORE = "before"
    """Before the fault."""
    AT_FAULT = "at the fault"
    """In flight at the fault; the drill holds some of them at each station."""
    FLOW = "flow"
    """One after the other, in every phase from the fault to the end of the failback."""
    DURING = "during"
    """From the fault until its detection; the client fails over by itself."""
    STRANDED = "stranded"
    """After the DNS failover, before the promotion."""
    PROMOTED = "promoted"
    """After the promotion."""
    AFTERWARDS = "afterwards"
    """After the failback."""


_LATER: Final = (
    (Wave.AT_FAULT, 0.2, 60),
    (Wave.FLOW, 0.1, 60),
    (Wave.DURING, 0.15, 120),
    (Wave.STRANDED, 0.1, 60),
    (Wave.PROMOTED, 0.1, 60),
    (Wave.AFTERWARDS, 0.05, 60),
)
"""Share of the files in each wave, and the maximum number: as many as arrive during a failover."""


_PLACED: Final = {
    (Wave.BEFORE, 2): Shape.LARGE,
    (Wave.BEFORE, 4): Shape.IN_PARTS,
    (Wave.AT_FAULT, 0): Shape.LARGE,
    (Wave.AT_FAULT, 1): Shape.IN_PARTS,
}
"""By the wave and the number of the file in it."""


@dataclass(frozen=True)
class LoadItem:
    """A file of the load.

    Attributes:
        index: Number of the file, from 0.
        wave: The time of its upload.
        item: The file as the client's input.
        parsed: The records as they are parsed: JSON has numbers, CSV has text only. None is a record that is rejected.
        shape: The kind of the file.
    """

    index: int
    wave: Wave
    item: Item
    parsed: tuple[dict[str, Any] | None, ...]
    shape: Shape = Shape.ORDINARY

    @property
    def records(self) -> int:
        """The number of records, the rejected ones included."""
        return len(self.parsed)

    @property
    def is_unreadable(self) -> bool:
        """Whether the platform quarantines the file."""
        return self.shape is Shape.UNREADABLE


def make(seed: int, objects: int, source: str) -> list[LoadItem]:
    """Generate the files of a drill, the same ones for the same arguments."""
    waves = waves_of(objects)
    return [
        _make(
            seed,
            index,
            wave,
            source,
            _PLACED.get((wave, index - waves.index(wave)), _UNUSUAL.get(index % EVERY, Shape.ORDINARY)),
        )
        for index, wave in enumerate(waves)
    ]


def waves_of(objects: int) -> list[Wave]:
    """Return the wave of each file, in order."""
    later = [wave for wave, share, most in _LATER for _ in range(min(_count(wave, share, objects), most))]
    return [Wave.BEFORE] * (objects - len(later)) + later


def _count(wave: Wave, share: float, objects: int) -> int:
    """Return the number of files of a wave; the flow has a file for each of its phases, if there are enough."""
    least = _FLOW_AT_LEAST if wave is Wave.FLOW and objects >= _FLOW_FROM else 0
    return max(round(share * objects), least)


def controls(seed: int, count: int, source: str) -> list[LoadItem]:
    """Generate files for a drill with fewer objects than its negative controls need; the first has rejected records."""
    return [
        _make(seed, -1 - index, Wave.AFTERWARDS, f"{source}/controls", Shape.ORDINARY if index else Shape.REJECTS)
        for index in range(count)
    ]


def direct(seed: int, count: int) -> list[tuple[str, bytes, tuple[dict[str, Any], ...]]]:
    """Generate files that are put into a bucket without the issuer: name, content, records. The first is empty."""
    made: list[tuple[str, bytes, tuple[dict[str, Any], ...]]] = []
    for number in range(count):
        dice = random.Random(f"{seed}/direct/{number}")  # noqa: S311 - as below
        records = [_record(dice, number, line) for line in range(dice.randint(1, _MOST_RECORDS) if number else 0)]
        made.append((f"{number:06d}.ndjson", _ndjson(records).encode(), tuple(records)))
    return made


def _make(seed: int, index: int, wave: Wave, source: str, shape: Shape) -> LoadItem:
    dice = random.Random(f"{seed}/{index}")  # noqa: S311 - the same files for the same seed, no secret
    if shape is not Shape.ORDINARY:
        return _unusual(dice, index, wave, source, shape)
    records = [_record(dice, index, number) for number in range(dice.randint(1, _MOST_RECORDS))]
    extension, write, read = _FORMATS[index % len(_FORMATS)]
    body = write(records).encode()
    parsed = tuple({name: read(value) for name, value in record.items()} for record in records)
    if index % 4 == 0:
        # Without a timestamp in the header the compressed bytes are reproducible.
        body, extension = gzip.compress(body, mtime=0), f"{extension}.gz"
    key = f"{source}/{abs(index):06d}.{extension}"
    return LoadItem(index, wave, Item(key=key, content=body), parsed)


def _unusual(dice: random.Random, index: int, wave: Wave, source: str, shape: Shape) -> LoadItem:
    count = {Shape.LARGE: _LARGE_RECORDS, Shape.EMPTY: 0}.get(shape, dice.randint(2, _MOST_RECORDS))
    records: list[dict[str, Any]] = [_record(dice, 0 if shape is Shape.SAME_CONTENT else index, n) for n in range(count)]
    if shape is Shape.SAME_CONTENT:
        records = [{"line": number, "what": "the same in each such file"} for number in range(3)]
    parsed: tuple[dict[str, Any] | None, ...] = tuple(records)
    body, extension = _ndjson(records).encode(), "ndjson"
    if shape is Shape.REJECTS:
        first, *rest = body.splitlines(keepends=True)
        body = first + b'{"cut": \n' + b"".join(rest) + b"[1, 2]\n"
        parsed = (records[0], None, *records[1:], None)
    if shape is Shape.IN_PARTS:
        first, *rest = body.splitlines(keepends=True)
        blank = b"\n".rjust(_BLANK_LINE_BYTES) * (PART_BYTES // _BLANK_LINE_BYTES)
        body = first + blank[len(first) + len(rest[0]) // 2 :] + b"".join(rest)
    if shape is Shape.EMPTY:
        body, extension = gzip.compress(b"", mtime=0), "ndjson.gz"
    if shape is Shape.UNREADABLE:
        body, parsed, extension = gzip.compress(body, mtime=0)[:-6], (), "ndjson.gz"
    return LoadItem(index, wave, Item(key=f"{source}/{abs(index):06d}.{extension}", content=body), parsed, shape)


def _record(dice: random.Random, index: int, number: int) -> dict[str, Any]:
    return {
        "file": index,
        "line": number,
        "what": dice.choice(_WORDS),
        "reading": dice.randint(-10_000, 10_000),
        "where": f"{dice.choice(_WORDS)}, {dice.choice(_WORDS)}",
    }


def _ndjson(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def _csv(records: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _as_json_has_it(value: Any) -> Any:  # noqa: ANN401 - a text or a whole number
    return value


_FORMATS: Final[tuple[tuple[str, Callable[[list[dict[str, Any]]], str], Callable[[Any], Any]], ...]] = (
    ("ndjson", _ndjson, _as_json_has_it),
    ("json", json.dumps, _as_json_has_it),
    ("csv", _csv, str),
)
"""Extension; function that writes records; function that returns a value as it is parsed."""
