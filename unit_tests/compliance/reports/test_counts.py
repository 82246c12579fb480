"""The ledger's own counting: the worst first, and nothing evaluated is never a pass."""

import pytest

from compliance.engine.findings import Finding, Verdict
from unit_tests.compliance.reports.ledgers import ACCEPTED, FAILING, PASSING, ROWS, UNKNOWN, UNTIDY, ledger


def test_counts_and_the_worst_first() -> None:
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
def test_a_ledger_passes_only_if_something_was_evaluated_and_nothing_is_open(
    rows: tuple[Finding, ...],
    passed: bool,  # noqa: FBT001
) -> None:
    assert ledger(*rows).passed is passed
