"""ledger.csv: the ledger for a spreadsheet.

A row for each rule and resource that has a verdict. Where a rule did not apply, one row tells how many resources of the
stack that was: they are nineteen of twenty, and their rows would say nothing else at a hundred megabytes.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from typing import Any, Final

from compliance.ledger import Finding, Ledger, Place, Verdict
from compliance.reports.places import every_field
from compliance.reports.text import one_line

COLUMNS: Final = (
    "configuration",
    "region",
    "stack",
    "path",
    "logical_id",
    "resource_type",
    "pack",
    "rule",
    "verdict",
    "resources",
    "severity",
    "message",
    "decision",
    "controls",
    "source",
    "template_line",
)

# A spreadsheet runs a cell that begins so; some locales part cells at a semicolon, too.
_FORMULA: Final = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def render(ledger: Ledger) -> str:
    """The report as CSV text with a header and, as RFC 4180 asks, CRLF at the end of each line."""
    written = StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    # Thousands of rows share a few thousand texts.
    cell = cache(_cell)
    writer.writerows(_row(ledger, finding, 1, cell) for finding in sorted(ledger.findings, key=_order))
    writer.writerows(_row(ledger, finding, times, cell) for finding, times in _silent(ledger))
    return written.getvalue()


def _silent(ledger: Ledger) -> Iterator[tuple[Finding, int]]:
    """A row for each rule and stack that it did not apply to some resources of, and how many those were."""
    for rule, places in sorted(ledger.silent.items()):
        counted = Counter((place.configuration, place.stack, place.region) for place in places)
        for (configuration, stack, region), times in sorted(counted.items()):
            yield Place(configuration=configuration, stack=stack, region=region).row(rule, Verdict.NOT_APPLICABLE), times


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.configuration, finding.stack, finding.path, finding.rule, *every_field(finding))


def _row(ledger: Ledger, finding: Finding, resources: int, cell: Callable[[str], str]) -> tuple[str, ...]:
    rule = ledger.rules.get(finding.rule)
    # A rule that did not apply says nothing about a control.
    controls = rule.controls if rule and finding.verdict is not Verdict.NOT_APPLICABLE else ()
    return (
        cell(finding.configuration),
        cell(finding.region),
        cell(finding.stack),
        cell(finding.path),
        cell(finding.logical_id),
        cell(finding.resource_type),
        cell(finding.pack),
        cell(finding.rule),
        finding.verdict.value,
        str(resources),
        rule.severity.value if rule else "",
        cell(finding.message),
        cell(finding.decision),
        cell(" ".join(controls)) if controls else "",
        cell(finding.source),
        str(finding.line or ""),
    )


def _cell(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1\2'", one_line(text))
