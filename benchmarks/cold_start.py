"""Processor time of a cold start, imports and clients, beside a handler with Powertools and pydantic."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.contestants import CONTESTANTS
from benchmarks.timing import measured_apart
from infra.bundling import BundleTarget, BundlingError, bundle

_PEER: Final = "powertools"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Medians of one contestant."""

    contestant: str
    is_traced: bool
    """Whether the X-Ray SDK may be imported, as where Lambda traces the function."""
    cpu_milliseconds: float
    """From the first import until the handler and its clients exist."""
    modules: int
    """Modules that it imports."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """All rows, and the size of the functions' asset."""

    rounds: int
    rows: list[Row]
    bundle_bytes: int | None
    """Size of the asset, unpacked; None if pip could not fetch the wheels."""

    def ratio(self, *, is_traced: bool) -> float:
        """Return the processor's time over that of Powertools and pydantic."""
        found = {row.contestant: row.cpu_milliseconds for row in self.rows if row.is_traced == is_traced}
        return round(found["lockstep"] / found[_PEER], 2)

    def as_dict(self) -> dict[str, Any]:
        """Return the result in the form of reports/benchmarks/cold-start.json."""
        ratios = {"untraced": self.ratio(is_traced=False), "traced": self.ratio(is_traced=True)}
        return {
            "rounds": self.rounds,
            "lockstep_over_powertools": ratios,
            "bundle_bytes": self.bundle_bytes,
            "rows": [vars(row) for row in self.rows],
        }


def measure(rounds: int, *, say: Callable[[str], None]) -> Result:
    """Start each contestant in turns, in a process of its own.

    Raises:
        BenchmarkError: A contestant failed.
    """
    runs: dict[tuple[str, bool], list[dict[str, float]]] = defaultdict(list)
    for number in range(rounds):
        for is_traced in (False, True):
            for contestant in CONTESTANTS:
                say(f"round {number + 1} of {rounds}: {contestant}")
                options = ["--traced"] if is_traced else []
                found = measured_apart("benchmarks.contestants", contestant, "0", "ndjson", *options)
                runs[contestant, is_traced].append(found)
    say("bundling")
    return Result(
        rounds=rounds,
        rows=[
            Row(
                contestant=contestant,
                is_traced=is_traced,
                cpu_milliseconds=round(median(run["cpu_seconds"] for run in found) * 1000),
                modules=int(found[0]["modules"]),
            )
            for (contestant, is_traced), found in runs.items()
        ],
        bundle_bytes=_bundle_bytes(),
    )


def _bundle_bytes() -> int | None:
    try:
        folder: Path = bundle(BundleTarget.LAMBDA)
    except BundlingError:
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
