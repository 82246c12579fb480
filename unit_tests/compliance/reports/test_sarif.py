"""report.sarif is valid by OASIS's schema, points to the Python line, and is stable between runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given

from compliance.engine.findings import Findings, Verdict
from compliance.reports import sarif
from unit_tests.compliance.reports.ledgers import (
    ACCEPTED,
    FAILING,
    HOSTILE,
    PASSING,
    ROWS,
    UNKNOWN,
    hostile,
    ledger,
    ledgers,
)

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def _run(judged: Findings) -> dict[str, Any]:
    log = json.loads(sarif.render(judged))
    VALIDATOR.validate(log)
    run: dict[str, Any] = log["runs"][0]
    return run


def _result(judged: Findings, verdict: Verdict) -> dict[str, Any]:
    found = [result for result in _run(judged)["results"] if result["properties"]["verdict"] == verdict]
    assert len(found) == 1
    return dict(found[0])


def test_run_without_evaluated_rows_was_not_successful() -> None:
    assert _run(ledger())["invocations"] == [{"executionSuccessful": False}]
    assert _run(ledger(*ROWS))["invocations"] == [{"executionSuccessful": True}]


def test_failure_is_at_the_python_line_and_relates_to_the_template() -> None:
    result = _result(ledger(FAILING), Verdict.FAIL)

    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "infra/constructs/queue.py", "uriBaseId": "PROJECT"}
    assert physical["region"] == {"startLine": 42}
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "S/C/Resource"
    related = result["relatedLocations"][0]["physicalLocation"]
    assert related["artifactLocation"] == {"uri": "templates/prod/S.template.json", "uriBaseId": "EVIDENCE", "index": 0}
    assert related["region"] == {"startLine": 7}


def test_failure_without_a_source_is_at_the_template() -> None:
    result = _result(ledger(UNKNOWN), Verdict.NOT_EVALUATED)

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "templates/prod/S.template.json"
    assert "relatedLocations" not in result


def test_unevaluated_row_is_an_error() -> None:
    result = _result(ledger(UNKNOWN), Verdict.NOT_EVALUATED)

    assert (result["kind"], result["level"]) == ("fail", "error")
    assert result["message"]["text"] == "Not evaluated: who knows"
    assert "suppressions" not in result


def test_acknowledged_result_is_suppressed_with_its_reason() -> None:
    result = _result(ledger(ACCEPTED), Verdict.ACKNOWLEDGED)

    assert result["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "A log of a log never ends.",
            "properties": {
                "decision": "logs",
                "owner": "me",
                "approver": "you",
                "ticket": "SEC-1",
                "decided": "2026-11-01",
                "expires": "2027-01-01",
            },
        }
    ]


def test_rules_refer_to_the_controls_that_they_serve() -> None:
    run = _run(ledger(*ROWS))

    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    served = {
        (target["toolComponent"]["name"], run["taxonomies"][target["toolComponent"]["index"]]["taxa"][target["index"]]["id"])
        for relationship in next(rule for rule in rules if rule["id"] == "P::R")["relationships"]
        for target in [relationship["target"]]
    }
    assert served == {("NIST-800-53-R5", "SC-28"), ("NIST-800-53-R5", "SC-28(1)"), ("PCI-DSS-3.2.1", "3.4")}
    assert [taxonomy["name"] for taxonomy in run["tool"]["driver"]["supportedTaxonomies"]] == [
        taxonomy["name"] for taxonomy in run["taxonomies"]
    ]


def test_results_exclude_passes_and_begin_with_the_worst() -> None:
    verdicts = [result["properties"]["verdict"] for result in _run(ledger(*ROWS))["results"]]

    assert verdicts == ["FAIL", "NOT_EVALUATED", "FAIL", "ACKNOWLEDGED"]
    assert _run(ledger(PASSING))["results"] == []


def test_fingerprint_is_stable_when_lines_move_and_unique_per_row() -> None:
    def fingerprints(judged: Findings) -> list[str]:
        return [result["partialFingerprints"]["ruleConstructConfiguration/v1"] for result in _run(judged)["results"]]

    moved = replace(FAILING, line=99, source="infra/elsewhere.py:1", message="other words")
    assert fingerprints(ledger(FAILING)) == fingerprints(ledger(moved))
    other = [replace(FAILING, rule="P::Minor"), replace(FAILING, path="S/E"), replace(FAILING, configuration="dev")]
    assert len(set(fingerprints(ledger(FAILING, moved, *other)))) == 5


def test_hostile_text_is_escaped() -> None:
    text = _result(ledger(FAILING), Verdict.FAIL)["message"]["text"]

    assert "{{0}}" in text
    assert "\\[click](javascript" in text
    assert "\x1b" not in text
    assert HOSTILE not in json.dumps(_run(hostile())["results"])


@pytest.mark.property
@given(ledgers())
def test_sarif_of_any_ledger_is_valid_in_any_order_of_rows(judged: Findings) -> None:
    run = _run(judged)

    assert len(run["results"]) == sum(row.verdict is not Verdict.PASS for row in judged.findings)
    fingerprints = [result["partialFingerprints"]["ruleConstructConfiguration/v1"] for result in run["results"]]
    assert len(set(fingerprints)) == len(fingerprints)
    assert set(fingerprints) == {
        result["partialFingerprints"]["ruleConstructConfiguration/v1"]
        for result in _run(replace(judged, findings=judged.findings[::-1]))["results"]
    }
