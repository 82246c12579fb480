"""The files of a drill: small, of every format, some compressed, all from the seed; in waves, by when they are uploaded."""

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


class Wave(StrEnum):
    """When a file is uploaded."""

    BEFORE = "before"
    """Before the fault."""
    DURING = "during"
    """From the fault until it is noticed; the client finds its way by itself."""
    STRANDED = "stranded"
    """After the DNS failover, before the promotion."""
    PROMOTED = "promoted"
    """After the promotion."""
    AFTERWARDS = "afterwards"
    """After the failback."""


_LATER: Final = ((Wave.DURING, 0.3, 120), (Wave.STRANDED, 0.15, 60), (Wave.PROMOTED, 0.1, 60), (Wave.AFTERWARDS, 0.05, 60))
"""What share of the files a wave has, and how many at most: so many come while a failover lasts."""


@dataclass(frozen=True)
class LoadItem:
    """One file.

    Attributes:
        index: Counts from 0.
        wave: When it is uploaded.
        item: As the client takes it.
        parsed: The records that it holds, as they are read from it: JSON has numbers, CSV has text only.
    """

    index: int
    wave: Wave
    item: Item
    parsed: tuple[dict[str, Any], ...]

    @property
    def records(self) -> int:
        """How many records it holds."""
        return len(self.parsed)


def make(seed: int, objects: int, source: str) -> list[LoadItem]:
    """Make all files of a drill; the same ones for the same arguments."""
    waves = waves_of(objects)
    return [_make(seed, index, wave, source) for index, wave in enumerate(waves)]


def waves_of(objects: int) -> list[Wave]:
    """Say in which wave each file goes, in their order."""
    later = [wave for wave, share, most in _LATER for _ in range(min(round(share * objects), most))]
    return [Wave.BEFORE] * (objects - len(later)) + later


def controls(seed: int, count: int, source: str) -> list[LoadItem]:
    """Make files for a drill of fewer objects than its negative controls need; each holds a record."""
    return [_make(seed, -1 - index, Wave.AFTERWARDS, f"{source}/controls") for index in range(count)]


def _make(seed: int, index: int, wave: Wave, source: str) -> LoadItem:
    dice = random.Random(f"{seed}/{index}")  # noqa: S311 - the same files for the same seed, no secret
    records = [_record(dice, index, number) for number in range(dice.randint(1, _MOST_RECORDS))]
    extension, write, read = _FORMATS[index % len(_FORMATS)]
    body = write(records).encode()
    parsed = tuple({name: read(value) for name, value in record.items()} for record in records)
    if index % 4 == 0:
        # Without a time in its header the compressed file is the same each time.
        body, extension = gzip.compress(body, mtime=0), f"{extension}.gz"
    key = f"{source}/{abs(index):06d}.{extension}"
    return LoadItem(index, wave, Item(key=key, content=body), parsed)


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
"""Extension; how records are written; what a value is once it is read."""
