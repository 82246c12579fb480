"""Every report has the verdict of the threshold and the revision of the project."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from junitparser import JUnitXml

import compliance
from compliance.__main__ import FailOn, threshold
from compliance.engine.baseline import Changes
from compliance.engine.findings import Finding, Findings
from compliance.reports import json_report, junit, page, sarif, summary
from reporting.text import counted
from unit_tests.compliance.reports.ledgers import FAILING, PASSING, UNTIDY, baseline_row, ledger, subject

REVISION = {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True}


def _under(fail_on: FailOn, *rows: Finding, new: tuple[Finding, ...] = ()) -> Findings:
    judged = ledger(*rows)
    return replace(judged, threshold=threshold(judged, fail_on, Changes(new=tuple(map(baseline_row, new)))))


TOLERATED = _under(FailOn.ERROR, PASSING, UNTIDY)
"""Only a warning is open, and only errors fail."""
BOTH = _under(FailOn.NEW, PASSING, UNTIDY, FAILING, new=(FAILING,))
"""Two findings are open, and one of them is new."""


@pytest.mark.parametrize(("judged", "passed"), [(TOLERATED, True), (BOTH, False)])
def test_every_report_has_the_verdict_of_the_threshold(judged: Findings, *, passed: bool) -> None:
    report = json.loads(json_report.render(judged))
    schema = json.loads((Path(compliance.__file__).parent / "report.schema.json").read_text())

    jsonschema.validate(report, schema)
    assert judged.threshold is not None
    assert (report["passed"], report["fail_on"]) == (passed, judged.threshold.fail_on)
    word = "passed" if passed else "failed"
    assert summary.render(judged).startswith(f"# Compliance {word} under --fail-on {judged.threshold.fail_on}\n")
    text = page.render(judged)
    assert f"<title>Compliance {word}:" in text
    assert f"<strong>{word.capitalize()} under --fail-on {judged.threshold.fail_on}:" in text
    assert json.loads(sarif.render(judged))["runs"][0]["properties"]["passed"] is passed


def _junit(judged: Findings) -> tuple[int, int]:
    """Return the number of cases that failed, and of those that were skipped."""
    document = JUnitXml.fromfile(BytesIO(junit.render(judged).encode()))
    return document.failures + document.errors, document.skipped


def test_junit_fails_only_findings_that_the_threshold_counts() -> None:
    assert _junit(TOLERATED) == (0, 1)
    assert _junit(BOTH) == (1, 1)
    assert "tolerated under --fail-on error: untidy" in junit.render(TOLERATED)


def test_junit_fails_advice_with_fail_on_advice() -> None:
    judged = ledger(PASSING)
    assert judged.advice
    assert _junit(judged) == (0, 0)
    assert _junit(replace(judged, threshold=threshold(judged, FailOn.ADVICE, None))) == (len(judged.advice), 0)


def test_default_threshold_leaves_the_verdict_to_the_ledger() -> None:
    assert threshold(ledger(FAILING), FailOn.WARNING, None) is None
    assert "fail_on" not in json.loads(json_report.render(ledger(FAILING)))


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        (REVISION, "0123456789abcdef0123456789abcdef01234567 with changes that are in no commit"),
        ({**REVISION, "dirty": False}, "0123456789abcdef0123456789abcdef01234567</code>"),
        ({"unknown": "git is not installed"}, "unknown: git is not installed"),
    ],
)
def test_revision_is_in_the_page_and_the_report(revision: dict[str, Any], words: str) -> None:
    judged = replace(ledger(PASSING), revision=revision)

    assert json.loads(json_report.render(judged))["revision"] == revision
    assert words in page.render(judged)
    assert "Revision of the project" not in page.render(ledger(PASSING))


@pytest.mark.parametrize(
    ("file", "location"),
    [
        ("queue.yaml", {"uri": "queue.yaml", "uriBaseId": "PROJECT"}),
        ("templates/a queue.yaml", {"uri": "templates/a%20queue.yaml", "uriBaseId": "PROJECT"}),
        ("/elsewhere/queue.yaml", {"uri": "file:///elsewhere/queue.yaml"}),
    ],
)
def test_sarif_points_to_the_given_template(file: str, location: dict[str, str]) -> None:
    given = replace(subject(), file=file)
    row = replace(FAILING, source="", stack=given.name, configuration=given.configuration)
    (result,) = json.loads(sarif.render(ledger(row, subjects=(given,))))["runs"][0]["results"]
    physical = result["locations"][0]["physicalLocation"]

    assert physical == {"artifactLocation": location, "region": {"startLine": row.line}}
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "EVIDENCE"


def test_counted_uses_the_singular_for_one() -> None:
    assert [counted(number, "finding") for number in (0, 1, 2, 1200)] == [
        "0 findings",
        "1 finding",
        "2 findings",
        "1,200 findings",
    ]
    assert counted(1, "piece", "of advice") == "1 piece of advice"
