"""Speed of the processor beside `batch_writer` and Powertools with pydantic, on a fake DynamoDB of fixed latency."""

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from hashlib import shake_128
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
import orjson
from pyarrow.json import ReadOptions, read_json

from benchmarks.contestants import CONTESTANTS, KEY
from benchmarks.timing import BenchmarkError, measured_apart
from handlers.processor import handler as handler  # noqa: PLC0414 - sets up the collector for `_refuse`
from handlers.processor.intake import Intake
from handlers.processor.parsers import open_object
from handlers.processor.parsers.records import MAXIMUM_RECORD_BYTES
from handlers.shared import object_keys, schema
from handlers.shared.attribute_values import attribute_map, canonical_text
from infra.bundling import REPOSITORY

FORMATS: Final = ("ndjson", "json", "csv")
_COLUMNS: Final = ("id", "customer", "amount", "currency", "quantity", "created_at", "note", "express")
_CHUNK_RECORDS: Final = 10_000
_COMPARED_RECORDS: Final = 100_000
"""Largest file whose items are compared; the items of a larger one take too much memory."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file and one latency of DynamoDB."""

    records: int
    format: str
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """Medians of one contestant on one case; `peak_mb` in units of 10^6 bytes."""

    contestant: str
    records: int
    format: str
    latency_ms: float
    records_per_second: int
    cpu_microseconds_per_record: float
    peak_mb: int
    records_per_second_of_each_round: list[int]


@dataclass(frozen=True, kw_only=True)
class Result:
    """All rows, in the order in which the contestants ran.

    Attributes:
        rounds: Runs of each contestant on each case.
        rows: Medians.
        items_compared: Items that were sent and equal what Python's own parsers make of the file.
    """

    rounds: int
    rows: list[Row]
    items_compared: int
    refusal_seconds: dict[str, float]
    """Processor seconds until a record of 4 MiB is rejected, by its content."""
    decoding_microseconds: dict[str, float]
    """Processor time for decoding one NDJSON record and nothing else, by library: the limit of any processor."""

    def as_dict(self) -> dict[str, Any]:
        """The result in the form of reports/benchmarks/processor.json."""
        return {
            "rounds": self.rounds,
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "items_compared": self.items_compared,
            "refusal_seconds": self.refusal_seconds,
            "decoding_microseconds": self.decoding_microseconds,
            "rows": [asdict(row) | {"over_batch_writer": self.ratio(row)} for row in self.rows],
        }

    def ratio(self, row: Row) -> float:
        """Return a row's records a second over those of `batch_writer` on the same case."""
        (peer,) = (one for one in self.rows if one.contestant == "batch_writer" and _case(one) == _case(row))
        return round(row.records_per_second / peer.records_per_second, 1)


def _case(row: Row) -> Case:
    return Case(records=row.records, format=row.format, latency_ms=row.latency_ms)


def measure(
    *,
    sizes: Sequence[int],
    formats: Sequence[str],
    latencies_ms: Sequence[float],
    rounds: int,
    say: Callable[[str], None],
) -> Result:
    """Run the contestants in turns on each case, and compare every item of one more run.

    Raises:
        BenchmarkError: A contestant failed, or an item differs.
    """
    rows: list[Row] = []
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            for extension in formats:
                file = Path(folder) / f"{Path(KEY).name}.{extension}"
                write_orders(file, size)
                if size <= _COMPARED_RECORDS:
                    say(f"{size} records, {extension}: comparing every item")
                    compared += _compare(file)
                for latency_ms in latencies_ms:
                    rows += _take_turns(Case(records=size, format=extension, latency_ms=latency_ms), file, rounds, say)
                file.unlink()
    say("records of 4 MiB, and decoding alone")
    return Result(
        rounds=rounds,
        rows=rows,
        items_compared=compared,
        refusal_seconds={name: _refuse(value) for name, value in _LARGE_VALUES.items()},
        decoding_microseconds={name: _decode(decode) for name, decode in _DECODERS.items()},
    )


_LARGE_VALUES: Final = {"integers": b"1,", "decimals": b"1.5,", "text": b'"a",', "objects": b'{"a":1},', "lists": b"[1],"}
_DECODERS: Final[dict[str, Callable[[list[bytes]], Any]]] = {
    "json": lambda lines: [json.loads(line) for line in lines],
    "orjson": lambda lines: [orjson.loads(line) for line in lines],
    "msgspec": lambda lines: list(map(msgspec.json.Decoder().decode, lines)),
    # Into columns, with inferred types, on one core.
    "pyarrow": lambda lines: read_json(BytesIO(b"\n".join(lines)), ReadOptions(use_threads=False)),
}


def _refuse(value: bytes) -> float:
    """Return the seconds until a record with a list of such values is rejected."""
    room = MAXIMUM_RECORD_BYTES - len(b'{"a":[1]}')
    content = b'{"a":1}\n{"a":[%b1]}\n' % (value * (room // len(value)))
    began = time.process_time()
    opened = open_object([content], object_key="incoming/large.ndjson", maximum_expanded_bytes=len(content))
    with Intake("0" * 64, lambda record: record) as intake:
        intake.take(enumerate(opened.records))
        if intake.taken.rejected != 1:
            raise BenchmarkError(f"a record of {room} bytes was not rejected")
    return round(time.process_time() - began, 3)


def _decode(decode: Callable[[list[bytes]], Any]) -> float:
    lines = [json.dumps(order(number)).encode() for number in range(_CHUNK_RECORDS)]
    began = time.process_time()
    decode(lines)
    return round((time.process_time() - began) / len(lines) * 1e6, 2)


def write_orders(file: Path, count: int, note_bytes: int = 0) -> None:
    """Write a file of orders, about 200 bytes each as JSON and a longer note; its extension is the format."""
    extension = file.suffix[1:]
    with file.open("w", encoding="utf-8", newline="") as out:
        if extension == "csv":
            out.write(",".join(_COLUMNS) + "\n")
        elif extension == "json":
            out.write("[")
        for start in range(0, count, _CHUNK_RECORDS):
            orders = [order(number, note_bytes) for number in range(start, min(count, start + _CHUNK_RECORDS))]
            if extension == "csv":
                out.writelines(",".join(str(value).lower() for value in order.values()) + "\n" for order in orders)
            elif extension == "json":
                out.write((", " if start else "") + ", ".join(map(json.dumps, orders)))
            else:
                out.writelines(json.dumps(order) + "\n" for order in orders)
        if extension == "json":
            out.write("]")


def order(number: int, note_bytes: int = 0) -> dict[str, Any]:
    """Return the record of a file at an ordinal, with a random note of a size if one is given."""
    return {
        "id": f"order-{number:09d}",
        "customer": f"customer-{number * 7919 % 100_003}",
        "amount": (number * 104_729 % 999_983) / 100,
        "currency": ("EUR", "USD", "GBP")[number % 3],
        "quantity": number % 17 + 1,
        "created_at": f"2026-11-{number % 28 + 1:02d}T{number % 24:02d}:{number % 60:02d}:00Z",
        "note": shake_128(b"%d" % number).hexdigest(note_bytes // 2) or "leave it at the back door",
        "express": number % 5 == 0,
    }


def _take_turns(case: Case, file: Path, rounds: int, say: Callable[[str], None]) -> list[Row]:
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    with fake_aws(file.parent, case.latency_ms) as port:
        for number in range(rounds):
            for contestant in CONTESTANTS:
                say(f"{case.records} records, {case.format}, {case.latency_ms:g} ms, round {number + 1}: {contestant}")
                runs[contestant].append(measured_apart("benchmarks.contestants", contestant, str(port), case.format))
    return [_row(contestant, case, measured) for contestant, measured in runs.items()]


def _row(contestant: str, case: Case, runs: list[dict[str, float]]) -> Row:
    speeds = [round(case.records / run["seconds"]) for run in runs]
    return Row(
        contestant=contestant,
        **vars(case),
        records_per_second=round(median(speeds)),
        cpu_microseconds_per_record=round(median(run["cpu_seconds"] for run in runs) / case.records * 1e6, 1),
        peak_mb=round(median(run["peak_bytes"] for run in runs) / 1e6),
        records_per_second_of_each_round=speeds,
    )


@contextmanager
def fake_aws(folder: Path, latency_ms: float, *options: str) -> Iterator[int]:
    """Run the fake AWS in a separate process, and yield its port."""
    command = [sys.executable, "-m", "benchmarks.fake_aws", str(folder), "--latency-ms", str(latency_ms), *options]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdout  # noqa: S101 - for mypy; it is a pipe
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


def _compare(file: Path) -> int:
    """Compare the items that the processor sends for a file with those of Python's own parsers; return their number.

    Raises:
        BenchmarkError: An item is missing, differs or is sent twice.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "bodies"
        with fake_aws(file.parent, 0, "--keep", str(kept)) as port:
            measured_apart("benchmarks.contestants", "lockstep", str(port), file.suffix[1:])
        sent: dict[tuple[str, str], str] = {}
        with kept.open("rb") as bodies:
            for body in bodies:
                for put in json.loads(body)["RequestItems"]["ledger"]:
                    item = put["PutRequest"]["Item"]
                    key = item["pk"]["S"], item["sk"]["S"]
                    if key in sent:
                        raise BenchmarkError(f"{file.name}: the item {key} was sent twice")
                    sent[key] = canonical_text(item["record"])
    expected = dict(_exact_items(file))
    if sent != expected:
        differing = sorted(sent.items() ^ expected.items())[:2]
        raise BenchmarkError(f"{file.name}: {len(sent)} items were sent, {len(expected)} are expected; first: {differing}")
    return len(sent)


def _exact_items(file: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each item's key and the canonical text of its record, by Python's own parsers and the exact converter."""
    object_id = object_keys.object_identity("ingest", f"{KEY}{file.suffix}", "v")
    with file.open(encoding="utf-8", newline="") as text:
        if file.suffix == ".csv":
            records: Iterable[dict[str, Any]] = csv.DictReader(text)
        elif file.suffix == ".json":
            records = json.load(text, parse_float=Decimal)
        else:
            records = (json.loads(line, parse_float=Decimal) for line in text)
        for ordinal, record in enumerate(records):
            yield schema.record_keys(object_id, ordinal), canonical_text(attribute_map(record)[0])


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def as_markdown(result: Result) -> str:
    """Return the rows as a Markdown table."""
    facts = result.as_dict()
    lines = [
        "# Speed of the processor",
        "",
        f"Medians of {result.rounds} interleaved rounds; {facts['machine']}; {result.items_compared:,} items compared.",
        "",
        f"Seconds of the processor until a record of 4 MiB is rejected: {_listed(result.refusal_seconds)}.",
        f"Microseconds for decoding alone: {_listed(result.decoding_microseconds)}.",
        "",
        "| records | format | DynamoDB | contestant | records/s | over batch_writer | CPU µs/record | peak MB |",
        "|---:|---|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.records:,} | {row.format} | {row.latency_ms:g} ms | {row.contestant} | {row.records_per_second:,} | "
        f"{result.ratio(row)} | {row.cpu_microseconds_per_record} | {row.peak_mb} |"
        for row in result.rows
    ]
    return "\n".join(lines) + "\n"


_COLOURS: Final = dict(zip(CONTESTANTS, ("#94a3b8", "#64748b", "#2563eb"), strict=True))
_BAR, _GAP, _LEFT, _WIDTH = 14, 10, 220, 520


def as_svg(result: Result) -> str:
    """Return a picture: a group of bars for each case, one bar for each contestant, records a second."""
    longest = max(row.records_per_second for row in result.rows)
    parts: list[str] = []
    top = 40
    for number, row in enumerate(result.rows):
        if number % len(CONTESTANTS) == 0:
            top += _GAP
            case = f"{row.records:,} {row.format}, {row.latency_ms:g} ms"
            parts.append(f'<text x="{_LEFT - 8}" y="{top + _BAR * 2}" text-anchor="end">{case}</text>')
        length = max(1, round(row.records_per_second / longest * _WIDTH))
        colour = _COLOURS[row.contestant]
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{length}" height="{_BAR - 2}" fill="{colour}"/>')
        parts.append(f'<text x="{_LEFT + length + 6}" y="{top + _BAR - 4}">{row.records_per_second:,}</text>')
        top += _BAR
    legend = "".join(
        f'<rect x="{_LEFT + at * 150}" y="30" width="10" height="10" fill="{colour}"/>'
        f'<text x="{_LEFT + at * 150 + 16}" y="39">{name}</text>'
        for at, (name, colour) in enumerate(_COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 90}" height="{top + 20}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="12" y="18" font-size="14">Records a second, medians of {result.rounds} rounds</text>'
        f"{legend}{''.join(parts)}</svg>\n"
    )
