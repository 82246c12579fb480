"""junit.xml distinguishes failures, rows that were not evaluated, and acknowledged rows."""

from io import BytesIO

import pytest
from hypothesis import given
from junitparser import Error, Failure, JUnitXml, Skipped

from compliance.engine.findings import Findings
from compliance.reports import junit
from unit_tests.compliance.reports.ledgers import ROWS, hostile, ledger, ledgers


def test_junit_distinguishes_failed_unevaluated_and_acknowledged() -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(ledger(*ROWS)).encode()))

    cases = {case.name: case for suite in document for case in suite}
    assert len(cases) == 4  # two rows are about one resource
    assert isinstance(cases["S/B/Resource"].result[0], Error)
    assert isinstance(cases["S/C/Resource"].result[0], Failure)
    assert "Fix: Fix it" in cases["S/C/Resource"].result[0].text
    assert isinstance(cases["S/D/Resource"].result[0], Skipped)


def test_junit_of_a_run_without_evaluated_rows_is_one_error() -> None:
    (suite,) = JUnitXml.fromfile(BytesIO(junit.render(ledger()).encode()))

    ((error,),) = (case.result for case in suite)
    assert isinstance(error, Error)
    assert error.message == "nothing was evaluated, so there is no verdict"
    assert suite.errors == 1


def test_junit_escapes_hostile_text() -> None:
    suites = list(JUnitXml.fromfile(BytesIO(junit.render(hostile()).encode())))

    assert len(list(suites[0])) == len(ROWS)


@pytest.mark.property
@given(ledgers())
def test_junit_of_any_ledger_has_a_case_for_each_row(judged: Findings) -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(judged).encode()))

    assert sum(len(list(suite)) for suite in document) == max(1, len(judged.findings))
