"""Renderings of the ledger, one small file each. They add nothing to it and decide nothing."""

from pathlib import Path

from compliance.ledger import Ledger
from compliance.reports import json_report, junit, summary


def write_reports(ledger: Ledger, directory: Path) -> list[Path]:
    """Write every report into a folder, which is made where it is missing.

    Returns:
        The files, in the order in which a reader wants them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        "summary.md": summary.render(ledger),
        "report.json": json_report.render(ledger),
        "junit.xml": junit.render(ledger),
    }
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")
    return [directory / name for name in files]
