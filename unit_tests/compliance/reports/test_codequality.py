"""gl-code-quality.json has the fields of GitLab's format, lists what is open, and names the same file and line as SARIF."""

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from compliance.engine.findings import Findings, Verdict
from compliance.reports import codequality, sarif
from unit_tests.compliance.reports.ledgers import PASSING, ROWS, hostile, ledger, ledgers

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
FORMAT: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            **{name: {"type": "string", "minLength": 1} for name in ("description", "check_name", "fingerprint")},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": "^(?!\\./)"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}


def _entries(of: Findings) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(codequality.render(of))
    Draft202012Validator(FORMAT).validate(entries)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == (len(of.failures) or int(not of.evaluated))
    return entries


def test_open_findings_are_listed_with_their_python_lines() -> None:
    entries = _entries(ledger(*ROWS))

    open_rows = [row for row in ROWS if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}]
    assert sorted(entry["check_name"] for entry in entries) == sorted(row.rule for row in open_rows)
    located = {(entry["location"]["path"], entry["location"]["lines"]["begin"]) for entry in entries}
    in_sarif = [
        result["locations"][0]["physicalLocation"]
        for result in json.loads(sarif.render(ledger(*open_rows)))["runs"][0]["results"]
    ]
    assert located == {(at["artifactLocation"]["uri"], at.get("region", {}).get("startLine", 1)) for at in in_sarif}


def test_run_without_findings_is_an_empty_list() -> None:
    assert _entries(ledger(PASSING)) == []


def test_run_without_evaluated_rows_is_one_finding() -> None:
    (entry,) = _entries(ledger())
    assert entry["description"] == "nothing was evaluated, so there is no verdict"


def test_hostile_text_stays_in_one_line() -> None:
    assert all("\n" not in value for entry in _entries(hostile()) for value in (entry["description"], entry["check_name"]))


@pytest.mark.property
@given(judged=ledgers())
def test_any_ledger_is_valid_for_gitlab(judged: Findings) -> None:
    _entries(judged)
