"""Every id that a rule names is a control of its framework, and the worst row behind a control is its state."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.controls import (
    Framework,
    UnknownControlError,
    catalogue,
    hipaa,
    nist,
    pci,
    published,
    qualified,
    resolve,
    split,
)
from compliance.controls.coverage import ControlState, Status, control_states
from compliance.engine.acknowledgements import Registry
from compliance.engine.findings import Finding, Findings, Place, RuleInfo, Verdict
from compliance.engine.matrix import Configuration
from compliance.gate import judge_app
from compliance.packs.nag import FRAMEWORKS
from compliance.rules import our_rules

TODAY = date(2026, 11, 24)
RULE = RuleInfo(id="P::R", title="t", why="w", fix="f", controls=("NIST-800-53-R5:SC-28", "PCI-DSS-3.2.1:10.5.5"))
ROW = Finding(rule="P::R", verdict=Verdict.PASS, configuration="prod", path="S/A")
STATUS = {
    Verdict.FAIL: Status.FAILING,
    Verdict.NOT_EVALUATED: Status.NOT_EVALUATED,
    Verdict.ACKNOWLEDGED: Status.ACKNOWLEDGED,
    Verdict.PASS: Status.PASSING,
}


def _ledger(*rows: Finding, rule: RuleInfo = RULE) -> Findings:
    return Findings(findings=rows, rules={rule.id: rule}, judged_on=TODAY, configurations=("prod",))


def _state(ledger: Findings, framework: Framework, control: str) -> ControlState:
    (state,) = (each for each in control_states(ledger) if (each.framework, each.control) == (framework, control))
    return state


@pytest.mark.parametrize(
    ("framework", "text", "controls"),
    [
        (Framework.NIST_R4, "AC-2(g)", ("AC-2",)),
        (Framework.NIST_R4, "AU-6(1)(3)", ("AU-6(1)", "AU-6(3)")),
        (Framework.NIST_R4, "AU-12(a)(c)", ("AU-12",)),
        (Framework.NIST_R4, "AC-5c", ("AC-5",)),
        (Framework.NIST_R5, "AC-2i.2", ("AC-2",)),
        (Framework.NIST_R5, "SC-7(9)(a)", ("SC-7(9)",)),
        (Framework.NIST_R5, "AC-3(3)(b)(1)", ("AC-3(3)",)),
        (Framework.NIST_R5, "SC-7(2)", ("SC-7",)),  # withdrawn into it
        (Framework.NIST_R5, "CP-1a.1(b)", ("CP-1",)),
        (Framework.HIPAA, "164.312(a)(2)(iv)", ("164.312(a)(2)(iv)",)),
        (Framework.PCI, "3.6.4", ("3.6.4",)),
    ],
)
def test_ids_of_packs_resolve_to_controls(framework: Framework, text: str, controls: tuple[str, ...]) -> None:
    assert resolve(framework, text) == controls


@pytest.mark.parametrize(
    ("framework", "text"),
    [
        (Framework.NIST_R5, "ZZ-1"),
        (Framework.NIST_R5, "AC-99"),
        (Framework.NIST_R4, ""),
        (Framework.HIPAA, "164.312(z)"),
        (Framework.PCI, "13.1"),
        (Framework.PCI, "AC-2"),
    ],
)
def test_unknown_id_is_an_error_with_the_file_of_the_list(framework: Framework, text: str) -> None:
    with pytest.raises(UnknownControlError, match="compliance/controls/"):
        resolve(framework, text)


def test_unknown_framework_is_an_error_with_the_known_ones() -> None:
    assert split("HIPAA-Security:164.312(b)") == (Framework.HIPAA, "164.312(b)")
    with pytest.raises(UnknownControlError, match="NIST-800-53-R4, NIST-800-53-R5"):
        split("ISO-27001:A.8.1")


@given(framework=st.sampled_from(Framework), data=st.data())
def test_every_control_of_a_catalogue_resolves_to_itself(framework: Framework, data: st.DataObject) -> None:
    control = data.draw(st.sampled_from(list(catalogue(framework))))

    assert resolve(framework, control) == (control,)
    assert split(*qualified(framework, [control, control])) == (framework, control)


def test_catalogues_are_complete() -> None:
    assert {framework: len(catalogue(framework)) for framework in Framework} == {
        Framework.NIST_R4: 826,
        Framework.NIST_R5: 1014,
        Framework.HIPAA: 69,
        Framework.PCI_4: 279,
        Framework.CIS_3: 62,
        Framework.CIS_7: 70,
        Framework.FSBP: 286,
        Framework.SOC2: 61,
        Framework.CSF: 106,
        Framework.FEDRAMP: 323,
        Framework.KSI: 60,
        Framework.ISO: 93,
        Framework.DORA: 23,
        Framework.PCI: 246,
    }
    for framework in Framework:
        assert all(title.strip() == title and title for title in catalogue(framework).values())


def test_every_control_that_our_rules_name_is_in_its_catalogue() -> None:
    named = {control for rule in our_rules() for control in rule.controls}

    for framework, control in map(split, named):
        assert control in catalogue(framework)


def test_every_control_of_the_packs_is_in_its_catalogue() -> None:
    ledger = judge_app("unit_tests.compliance.sample:build_app", [Configuration.of("prod")], Registry(), TODAY, print)

    served: dict[str, set[str]] = defaultdict(set)
    for rule in ledger.rules.values():
        served[rule.pack].update(rule.controls)
    for pack, framework in FRAMEWORKS.items():
        assert served[pack]
        own = [control for found, control in map(split, served[pack]) if found is framework]
        assert own
        for found, control in map(split, served[pack]):
            assert control in catalogue(found)


def test_shorthand_of_a_rule_is_qualified() -> None:
    controls = (*nist("SC-28"), *hipaa("164.312(b)"), *pci("10.5.5"))

    assert [split(control) for control in controls] == [
        (Framework.NIST_R4, "SC-28"),
        (Framework.NIST_R5, "SC-28"),
        (Framework.HIPAA, "164.312(b)"),
        (Framework.PCI, "10.5.5"),
    ]


@given(verdicts=st.lists(st.sampled_from(list(STATUS)), max_size=6))
def test_worst_row_is_the_state_and_every_row_is_counted(verdicts: list[Verdict]) -> None:
    rows = [replace(ROW, verdict=verdict, path=f"S/{number}") for number, verdict in enumerate(verdicts)]

    state = _state(_ledger(*rows), Framework.NIST_R5, "SC-28")

    worst = next((STATUS[verdict] for verdict in STATUS if verdict in verdicts), Status.NOT_APPLICABLE)
    assert state.status is worst
    assert (state.failed, state.not_evaluated, state.acknowledged, state.passed) == tuple(
        verdicts.count(verdict) for verdict in STATUS
    )
    assert state.rules == ("P::R",)
    assert set(state.resources) == {row.path for row in rows}


def test_control_that_no_rule_serves_is_not_covered() -> None:
    states = control_states(_ledger(ROW))

    assert len(states) == sum(len(catalogue(framework)) for framework in Framework)
    assert [state.control for state in states if state.automated] == ["SC-28", "10.5.5"]
    assert not any(state.rules or state.resources or state.passed for state in states if not state.automated)
    assert _state(_ledger(ROW), Framework.NIST_R5, "SC-8").status is Status.UNDECIDED


def test_rule_without_a_resource_is_not_a_pass() -> None:
    ledger = replace(_ledger(), silent={"P::R": [Place(configuration="prod", path="S/A")]})

    assert _state(ledger, Framework.PCI, "10.5.5").status is Status.NOT_APPLICABLE


def test_each_catalogue_names_its_source() -> None:
    for file in (Path(__file__).parents[3] / "compliance" / "controls").glob("*.json"):
        assert json.loads(file.read_text())["source"]


def test_retired_framework_is_named_as_retired() -> None:
    assert "retired on 31 March 2024" in published(Framework.PCI)["title"]
