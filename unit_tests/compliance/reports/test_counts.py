"""The ledger counts its rows, lists the worst first, and never passes without an evaluated row."""

import pytest

from compliance.engine.findings import Finding, Verdict
from unit_tests.compliance.reports.ledgers import ACCEPTED, FAILING, PASSING, ROWS, UNKNOWN, UNTIDY, ledger


def test_ledger_counts_verdicts_and_lists_the_worst_first() -> None:
    judged = ledger(*ROWS)

    assert {verdict.value: count for verdict, count in judged.counts.items()} == {
        "PASS": 1,
        "FAIL": 2,
        "ACKNOWLEDGED": 1,
        "NOT_APPLICABLE": 3,
        "NOT_EVALUATED": 1,
    }
    assert judged.failures == (FAILING, UNKNOWN, UNTIDY)
    assert judged.by_pack["P"] == judged.counts
    assert sum(row.verdict is Verdict.NOT_APPLICABLE for row in judged.rows()) == 3


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ((), False),
        ((UNKNOWN,), False),
        ((PASSING, UNKNOWN), False),
        ((PASSING, UNTIDY), False),
        ((PASSING,), True),
        ((ACCEPTED,), True),
    ],
)
def test_ledger_passes_only_with_evaluated_and_no_open_rows(
    rows: tuple[Finding, ...],
    passed: bool,  # noqa: FBT001
) -> None:
    assert ledger(*rows).passed is passed
