"""Process a file in several invocations, kill some of them, and compare every item with the file."""

import hashlib
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.contestants import KEY
from benchmarks.processor_speed import fake_aws, order, write_orders
from benchmarks.timing import BenchmarkError, measured_apart

_MOST_INVOCATIONS: Final = 100
_PLAIN_RECORD_BYTES: Final = 200


@dataclass(frozen=True, kw_only=True)
class Result:
    """The invocations of one file.

    Attributes:
        records: Records of the file.
        invocations: For each one: seconds, processor seconds, peak memory, and how far the checkpoint came.
        requests: Requests to the fake AWS, by operation.
        repeated: Records that were written more than once, because an invocation was killed.
    """

    records: int
    file_bytes: int
    function_seconds: float
    latency_ms: float
    invocations: list[dict[str, Any]]
    requests: dict[str, int]
    repeated: int

    def as_dict(self) -> dict[str, Any]:
        """Return the result in the form of reports/benchmarks/long-file.json."""
        return vars(self)


def measure(  # noqa: PLR0913 - options of the command
    *,
    records: int,
    record_bytes: int,
    function_seconds: float,
    latency_ms: float,
    kill: dict[int, float],
    output: Path,
    say: Callable[[str], None],
) -> Result:
    """Invoke the processor until RESULT is written, and compare every item with the file's record.

    Args:
        records: Number of NDJSON records.
        record_bytes: Their size, about; 200 at least.
        function_seconds: Time of an invocation.
        latency_ms: Milliseconds until DynamoDB answers.
        kill: Seconds after which an invocation is killed, by its number from 1.
        output: Folder for the file.
        say: Reports progress.

    Raises:
        BenchmarkError: An invocation failed, or an item is missing, differs or was written in two forms.
    """
    invocations: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=output) as folder:
        file = Path(folder) / f"{Path(KEY).name}.ndjson"
        say(f"writing a file of {records:,} records")
        note_bytes = max(0, record_bytes - _PLAIN_RECORD_BYTES)
        write_orders(file, records, note_bytes)
        file_bytes = file.stat().st_size
        with fake_aws(file.parent, latency_ms, "--check") as port:
            receives, is_continued = 1, False
            while not (report := _report(port))["result"]:
                number = len(invocations) + 1
                if number > _MOST_INVOCATIONS:
                    raise BenchmarkError(f"{_MOST_INVOCATIONS} invocations do not suffice")
                say(f"invocation {number}: {report['records']:,} of {records:,} records are written")
                command = [str(port), "ndjson", "--seconds", str(function_seconds), "--receives", str(receives)]
                measured = _invoke([*command, *(["--continued"] if is_continued else [])], kill.get(number))
                invocations.append(measured | _reached(_report(port)))
                is_killed = "killed_after" in measured
                receives, is_continued = (receives + 1, is_continued) if is_killed else (1, True)
    say("comparing every item")
    _compare(report, records, note_bytes)
    return Result(
        records=records,
        file_bytes=file_bytes,
        function_seconds=function_seconds,
        latency_ms=latency_ms,
        invocations=invocations,
        requests=report["requests"],
        repeated=report["repeated"],
    )


def _invoke(arguments: list[str], kill_after: float | None) -> dict[str, Any]:
    """Run one invocation in a process of its own; kill it after some seconds if asked to."""
    began = time.monotonic()
    try:
        found = measured_apart("benchmarks.contestants", "lockstep", *arguments, kill_after=kill_after)
    except subprocess.TimeoutExpired:
        return {"killed_after": round(time.monotonic() - began, 1)}
    return {
        "seconds": round(found["seconds"], 1),
        "cpu_seconds": round(found["cpu_seconds"], 1),
        "peak_mb": round(found["peak_bytes"] / 1e6),
    }


def _reached(report: dict[str, Any]) -> dict[str, Any]:
    """Return how far the checkpoint came, and the number of records in the table."""
    held = report["checkpoint"]
    reached = {"written": report["records"]}
    if held:
        reached["read"] = int(held["M"]["accepted"]["N"])
    return reached


def _report(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/report") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _compare(report: dict[str, Any], records: int, note_bytes: int) -> None:
    """Compare the sum of the items' digests with that of the file's records, formatted here and parsed by nobody."""
    total = sum(int.from_bytes(_digest(number, note_bytes), "big") for number in range(records))
    if (report["digest"], report["records"], report["differing"]) != (f"{total % (1 << 256):064x}", records, 0):
        raise BenchmarkError(
            f"{report['records']} of {records} records are in the table, {report['differing']} were written in two forms; "
            f"the digest of the items is {report['digest']}, expected {total % (1 << 256):064x}"
        )


def _digest(number: int, note_bytes: int) -> bytes:
    typed: dict[str, dict[str, Any]] = {
        name: {"BOOL": value} if isinstance(value, bool) else {"S": value} if isinstance(value, str) else {"N": str(value)}
        for name, value in sorted(order(number, note_bytes).items())
    }
    amount = typed["amount"]["N"]
    typed["amount"]["N"] = amount.removesuffix(".0")
    return hashlib.sha256(f"{number} ".encode() + json.dumps({"M": typed}, separators=(",", ":")).encode()).digest()
