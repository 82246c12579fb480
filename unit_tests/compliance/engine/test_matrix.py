"""The matrix of configurations has every valid pair of settings; a comparison with an earlier report every changed row."""

import json
from dataclasses import replace
from datetime import date
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.engine.baseline import BaselineError, Changes, Row, compare, read_baseline
from compliance.engine.findings import Finding, Findings, RuleInfo, Verdict
from compliance.engine.matrix import Configuration, MatrixError, chosen, read_environments, read_matrix
from compliance.reports.json_report import render
from unit_tests.fixtures.examples import examples

AXES: dict[str, dict[Any, dict[str, Any]]] = {
    "domain": {"no": {}, "yes": {"domain.name": "ingest.example.com"}},
    "vpc": {"isolated": {}, "none": {"vpc.mode": "none"}},
    "zones": {2: {}, 1: {"vpc.availability_zones": 1}, 3: {"vpc.availability_zones": 3}},
    "consistency": {"eventual": {}, "strong": {"consistency": "strong"}},
    "lock": {"governance": {}, "compliance": {"object_lock.mode": "compliance"}, "none": {"object_lock.mode": "none"}},
    "control": {"secondary": {}, "primary": {"control": "primary"}},
    "regions": {"given": {}, "swapped": {"primary_region": "us-west-2"}, "elsewhere": {"primary_region": "us-east-2"}},
}
ENVIRONMENTS = ("prod", "staging", "dev")
Point = dict[str, Any]


def _point(configuration: Configuration) -> Point:
    settings = configuration.settings
    return {"environment": configuration.environment} | {
        axis: next(
            (value for value, given in values.items() if given and given.items() <= settings.items()), next(iter(values))
        )
        for axis, values in AXES.items()
    }


def _can_be(point: Point) -> bool:
    if point["environment"] == "prod" and (point["vpc"] == "none" or point["lock"] == "none"):
        return False
    return not (point["consistency"] == "strong" and point["regions"] == "elsewhere")


def _pairs(point: Point) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(pair) for pair in combinations(point.items(), 2)}


def test_every_valid_pair_of_settings_is_in_a_configuration() -> None:
    points = [_point(configuration) for configuration in read_matrix()]
    every = (
        dict(zip(("environment", *AXES), values, strict=True))
        for values in product(ENVIRONMENTS, *(AXES[axis] for axis in AXES))
    )
    needed = set().union(*(_pairs(point) for point in every if _can_be(point)))

    assert all(_can_be(point) for point in points)
    assert needed - set().union(*map(_pairs, points)) == set()


def test_matrix_begins_with_each_plain_environment() -> None:
    first = read_matrix()[: len(ENVIRONMENTS)]

    assert [configuration.name for configuration in first] == list(ENVIRONMENTS)
    assert not any(configuration.settings for configuration in first)


def test_chosen_configurations_keep_the_order_of_the_matrix() -> None:
    matrix = read_matrix()

    assert [each.name for each in chosen(matrix, ["dev", "prod"])] == ["prod", "dev"]
    with pytest.raises(MatrixError, match="it has prod, staging, dev"):
        chosen(matrix, ["nowhere"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[configuration", "is not TOML"),
        ("", "write each entry as"),
        ("configuration = 3", "write each entry as"),
        ("other = 1\n[[configuration]]\nname = 'a'\nenvironment = 'b'", "holds something else than entries"),
        ("[[configuration]]\nname = 'a'", "entry number 1: has other keys"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\ncolour = 'red'", "has other keys"),
        ("[[configuration]]\nname = ''\nenvironment = 'b'", "write a text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 3", "write a text"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\nsettings = 3", "settings is not a table"),
        ("[[configuration]]\nname = 'a'\nenvironment = 'b'\n" * 2, "twice"),
    ],
)
def test_malformed_matrix_is_an_error_with_the_entry(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "matrix.toml").write_text(text)

    with pytest.raises(MatrixError, match=says):
        read_matrix(tmp_path / "matrix.toml")
    with pytest.raises(MatrixError, match="cannot be read"):
        read_matrix(tmp_path / "none.toml")


def test_environments_are_read_from_the_file_with_prod_first(tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text("[defaults]\ncontrol = 'primary'\n[environments.qa]\n[environments.prod]\n[environments.sandbox]")

    assert read_environments(file) == tuple(map(Configuration.of, ("prod", "qa", "sandbox")))


@pytest.mark.parametrize("text", ["", "environments = 3", "[environments]"])
def test_file_without_an_environment_is_an_error_with_an_example(text: str, tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text(text)

    with pytest.raises(MatrixError, match=r"like \[environments.prod\]"):
        read_environments(file)


def test_environments_are_read_from_the_file_of_this_repository() -> None:
    assert read_environments(), "the shipped file, or a fork's"


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
