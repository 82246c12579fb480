"""The ledger's rows: every rule and place once, whatever the verdict, always in the same order."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.engine.findings import Findings, Place, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder

pytestmark = pytest.mark.property

_PLACES = [
    Place(configuration=configuration, stack=stack, path=f"{stack}/{name}", logical_id=name, resource_type="T", line=line)
    for configuration in ("prod", "dev")
    for stack in ("B", "A")
    for line, name in enumerate(("X", "Y"), start=1)
]
_KEYS = st.tuples(st.sampled_from(["P::One", "P::Two", "Q::Three"]), st.sampled_from(_PLACES))
_ANSWERS = st.dictionaries(_KEYS, st.sampled_from(list(Verdict)))


def _ledger(answers: list[tuple[tuple[str, Place], Verdict]]) -> Findings:
    found = FindingsBuilder()
    for (rule, place), verdict in answers:
        found.add(RuleInfo(id=rule, title="t", why="w", fix="f"), verdict, place)
    return Findings(
        findings=tuple(found.rows),
        rules=found.rules,
        silent=found.silent,
        judged_on=date(2026, 11, 24),
        configurations=("prod", "dev"),
    )


@given(answers=_ANSWERS, data=st.data())
def test_rows_hold_each_answer_in_the_order_of_the_templates(
    answers: dict[tuple[str, Place], Verdict], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(list(answers.items())))

    rows = list(_ledger(shuffled).rows())

    assert rows == list(_ledger(list(answers.items())).rows())
    assert {(row.rule, row.configuration, row.stack, row.path, row.line): row.verdict for row in rows} == {
        (rule, place.configuration, place.stack, place.path, place.line): verdict
        for (rule, place), verdict in answers.items()
    }
    assert len(rows) == len(answers) == sum(_ledger(shuffled).counts.values())
    order = [(row.configuration != "prod", row.rule, row.stack, row.line) for row in rows]
    assert order == sorted(order)


@given(answers=_ANSWERS)
def test_findings_exclude_rules_that_do_not_apply(answers: dict[tuple[str, Place], Verdict]) -> None:
    ledger = _ledger(list(answers.items()))

    applied = [row for row in ledger.rows() if row.verdict is not Verdict.NOT_APPLICABLE]
    assert sorted(map(repr, ledger.findings)) == sorted(map(repr, applied))
    assert sum(ledger.not_applicable.values()) == ledger.counts[Verdict.NOT_APPLICABLE]
    assert sum(item.resources for item in ledger.coverage) == len({place for _, place in answers})
