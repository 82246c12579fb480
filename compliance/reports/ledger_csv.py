"""Render ledger.csv: the ledger for a spreadsheet, a row for each rule and resource.

Where a rule did not apply (nineteen rows of twenty), the row has the rule and the resource only. The path and the
Python line of the resource are in its other rows, and would make the file twice as large.
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

# A spreadsheet runs such a cell as a formula; some locales also separate cells at a semicolon.
_FORMULA: Final = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def render(ledger: Findings) -> str:
    """Return the report as CSV text with a header, and CRLF at the end of each line as in RFC 4180."""
    written = StringIO(newline="")
    writer = csv.writer(written, lineterminator=_END)
    writer.writerow(COLUMNS)
    # The same few thousand texts occur in very many rows.
    cell = cache(_cell)
    writer.writerows(_row(ledger, finding, cell) for finding in sorted(ledger.findings, key=_order))
    written.writelines(_silent(ledger, cell))
    return written.getvalue()


def _silent(ledger: Findings, cell: Callable[[str], str]) -> Iterator[str]:
    """Return a line for each rule and each resource that it did not apply to, by rule and place."""
    verdict, rest = Verdict.NOT_APPLICABLE.value, ("",) * (len(COLUMNS) - 10)
    places = {id(place): place for among in ledger.silent.values() for place in among}
    # A place is one object for hundreds of rules, so its order and its CSV columns are computed once. The rule's columns
    # are computed once too, and each line joins the two.
    ordered = sorted(places.values(), key=lambda place: (place.configuration, place.stack, place.path, *_words(place)))
    number = {id(place): rank for rank, place in enumerate(ordered)}
    words = {identity: _csv(map(cell, _words(place))) for identity, place in places.items()}
    for rule, among in sorted(ledger.silent.items()):
        known = ledger.rules.get(rule)
        severity = known.severity.value if known else ""
        columns = _csv((cell(rule.partition("::")[0]), cell(rule), verdict, severity, *rest))
        for place in sorted(among, key=lambda place: number[id(place)]):
            yield f"{words[id(place)]},{columns}{_END}"


def _csv(cells: Iterable[str]) -> str:
    """Return some columns of a line as CSV."""
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
    """Return the text on one line, changed where a spreadsheet would run it as a formula."""
    return _FORMULA.sub(r"\1\2'", one_line(text))
