"""findings.ocsf.json loads into the model of OCSF's Compliance Finding, and has the state of each row."""

import json
from datetime import date

import pytest
from hypothesis import given
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding  # type: ignore[import-untyped]

from compliance.engine.findings import Findings, Verdict
from compliance.reports import ocsf
from unit_tests.compliance.reports.ledgers import PASSING, ROWS, TODAY, hostile, ledger, ledgers


def _events(of: Findings) -> list[ComplianceFinding]:
    documents = json.loads(ocsf.render(of))
    events = [ComplianceFinding.model_validate(each) for each in documents]
    written = [event.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for event in events]
    # A field that the model does not know would be dropped without an error.
    assert all(set(each) <= {*ComplianceFinding.model_fields} for each in documents)
    assert [each["compliance"] for each in written] == [each["compliance"] for each in documents]
    assert [each["resources"] for each in written] == [each["resources"] for each in documents]
    assert len({event.finding_info.uid for event in events}) == len(events)
    return events


def test_each_row_has_its_state_and_severity() -> None:
    states = {
        (event.status_id.name, event.compliance.status_id.name, event.severity_id.name) for event in _events(ledger(*ROWS))
    }
    assert states == {
        ("Resolved", "Pass", "Informational"),
        ("New", "Fail", "Medium"),
        ("New", "Warning", "High"),
        ("New", "Fail", "High"),
        ("Suppressed", "Fail", "High"),
    }


def test_time_is_the_end_of_the_run_or_the_day_of_the_verdict() -> None:
    run = {"started": "2026-01-02T03:04:05Z", "ended": "2026-01-02T03:04:06Z", "by": "me"}
    (ended,), (unknown,) = _events(ledger(PASSING, run=run)), _events(ledger(PASSING))
    assert ended.time == 1_767_323_046_000
    assert unknown.time % 86_400_000 == 0
    assert unknown.time // 86_400_000 == (TODAY - date(1970, 1, 1)).days


def test_run_without_evaluated_rows_is_one_finding() -> None:
    (event,) = _events(ledger())
    assert (event.status_id.name, event.message) == ("New", "nothing was evaluated, so there is no verdict")


def test_hostile_text_has_no_control_characters() -> None:
    texts = [text for event in _events(hostile()) for text in (event.finding_info.title, event.compliance.control)]
    assert all(text.isprintable() for text in texts)


@pytest.mark.property
@given(judged=ledgers())
def test_any_ledger_is_valid(judged: Findings) -> None:
    evaluated = [row for row in judged.findings if row.verdict is not Verdict.NOT_APPLICABLE]
    assert len(_events(judged)) == len(evaluated) + (not judged.evaluated)
