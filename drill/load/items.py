"""Generate the files of a drill from its seed: small, of every format, some compressed, in waves by upload time."""

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
    """The time at which a file is uploaded."""

    BEFORE = "before"
    """Before the fault."""
    DURING = "during"
    """From the fault until its detection; the client fails over by itself."""
    STRANDED = "stranded"
    """After the DNS failover, before the promotion."""
    PROMOTED = "promoted"
    """After the promotion."""
    AFTERWARDS = "afterwards"
    """After the failback."""


_LATER: Final = ((Wave.DURING, 0.3, 120), (Wave.STRANDED, 0.15, 60), (Wave.PROMOTED, 0.1, 60), (Wave.AFTERWARDS, 0.05, 60))
"""Share of the files in each wave, and the maximum number: as many as arrive during a failover."""


@dataclass(frozen=True)
class LoadItem:
    """A file of the load.

    Attributes:
        index: Number of the file, from 0.
        wave: The time of its upload.
        item: The file as the client's input.
        parsed: The records as they are parsed: JSON has numbers, CSV has text only.
    """

    index: int
    wave: Wave
    item: Item
    parsed: tuple[dict[str, Any], ...]

    @property
    def records(self) -> int:
        """The number of records."""
        return len(self.parsed)


def make(seed: int, objects: int, source: str) -> list[LoadItem]:
    """Generate the files of a drill, the same ones for the same arguments."""
    waves = waves_of(objects)
    return [_make(seed, index, wave, source) for index, wave in enumerate(waves)]


def waves_of(objects: int) -> list[Wave]:
    """Return the wave of each file, in order."""
    later = [wave for wave, share, most in _LATER for _ in range(min(round(share * objects), most))]
    return [Wave.BEFORE] * (objects - len(later)) + later


def controls(seed: int, count: int, source: str) -> list[LoadItem]:
    """Generate files with one record each, for a drill with fewer objects than its negative controls need."""
    return [_make(seed, -1 - index, Wave.AFTERWARDS, f"{source}/controls") for index in range(count)]


def _make(seed: int, index: int, wave: Wave, source: str) -> LoadItem:
    dice = random.Random(f"{seed}/{index}")  # noqa: S311 - the same files for the same seed, no secret
    records = [_record(dice, index, number) for number in range(dice.randint(1, _MOST_RECORDS))]
    extension, write, read = _FORMATS[index % len(_FORMATS)]
    body = write(records).encode()
    parsed = tuple({name: read(value) for name, value in record.items()} for record in records)
    if index % 4 == 0:
        # Without a timestamp in the header the compressed bytes are reproducible.
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
"""Extension; function that writes records; function that returns a value as it is parsed."""
