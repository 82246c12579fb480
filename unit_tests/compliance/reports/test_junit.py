"""junit.xml: failures, what was not evaluated, and what is acknowledged are told apart."""

from io import BytesIO

import pytest
from hypothesis import given
from junitparser import Error, Failure, JUnitXml, Skipped

from compliance.engine.findings import Findings
from compliance.reports import junit
from unit_tests.compliance.reports.ledgers import ROWS, hostile, ledger, ledgers


def test_junit_tells_failures_from_what_was_not_evaluated_and_what_is_acknowledged() -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(ledger(*ROWS)).encode()))

    cases = {case.name: case for suite in document for case in suite}
    assert len(cases) == 4  # two rows are about one resource
    assert isinstance(cases["S/B/Resource"].result[0], Error)
    assert isinstance(cases["S/C/Resource"].result[0], Failure)
    assert "Fix: Fix it" in cases["S/C/Resource"].result[0].text
    assert isinstance(cases["S/D/Resource"].result[0], Skipped)


def test_a_run_in_which_nothing_was_evaluated_is_one_error() -> None:
    (suite,) = JUnitXml.fromfile(BytesIO(junit.render(ledger()).encode()))

    ((error,),) = (case.result for case in suite)
    assert isinstance(error, Error)
    assert error.message == "nothing was evaluated, so there is no verdict"
    assert suite.errors == 1


def test_hostile_text_is_no_markup() -> None:
    suites = list(JUnitXml.fromfile(BytesIO(junit.render(hostile()).encode())))

    assert len(list(suites[0])) == len(ROWS)


@pytest.mark.property
@given(ledgers())
def test_every_row_is_a_case_whatever_its_text(judged: Findings) -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(judged).encode()))

    assert sum(len(list(suite)) for suite in document) == max(1, len(judged.findings))
