"""Process a file in several invocations, kill some, fail over in the middle, and compare every item with the file."""

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

from benchmarks.contestants import KEY, PRIMARY, SECONDARY
from benchmarks.fake_aws import HASH_BYTES
from benchmarks.processor_speed import fake_aws, order, write_orders
from benchmarks.timing import BenchmarkError, measured_apart
from handlers.shared import schema

_MOST_INVOCATIONS: Final = 100
_PLAIN_RECORD_BYTES: Final = 200


@dataclass(frozen=True, kw_only=True)
class Result:
    """The invocations of one file.

    Attributes:
        records: Records of the file.
        invocations: For each one: seconds, processor seconds, peak memory, and how far the checkpoint came; of the last one
            before a failover also `replicated`, the records that the other region holds after it.
        requests: Requests to the fake AWS, by operation.
        repeated: Records that were written more than once, because an invocation was killed or its region was lost.
        result: Region and epoch of RESULT.
    """

    records: int
    file_bytes: int
    function_seconds: float
    latency_ms: float
    invocations: list[dict[str, Any]]
    requests: dict[str, int]
    repeated: int
    result: str

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
    failover: int | None,
    seed: int,
    output: Path,
    say: Callable[[str], None],
) -> Result:
    """Invoke the processor until its message is acknowledged, and compare every item with the file's record.

    A failover loses a random half of the items. The other region is promoted and gets a message of its own.

    Args:
        records: Number of NDJSON records.
        record_bytes: Their size, about; 200 at least.
        function_seconds: Time of an invocation.
        latency_ms: Milliseconds until DynamoDB answers.
        kill: Seconds after which an invocation is killed, by its number from 1.
        failover: Number of the last invocation before the first region is lost; a later one, if no record is written yet;
            RESULT's, if that comes earlier.
        seed: Which items the other region lacks after a failover.
        output: Folder for the file.
        say: Reports progress.

    Raises:
        BenchmarkError: An invocation failed; an item is missing, differs or was written in two forms; RESULT is missing,
            counts other records or was replaced.
    """
    invocations: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=output) as folder:
        file = Path(folder) / f"{Path(KEY).name}.ndjson"
        say(f"writing a file of {records:,} records")
        note_bytes = max(0, record_bytes - _PLAIN_RECORD_BYTES)
        write_orders(file, records, note_bytes)
        file_bytes = file.stat().st_size
        with fake_aws(file.parent, latency_ms, "--check") as port:
            region, receives, is_continued, first_result = PRIMARY, 1, False, None
            report = _asked(port, "report")
            while True:
                number, sent = len(invocations) + 1, report["requests"].get("sendmessage", 0)
                if number > _MOST_INVOCATIONS:
                    raise BenchmarkError(f"{_MOST_INVOCATIONS} invocations do not suffice")
                say(f"invocation {number}, {region}: {report['records']:,} of {records:,} records are written")
                command = [str(port), "ndjson", "--seconds", str(function_seconds), "--receives", str(receives)]
                command += ["--region", region, *(["--continued"] if is_continued else [])]
                measured = _invoke(command, kill.get(number))
                report = _asked(port, "report")
                invocations.append({"region": region} | measured | _reached(report))
                is_killed = "killed_after" in measured
                is_acknowledged = not is_killed and report["requests"].get("sendmessage", 0) == sent
                is_lost = is_acknowledged or (failover and number >= failover and report["records"])
                if failover and is_lost and region == PRIMARY:
                    region, receives, is_continued = SECONDARY, 1, False
                    report = _asked(port, f"fail-over/{seed}")
                    first_result, invocations[-1]["replicated"] = report["result"], report["records"]
                elif is_acknowledged:
                    break
                else:
                    receives, is_continued = (receives + 1, is_continued) if is_killed else (1, True)
    say("comparing every item")
    _compare(report, records, note_bytes)
    _check_result(report["result"], first_result, records)
    return Result(
        records=records,
        file_bytes=file_bytes,
        function_seconds=function_seconds,
        latency_ms=latency_ms,
        invocations=invocations,
        requests=report["requests"],
        repeated=report["repeated"],
        result=f"{report['result']['region']['S']}, epoch {report['result']['epoch']['N']}",
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


def _asked(port: int, path: str) -> dict[str, Any]:
    """Return the fake AWS's report, after a failover if the path asks for one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _compare(report: dict[str, Any], records: int, note_bytes: int) -> None:
    """Compare the digest of the items with that of the file's records, formatted here and parsed by nobody."""
    expected = hashlib.sha256()
    for number in range(records):
        expected.update(_digest(number, note_bytes))
    expected.update(bytes(-records % schema.RECORDS_PER_PARTITION_KEY * HASH_BYTES))
    if (report["digest"], report["records"], report["differing"]) != (expected.hexdigest(), records, 0):
        raise BenchmarkError(
            f"{report['records']} of {records} records are in the table, {report['differing']} were written in two forms; "
            f"the digest of the items is {report['digest']}, expected {expected.hexdigest()}"
        )


def _check_result(result: dict[str, Any] | None, first: dict[str, Any] | None, records: int) -> None:
    if result is None:
        raise BenchmarkError("the message is acknowledged, but the table holds no RESULT")
    counts = {name: int(result[name]["N"]) for name in ("accepted", "rejected", "records")}
    if counts != {"accepted": records, "rejected": 0, "records": records}:
        raise BenchmarkError(f"RESULT counts {counts}; the file has {records} records, and none is rejected")
    if first not in (None, result):
        raise BenchmarkError(f"RESULT was replaced after the failover: {first} by {result}")


def _digest(number: int, note_bytes: int) -> bytes:
    typed: dict[str, dict[str, Any]] = {
        name: {"BOOL": value} if isinstance(value, bool) else {"S": value} if isinstance(value, str) else {"N": str(value)}
        for name, value in sorted(order(number, note_bytes).items())
    }
    amount = typed["amount"]["N"]
    typed["amount"]["N"] = amount.removesuffix(".0")
    text = json.dumps({"M": typed}, separators=(",", ":"))
    return hashlib.sha256(f"{number} {text}".encode()).digest()[:HASH_BYTES]
