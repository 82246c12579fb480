"""Report a run: a table on the terminal, report.json and summary.md."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from rich import box
from rich.console import Console
from rich.table import Table

from integration_tests.e2e.cleanup import Cleanup, Made
from integration_tests.e2e.pushing import Pushed
from local_cloud.testbed.run_folder import CHECKOUT, REPORTS
from operations.target import Target

_SECONDS_BETWEEN_LINES: Final = 2.0
_OUTCOMES: Final = ("passed", "failed", "error", "skipped")


@dataclass
class ReadBack:
    """Counts of the read-back.

    Attributes:
        resources: Resources whose properties were compared.
        properties: Single values that were compared.
        unknown: Values that only the cloud knows (generated ids) and that were not compared.
    """

    resources: int = 0
    properties: int = 0
    unknown: int = 0

    def add(self, properties: int, unknown: int) -> None:
        """Count another resource."""
        self.resources += 1
        self.properties += properties
        self.unknown += unknown

    def __str__(self) -> str:
        return f"Read back: {self.properties} values of {self.resources} resources; {self.unknown} only the cloud knows."


@dataclass
class Run:
    """A run and its results so far.

    Attributes:
        target: The cloud that is tested.
        pushed: The uploaded files of the corpus.
        failover: The files that were uploaded during the failover.
        issued: The uploads through the issuer.
        read_back: Counts of the read-back.
        cleanup: The result of the cleanup; None before it.
        begun: Time at which it began.
    """

    target: Target
    pushed: list[Pushed] = field(default_factory=list)
    failover: list[Pushed] = field(default_factory=list)
    issued: list[Made] = field(default_factory=list)
    read_back: ReadBack = field(default_factory=ReadBack)
    cleanup: Cleanup | None = None
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def made(self) -> list[Made]:
        """Every object that the run made."""
        return [Made(one.object_id, one.sample.records) for one in self.pushed + self.failover] + self.issued


@contextlib.contextmanager
def saying(config: pytest.Config) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what a fixture is doing: in place on a terminal, on separate lines elsewhere."""
    capture = config.pluginmanager.getplugin("capturemanager")
    console = Console(file=sys.__stdout__, highlight=False, emoji=False)
    printed_at, printed = 0.0, ""
    with capture.global_and_fixture_disabled(), contextlib.ExitStack() as stack:
        status = stack.enter_context(console.status("")) if console.is_terminal else None

        def say(text: str) -> None:
            nonlocal printed_at, printed
            if status:
                status.update(text)
            elif text != printed and time.monotonic() - printed_at > _SECONDS_BETWEEN_LINES:
                printed_at, printed = time.monotonic(), text
                console.print(text, markup=False)

        console.print()
        yield say


def conclude(run: Run, reporter: pytest.TerminalReporter) -> None:
    """Write the report, print the table and the report's path."""
    outcomes = {name: len(reporter.stats.get(name, [])) for name in _OUTCOMES}
    report = _report(run, outcomes)
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "report.json").write_text(json.dumps(report, indent=2, default=str) + "\n", "utf-8")
    (REPORTS / "summary.md").write_text(_summary(report), "utf-8")
    console = Console(file=sys.__stdout__, highlight=False, emoji=False, soft_wrap=True)
    console.print()
    if run.pushed or run.failover:
        console.print(_table(report["files"]))
    if run.read_back.resources:
        console.print(str(run.read_back))
    if run.cleanup and run.cleanup.kept:
        console.print(f"Object Lock keeps {len(run.cleanup.kept)} objects of the archive; report.json names them.")
    if run.target.known_gaps:
        console.print(
            "\nNOT FAITHFUL: features that the local cloud only records, or where it differs from AWS", style="bold"
        )
        for what, why in run.target.known_gaps:
            console.print(f"  {what}: {why}", markup=False)
    console.print(f"\nReport: {(REPORTS / 'summary.md').relative_to(CHECKOUT)}, report.json and junit.xml beside it\n")


def _report(run: Run, outcomes: dict[str, int]) -> dict[str, Any]:
    target = run.target
    return {
        "run_id": target.run_id,
        "mode": str(target.mode),
        "account": target.account,
        "environment": target.environment,
        "regions": {"primary": target.primary, "secondary": target.secondary, "control": target.control},
        "begun_at": run.begun.isoformat(),
        "seconds": round((datetime.now(UTC) - run.begun).total_seconds(), 1),
        "tests": outcomes,
        "files": [_file(one) for one in run.pushed + run.failover],
        "read_back": asdict(run.read_back),
        "cleanup": asdict(run.cleanup) if run.cleanup else None,
        "known_gaps": [{"what": what, "why": why} for what, why in target.known_gaps],
    }


def _file(one: Pushed) -> dict[str, Any]:
    row = next(iter(one.results.values()), {})
    return {
        "file": one.name,
        "real": one.sample.real,
        "bytes": len(one.sample.body),
        "format": row.get("format", {}).get("S", ""),
        "compression": row.get("compression", {}).get("S", ""),
        "state": row.get("state", {}).get("S", "nothing came"),
        "accepted": one.count("accepted"),
        "rejected": one.count("rejected"),
        "expected_accepted": len(one.sample.accepted),
        "expected_rejected": one.sample.rejections,
        "seconds": round(one.seconds, 2) if one.seconds is not None else None,
        "object_id": one.object_id,
    }


def _table(files: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, caption="seconds: from the upload until the result is in both regions")
    table.add_column("file")
    table.add_column("format")
    for name in ("accepted", "rejected", "seconds"):
        table.add_column(name, justify="right")
    for one in files:
        table.add_row(*_cells(one), style="" if _as_expected(one) else "red")
    return table


def _summary(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report["tests"].items())
    regions = report["regions"]
    lines = [
        "# End-to-end run",
        "",
        f"{report['begun_at']}, {report['mode']}, account {report['account']}, environment {report['environment']}.",
        f"{regions['primary']} and {regions['secondary']}: {counts} in {report['seconds']} s.",
        "",
        "| file | format | accepted | rejected | seconds |",
        "|---|---|--:|--:|--:|",
    ]
    lines += [f"| {' | '.join(_cells(one))} |" for one in report["files"]]
    if report["read_back"]["resources"]:
        lines += ["", str(ReadBack(**report["read_back"]))]
    if report["known_gaps"]:
        lines += ["", "## Not faithful", "", "Where the local cloud only records, or differs from AWS:", ""]
        lines += [f"* {one['what']}: {one['why']}" for one in report["known_gaps"]]
    return "\n".join(lines) + "\n"


def _kind(one: dict[str, Any]) -> str:
    if one["state"] == "QUARANTINED":
        return "quarantined"
    if one["compression"] in {"", "none"}:
        return one["format"] or str(one["state"])
    return f"{one['format']}, {one['compression']}"


def _cells(one: dict[str, Any]) -> list[str]:
    return [one["file"], _kind(one), *(_cell(one[name]) for name in ("accepted", "rejected", "seconds"))]


def _cell(value: float | None) -> str:
    return "-" if value is None else str(value)


def _as_expected(one: dict[str, Any]) -> bool:
    found = (one["accepted"] or 0, one["rejected"] or 0)
    return found == (one["expected_accepted"], one["expected_rejected"]) and one["seconds"] is not None
