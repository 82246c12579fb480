"""ledger.csv has every row, also of rules that did not apply, and no cell that a spreadsheet would run."""

import csv
from collections import Counter
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given

from compliance.engine.findings import Findings, Verdict
from compliance.reports import ledger_csv
from unit_tests.compliance.reports.ledgers import FAILING, ROWS, hostile, ledger, ledgers

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _rows(judged: Findings) -> list[dict[str, str]]:
    text = ledger_csv.render(judged)
    assert text.endswith("\r\n")
    assert all(len(row) == len(ledger_csv.COLUMNS) for row in csv.reader(StringIO(text, newline="")))
    return list(csv.DictReader(StringIO(text, newline="")))


def test_row_has_every_field_of_the_ledger() -> None:
    row = next(row for row in _rows(ledger(*ROWS)) if row["verdict"] == "ACKNOWLEDGED")

    assert row == {
        "configuration": "prod",
        "region": "us-east-1",
        "stack": "S",
        "path": "S/D/Resource",
        "logical_id": "D",
        "resource_type": "AWS::SQS::Queue",
        "pack": "P",
        "rule": "P::R",
        "verdict": "ACKNOWLEDGED",
        "severity": "error",
        "message": "bad",
        "decision": "logs",
        "controls": "NIST-800-53-R5:SC-28 NIST-800-53-R5:SC-28(1) PCI-DSS-3.2.1:3.4",
        "source": "infra/constructs/queue.py:42",
        "template_line": "3",
    }


def test_csv_has_a_row_for_each_rule_and_resource() -> None:
    judged = ledger(*ROWS)

    counted = Counter(row["verdict"] for row in _rows(judged))
    assert counted == {verdict.value: count for verdict, count in judged.counts.items()}


@pytest.mark.parametrize("text", ["=1+1", " =1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a;=1", "a; -1", "\uff1d1", "\n=1"])
def test_cell_with_a_formula_is_changed(text: str) -> None:
    row = _rows(ledger(replace(FAILING, message=text, path=text)))[0]

    for cell in (row["message"], row["path"]):
        for part in cell.split(";"):
            assert not part.lstrip().startswith(FORMULA)


@pytest.mark.property
@given(ledgers())
def test_csv_of_any_ledger_has_all_rows_and_no_formula(judged: Findings) -> None:
    rows = _rows(judged)

    assert len(rows) == len(list(judged.rows()))
    assert Counter(row["verdict"] for row in rows) == {verdict.value: n for verdict, n in judged.counts.items() if n}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(FORMULA)]
    assert ledger_csv.render(replace(judged, findings=judged.findings[::-1])) == ledger_csv.render(judged)


def test_hostile_text_stays_in_its_cell() -> None:
    rows = _rows(hostile())

    assert len(rows) == len(ROWS) + 1
    assert {row["verdict"] for row in rows} == {verdict.value for verdict in Verdict}
