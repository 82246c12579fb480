"""Renderings of a drill's report, one small file each. They add nothing to it and decide nothing.

A drill that failed before it began, or that was killed, is rendered like any other: what is not known is said to be so.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drill.model import DrillReport
from drill.reports import chain, evidence, files, json_report, junit, page, summary
from drill.reports.json_report import ReportError
from reporting.bundle import EVIDENCE

__all__ = ["ReportError", "chain", "write"]

ORDER: Final[Sequence[str]] = ("summary.md", "index.html", "report.json", "junit.xml", EVIDENCE)
"""In which a reader wants them."""
BESIDE: Final = ("receipts*.jsonl", "samples.jsonl")
"""What a drill's folder holds besides: the evidence has the SHA-256 of each."""


def write(report: DrillReport, folder: Path, *, journal: Path) -> list[Path]:
    """Write all reports of a drill into its folder, and make `latest`, beside it, lead there.

    Writing again, as a drill does that was killed while it reported, gives the same files. `report.json` comes last of
    the reports, so that a drill that has one has them all.

    Args:
        report: What to tell.
        folder: The drill's own, `reports/drill/<drill id>`; it is made where it is missing.
        journal: Its journal, which goes into the evidence if it is there.

    Returns:
        The files, in the order in which a reader wants them.

    Raises:
        ReportError: The report is not valid; nothing was written.
        OSError: A file cannot be written.
    """
    text = json_report.render(report).encode()
    reports = {
        "summary.md": summary.render(report).encode(),
        "index.html": page.render(report, hashlib.sha256(text).hexdigest()).encode(),
        "junit.xml": junit.render(report).encode(),
        "report.json": text,
    }
    beside = {file.name: file.read_bytes() for pattern in BESIDE for file in folder.glob(pattern)}
    bundle = evidence.render(report, reports, journal.read_bytes() if journal.is_file() else None, beside)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {EVIDENCE: bundle, **reports}.items():
        files.write(folder / name, content)
    files.point_latest_at(folder)
    return [folder / name for name in ORDER]
