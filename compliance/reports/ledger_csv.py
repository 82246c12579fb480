"""ledger.csv: the ledger for a spreadsheet, a row for each rule and resource.

Where a rule did not apply, which is nineteen rows of twenty, the row says which rule, which resource and no more: the
path and the Python line of a resource stand in its other rows, and would make the file twice as large.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from io import StringIO
from typing import Any, Final

from compliance.engine.findings import Finding, Findings, Place, Verdict
from compliance.reports.places import every_field
from reporting.text import one_line

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
    "severity",
    "message",
    "decision",
    "controls",
    "source",
    "template_line",
)

_END: Final = "\r\n"

# A spreadsheet runs a cell that begins so; some locales part cells at a semicolon, too.
_FORMULA: Final = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def render(ledger: Findings) -> str:
    """The report as CSV text with a header and, as RFC 4180 asks, CRLF at the end of each line."""
    written = StringIO(newline="")
    writer = csv.writer(written, lineterminator=_END)
    writer.writerow(COLUMNS)
    # Thousands of rows share a few thousand texts.
    cell = cache(_cell)
    writer.writerows(_row(ledger, finding, cell) for finding in sorted(ledger.findings, key=_order))
    written.writelines(_silent(ledger, cell))
    return written.getvalue()


def _silent(ledger: Findings, cell: Callable[[str], str]) -> Iterator[str]:
    """A line for each rule and resource that it did not apply to, by rule and place."""
    verdict, rest = Verdict.NOT_APPLICABLE.value, ("",) * (len(COLUMNS) - 10)
    places = {id(place): place for among in ledger.silent.values() for place in among}
    # A place is one object for hundreds of rules: put into words and into order once. So are its columns and the rule's
    # put into CSV once, and each line is but the two of them.
    ordered = sorted(places.values(), key=lambda place: (place.configuration, place.stack, place.path, *_words(place)))
    number = {id(place): rank for rank, place in enumerate(ordered)}
    words = {identity: _csv(map(cell, _words(place))) for identity, place in places.items()}
    for rule, among in sorted(ledger.silent.items()):
        known = ledger.rules.get(rule)
        severity = known.severity.value if known else ""
        said = _csv((cell(rule.partition("::")[0]), cell(rule), verdict, severity, *rest))
        for place in sorted(among, key=lambda place: number[id(place)]):
            yield f"{words[id(place)]},{said}{_END}"


def _csv(cells: Iterable[str]) -> str:
    """Some columns of a line."""
    written = StringIO(newline="")
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


def _words(place: Place) -> tuple[str, ...]:
    path = "" if place.logical_id else place.path
    return (place.configuration, place.region, place.stack, path, place.logical_id, place.resource_type)


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.configuration, finding.stack, finding.path, finding.rule, *every_field(finding))


def _row(ledger: Findings, finding: Finding, cell: Callable[[str], str]) -> tuple[str, ...]:
    rule = ledger.rules.get(finding.rule)
    controls = rule.controls if rule else ()
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
