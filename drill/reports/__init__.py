"""Renderers of a drill's report, one module each. They only present the report.

The report of a failed or killed drill is rendered like any other, with unknown values marked as such.
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
"""The files in reading order."""
BESIDE: Final = ("receipts*.jsonl", "samples.jsonl")
"""Other files of a drill's folder, whose SHA-256 is in the evidence."""


def write(report: DrillReport, folder: Path, *, journal: Path) -> list[Path]:
    """Write all reports of a drill into its folder, and point `latest` beside it to the folder.

    A second call, after a kill during the first one, writes the same files. `report.json` is written last, so that a drill
    with that file has all of them.

    Args:
        report: The report.
        folder: The drill's folder, `reports/drill/<drill id>`, which is created if it does not exist.
        journal: The drill's journal, which is put into the evidence if it exists.

    Returns:
        The files in reading order.

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
