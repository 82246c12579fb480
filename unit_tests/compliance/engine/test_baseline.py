"""The comparison with an earlier report returns every row that differs once."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.engine.baseline import BaselineError, Changes, Row, compare, read_baseline
from compliance.engine.findings import Finding, Findings, RuleInfo, Verdict
from compliance.reports.json_report import render
from unit_tests.fixtures.examples import examples

_FAILING = {Verdict.FAIL, Verdict.NOT_EVALUATED}
_REPORTED = st.sampled_from([Verdict.PASS, Verdict.ACKNOWLEDGED, Verdict.FAIL, Verdict.NOT_EVALUATED])
_RULES = ("P::A", "P::B", "Q::A")
_PLACES = st.tuples(st.sampled_from(_RULES), st.sampled_from(["prod", "dev"]), st.sampled_from(["S/A", "S/B"]))
_STATE = st.dictionaries(_PLACES, _REPORTED)


def _ledger(state: dict[tuple[str, str, str], Verdict], message: str = "m", line: int = 1) -> Findings:
    rows = tuple(
        Finding(
            rule=rule,
            verdict=verdict,
            configuration=configuration,
            stack="S",
            path=path,
            message=message,
            line=line,
            decision="d" if verdict is Verdict.ACKNOWLEDGED else "",
        )
        for (rule, configuration, path), verdict in state.items()
    )
    rules = {name: RuleInfo(id=name, title="t", why="w", fix="f") for name in _RULES}
    return Findings(findings=rows, rules=rules, judged_on=date(2026, 11, 24), configurations=("prod", "dev"))


def _changes(tmp_path: Path, before: dict[tuple[str, str, str], Verdict], ledger: Findings) -> Changes:
    file = tmp_path / "report.json"
    file.write_text(render(_ledger(before)))
    return compare(ledger, read_baseline(file))


def _keys(rows: tuple[Row, ...]) -> set[tuple[str, str, str]]:
    return {(row.rule, row.configuration, row.path) for row in rows}


@pytest.mark.property
@settings(max_examples=examples(40))  # an example writes a whole report
@given(before=_STATE, now=_STATE)
def test_compare_returns_each_change_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[tuple[str, str, str], Verdict],
    now: dict[tuple[str, str, str], Verdict],
) -> None:
    ledger = _ledger(now, message="other words", line=99)

    changes = _changes(tmp_path_factory.mktemp("baseline"), before, ledger)

    failing_before = {key for key, verdict in before.items() if verdict in _FAILING}
    failing_now = {key for key, verdict in now.items() if verdict in _FAILING}
    accepted_before = {key for key, verdict in before.items() if verdict is Verdict.ACKNOWLEDGED}
    accepted_now = {key for key, verdict in now.items() if verdict is Verdict.ACKNOWLEDGED}
    assert _keys(changes.new) == failing_now - failing_before
    assert _keys(changes.fixed) == failing_before - failing_now - accepted_now
    assert _keys(changes.newly_acknowledged) == accepted_now - accepted_before


def test_row_outside_this_run_is_not_fixed(tmp_path: Path) -> None:
    before = {("P::A", "staging", "S/A"): Verdict.FAIL, ("R::A", "prod", "S/A"): Verdict.FAIL}
    file = tmp_path / "report.json"
    report = json.loads(render(_ledger({})))
    report["findings"] = [
        {"rule": rule, "verdict": verdict, "configuration": configuration, "path": path}
        for (rule, configuration, path), verdict in before.items()
    ]
    file.write_text(json.dumps(report))

    assert compare(_ledger({}), read_baseline(file)) == Changes()


def test_worst_of_several_findings_at_one_place_counts(tmp_path: Path) -> None:
    mixed = _ledger({("P::A", "prod", "S/A"): Verdict.PASS})
    failing = _ledger({("P::A", "prod", "S/A"): Verdict.FAIL})

    for rows in (mixed.findings + failing.findings, failing.findings + mixed.findings):
        ledger = Findings(findings=rows, rules=mixed.rules, judged_on=mixed.judged_on, configurations=("prod",))
        assert _keys(_changes(tmp_path, {}, ledger).new) == {("P::A", "prod", "S/A")}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "give a report.json of version 2"),
        (b'{"schema_version": "1.0", "findings": []}', "'1.0'; give a report.json of version 2"),
        (b'{"schema_version": "2.0"}', "no list of findings"),
        (b'{"schema_version": "2.0", "findings": [7]}', "finding number 1"),
        (b'{"schema_version": "2.0", "findings": [{"rule": "P::A", "verdict": "GOOD", "path": ""}]}', "'GOOD'"),
        (b'{"schema_version": "2.0", "findings": [{"rule": 7, "verdict": "PASS", "path": ""}]}', "is not text"),
    ],
)
def test_unreadable_baseline_is_an_error_with_the_reason(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(content)

    with pytest.raises(BaselineError, match=says):
        read_baseline(tmp_path / "report.json")


@pytest.mark.property
@given(
    report=st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["findings", "rule", "verdict", "path", "region"]), inner)
        ),
        max_leaves=6,
    )
)
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, report: Any) -> None:  # noqa: ANN401
    file = tmp_path_factory.mktemp("baseline") / "report.json"
    file.write_text(json.dumps({"schema_version": "2.0", "findings": report}))

    try:
        assert all(isinstance(row, Row) for row in read_baseline(file))
    except BaselineError as error:
        assert str(file) in str(error)


def test_finding_new_in_one_region_is_not_hidden_by_another() -> None:
    def row(region: str) -> Row:
        return Row(rule="P::A", configuration="prod", region=region, path="S/A", verdict=Verdict.FAIL)

    rows = tuple(
        Finding(rule="P::A", verdict=Verdict.FAIL, configuration="prod", stack="S", region=region, path="S/A")
        for region in ("us-east-1", "us-west-2")
    )
    ledger = replace(_ledger({}), findings=rows)

    assert compare(ledger, [row("us-east-1")]).new == (row("us-west-2"),)
    assert compare(ledger, [row("us-east-1"), row("us-west-2")]) == Changes()
