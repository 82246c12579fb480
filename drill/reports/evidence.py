"""evidence.zip: the reports and the journal of one drill, packed as the gate packs its own, so one command checks both."""

import hashlib
from collections.abc import Mapping
from typing import Final

from drill.model import DrillReport
from drill.reports import json_report
from reporting import bundle

README: Final = "README.txt"
BESIDE: Final = "beside"
"""Of the manifest: the SHA-256 of files that stay in the drill's folder, by their names."""
_README: Final = """\
The evidence of one failover drill.

index.html           for a person: open it in a browser, no network needed
summary.md           the verdict and the worst, short
report.json          the same as data; it holds the SHA-256 of the report of the drill before
report.schema.json   its contract
junit.xml            the same as test results
journal.jsonl        what the drill did, as it did it; each line holds the SHA-256 of the line before
manifest.json        SHA-256 and size of each of these files; and SHA-256 of the receipts and samples, which stay where
                     the drill was

Check it: python -m compliance verify evidence.zip
Check the chain of drills: python -m drill verify
"""


def render(
    report: DrillReport, reports: Mapping[str, bytes], journal: bytes | None, beside: Mapping[str, bytes] | None = None
) -> bytes:
    """Return the bundle, the same bytes for the same report and journal.

    Args:
        report: The drill's.
        reports: Its renderings, by file name.
        journal: The journal as it is now; None where there is none.
        beside: What stays in the drill's folder and has only its SHA-256 here: receipts, which let whoever has them ask
            for an upload, and samples, which the report holds already.
    """
    members = {**reports, README: _README.encode(), json_report.SCHEMA.name: json_report.SCHEMA.read_bytes()}
    if journal is not None:
        members["journal.jsonl"] = journal
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted((beside or {}).items())}
    return bundle.pack(members, drill_id=report.drill_id, verdict=report.verdict.value, **{BESIDE: hashes})
