"""Render evidence.zip: the reports and the journal of a drill, in the gate's format, so that one command verifies both."""

import hashlib
from collections.abc import Mapping
from typing import Final

from drill.model import DrillReport
from drill.reports import json_report
from reporting import bundle

README: Final = "README.txt"
BESIDE: Final = "beside"
"""Key of the manifest: the SHA-256 of files that stay in the drill's folder, by file name."""
_README: Final = """\
The evidence of one failover drill.

index.html           the report as a page: open it in a browser, without a network
summary.md           the verdict and the most important facts
report.json          the report as data, with the SHA-256 of the previous drill's report
report.schema.json   the schema of report.json
junit.xml            the report as test results
journal.jsonl        the actions of the drill; each line holds the SHA-256 of the previous line
manifest.json        SHA-256 and size of each of these files, and SHA-256 of the receipts and samples, which stay in the
                     drill's folder

To verify this file, type: python -m compliance verify evidence.zip
To verify the chain of drills, type: lockstep drill verify
"""


def render(
    report: DrillReport, reports: Mapping[str, bytes], journal: bytes | None, beside: Mapping[str, bytes] | None = None
) -> bytes:
    """Return the bundle, the same bytes for the same report and journal.

    Args:
        report: The drill's report.
        reports: The rendered reports, by file name.
        journal: The current content of the journal, or None.
        beside: Files that stay in the drill's folder, whose SHA-256 alone is in the bundle: receipts, which give
            access to the state of an upload, and samples, which are in the report already.
    """
    members = {**reports, README: _README.encode(), json_report.SCHEMA.name: json_report.SCHEMA.read_bytes()}
    if journal is not None:
        members["journal.jsonl"] = journal
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted((beside or {}).items())}
    return bundle.pack(members, drill_id=report.drill_id, verdict=report.verdict.value, **{BESIDE: hashes})
