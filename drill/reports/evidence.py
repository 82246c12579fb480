"""evidence.zip: the reports and the journal of one drill, packed as the gate packs its own, so one command checks both."""

from collections.abc import Mapping
from typing import Final

from compliance.reports import bundle
from drill.model import DrillReport
from drill.reports import json_report

README: Final = "README.txt"
_README: Final = """\
The evidence of one failover drill.

index.html           for a person: open it in a browser, no network needed
summary.md           the verdict and the worst, short
report.json          the same as data; it holds the SHA-256 of the report of the drill before
report.schema.json   its contract
junit.xml            the same as test results
journal.jsonl        what the drill did, as it did it; each line holds the SHA-256 of the line before
manifest.json        SHA-256 and size of each of these files

Check it: python -m compliance verify evidence.zip
Check the chain of drills: python -m drill verify
"""


def render(report: DrillReport, reports: Mapping[str, bytes], journal: bytes | None) -> bytes:
    """Return the bundle, the same bytes for the same report and journal.

    Args:
        report: The drill's.
        reports: Its renderings, by file name.
        journal: The journal as it is now; None where there is none.
    """
    members = {**reports, README: _README.encode(), json_report.SCHEMA.name: json_report.SCHEMA.read_bytes()}
    if journal is not None:
        members["journal.jsonl"] = journal
    return bundle.pack(members, drill_id=report.drill_id, verdict=report.verdict.value)
