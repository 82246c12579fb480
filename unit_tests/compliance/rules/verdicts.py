"""Tables of resources and the verdicts of one rule on them."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template, verdict_on
from unit_tests.compliance.rules.corruptions import Resource, Value

PASS, FAIL, NOT_EVALUATED = Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED


def says(rule: str, resource: Resource, region: str = "us-west-2") -> Verdict | None:
    """Return the rule's verdict on one resource that stands alone; None where it does not apply."""
    return verdict_on(rule, resource, region)[0]


def message(rule: str, resource: Resource, region: str = "us-west-2") -> str:
    """Return the rule's message about one resource that stands alone."""
    return verdict_on(rule, resource, region)[1]


def verdict_in(rule: str, logical_id: str, *templates: Template) -> Verdict | None:
    """Return the rule's verdict on a resource, in the first template that has it; None where it does not apply."""
    rows = [row for row in ask(rule, *templates) if row.logical_id == logical_id]
    return rows[0].verdict if rows else None


def message_in(rule: str, logical_id: str, *templates: Template) -> str:
    """Return the rule's message about one resource of several templates."""
    return next(row.message for row in ask(rule, *templates) if row.logical_id == logical_id)


class Row(NamedTuple):
    """A template, the resource of it that the rule judges, and a part of the expected message."""

    judged: Value
    on: str = ""
    text: str = ""


def reports(text: str, judged: Value, on: str = "") -> Row:
    """Return a row whose message contains a text."""
    return Row(judged, on, text)


def on(logical_id: str, judged: Value) -> Row:
    """Return a row about another resource than the table's other rows."""
    return Row(judged, logical_id)


def rule_test(
    rule: str,
    build: Callable[[Any], Any] = lambda it: {"It": it},
    *,
    of: str = "It",
    region: str = "us-west-2",
    passes: Iterable[Value] = (),
    fails: Iterable[Value] = (),
    unresolved: Iterable[Value] = (),
    ignored: Iterable[Value] = (),
) -> Callable[..., None]:
    """Return the test of a rule, one case a row.

    Args:
        rule: its id.
        build: makes a template's resources, or whole templates, of a row. A row of templates is taken as it is.
        of: the logical id of the resource that the verdict is about; a row may name another by `on` or `reports`.
        region: of the template that holds the resources.
        passes: rows on which the verdict is PASS.
        fails: likewise for FAIL.
        unresolved: likewise for NOT_EVALUATED.
        ignored: rows that the rule does not apply to.
    """
    tables = {PASS: passes, FAIL: fails, NOT_EVALUATED: unresolved, None: ignored}
    cases = [
        pytest.param(verdict, row if isinstance(row, Row) else Row(row), id=f"{verdict or 'IGNORED'}-{number}")
        for verdict, rows in tables.items()
        for number, row in enumerate(rows)
    ]

    def templates(judged: Value) -> tuple[Template, ...]:
        made = judged if isinstance(judged, Template | tuple) else build(judged)
        if isinstance(made, dict):
            made = template(made, region)
        return (made,) if isinstance(made, Template) else made

    @pytest.mark.parametrize(("verdict", "row"), cases)
    def test(verdict: Verdict | None, row: Row) -> None:
        name, judged = row.on or of, templates(row.judged)
        assert verdict_in(rule, name, *judged) is verdict, row.judged
        if row.text:
            assert row.text in message_in(rule, name, *judged)

    return test
