"""report.json is valid by its schema, with the worst finding first."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

import compliance
from compliance.engine.findings import Findings
from compliance.reports import json_report
from unit_tests.compliance.reports.ledgers import HOSTILE, ROWS, hostile, ledger, ledgers
from unit_tests.fixtures.examples import examples

SCHEMA = json.loads((Path(compliance.__file__).parent / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def _report(judged: Findings, *, controls: int = 20) -> dict[str, Any]:
    """Return the report, validated with some of its controls: the validator is slow, and they are 2,000 of one shape."""
    report: dict[str, Any] = json.loads(json_report.render(judged))
    VALIDATOR.validate({**report, "controls": report["controls"][:controls]})
    return report


def test_report_lists_the_worst_finding_first() -> None:
    report = _report(ledger(*ROWS))

    assert report["findings"][0]["path"] == "S/C/Resource"
    assert report["findings"][0]["line"] == 7
    assert report["findings"][0]["source"] == "infra/constructs/queue.py:42"
    assert report["findings"][0]["message"] == HOSTILE


def test_report_has_coverage_and_controls() -> None:
    report = _report(ledger(*ROWS), controls=10**6)

    controls = {(state["framework"], state["control"]): state for state in report["controls"]}
    assert controls["NIST-800-53-R5", "SC-28"]["status"] == "failing"
    assert controls["NIST-800-53-R5", "SC-28"]["rules"] == ["P::R"]
    assert controls["NIST-800-53-R5", "AC-1"]["status"] == "procedural"
    assert {item["resource_type"]: item["rules"] for item in report["coverage"]} == {"AWS::SQS::Queue": {"P": 2}}
    assert report["templates"][0]["file"] == "templates/prod/S.template.json"


def test_report_counts_rows_that_did_not_apply() -> None:
    report = _report(ledger(*ROWS))

    assert report["not_applicable_by_pack"] == {"P": 3}
    assert sum(report["counts"].values()) == len(report["findings"]) + 3


def test_report_keeps_hostile_text_unchanged() -> None:
    assert _report(hostile())["findings"][0]["stack"] == HOSTILE


@pytest.mark.property
@settings(max_examples=examples(12))  # each has every control of every framework
@given(ledgers())
def test_report_of_any_ledger_is_valid_with_all_rows(judged: Findings) -> None:
    report = _report(judged)

    assert len(report["findings"]) == len(judged.findings)
    shuffled = replace(judged, findings=judged.findings[::-1])
    assert sorted(map(json.dumps, _report(shuffled)["findings"])) == sorted(map(json.dumps, report["findings"]))


@pytest.mark.parametrize(
    "damage",
    [
        {"passed": "yes"},
        {"schema_version": "1.0"},
        {"schema_version": "3.0"},
        {"surprise": 1},
        {"findings": [{"rule": "P::R", "verdict": "FAIL", "path": "x"}]},
        {"findings": [{"rule": "R", "verdict": "PASS", "path": "x"}]},
        {"findings": [{"rule": "P::R", "verdict": "PASS", "path": "x", "decision": "logs"}]},
        {"findings": [{"rule": "P::R", "verdict": "ACKNOWLEDGED", "path": "x"}]},
        {"findings": [{"rule": "P::R", "verdict": "NOT_APPLICABLE", "path": "x"}]},
        {"controls": [{"framework": "PCI-DSS-3.2.1", "control": "3.4", "status": "fine"}]},
        {"coverage": [{"resource_type": "AWS::SQS::Queue"}]},
        {"templates": [{"name": "S", "file": "../S"}]},
    ],
)
def test_schema_refuses_ambiguous_reports(damage: dict[str, Any]) -> None:
    report = json.loads(json_report.render(ledger(*ROWS)))

    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**report, "controls": [], **damage})
