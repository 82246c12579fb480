"""report.json: valid by its schema, the worst first, always the same bytes."""

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
    """The report, valid with as many of its controls: they are two thousand of one shape, and the validator is slow."""
    report: dict[str, Any] = json.loads(json_report.render(judged))
    VALIDATOR.validate({**report, "controls": report["controls"][:controls]})
    return report


def test_the_worst_first_and_always_the_same_bytes() -> None:
    report = _report(ledger(*ROWS))

    assert json_report.render(ledger(*ROWS)) == json_report.render(ledger(*reversed(ROWS)))
    assert report["findings"][0]["path"] == "S/C/Resource"
    assert report["findings"][0]["line"] == 7
    assert report["findings"][0]["source"] == "infra/constructs/queue.py:42"
    assert report["findings"][0]["message"] == HOSTILE


def test_it_says_what_is_covered_and_which_control_is_served() -> None:
    report = _report(ledger(*ROWS), controls=10**6)

    controls = {(state["framework"], state["control"]): state for state in report["controls"]}
    assert controls["NIST-800-53-R5", "SC-28"]["status"] == "failing"
    assert controls["NIST-800-53-R5", "SC-28"]["rules"] == ["P::R"]
    assert controls["NIST-800-53-R5", "AC-1"]["status"] == "not covered by automation"
    assert {item["resource_type"]: item["rules"] for item in report["coverage"]} == {"AWS::SQS::Queue": {"P": 2}}
    assert report["templates"][0]["file"] == "templates/prod/S.template.json"


def test_rows_that_did_not_apply_are_counted() -> None:
    report = _report(ledger(*ROWS))

    assert report["not_applicable_by_pack"] == {"P": 3}
    assert sum(report["counts"].values()) == len(report["findings"]) + 3


def test_hostile_text_is_kept_as_it_is() -> None:
    assert _report(hostile())["findings"][0]["stack"] == HOSTILE


@pytest.mark.property
@settings(max_examples=examples(25))  # each tells of every control of every framework
@given(ledgers())
def test_any_ledger_is_valid_and_its_rows_are_all_there(judged: Findings) -> None:
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
def test_the_schema_refuses_what_a_reader_would_misread(damage: dict[str, Any]) -> None:
    report = json.loads(json_report.render(ledger(*ROWS)))

    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**report, "controls": [], **damage})
