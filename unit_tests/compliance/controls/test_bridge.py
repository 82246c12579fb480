"""Rules reach today's frameworks over the checks that they decide; no control is automated without a rule that can fail."""

import json
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from compliance.cfn.loading import load_templates
from compliance.controls import Framework, catalogue, published
from compliance.controls.bridge import SOURCES, checks, local_id, mapped
from compliance.controls.coverage import AUTOMATED, ControlState, Status, control_states
from compliance.controls.responsibility import Kind, entries, responsible
from compliance.engine.acknowledgements import Registry
from compliance.engine.findings import Finding, Findings, RuleInfo, Subject, Verdict
from compliance.engine.matrix import Configuration
from compliance.gate import judge_app, judge_templates
from compliance.rules import our_rules

TODAY = date(2026, 11, 29)
WEAK = Path(__file__).parent / "weak.yaml"


@cache
def _weak() -> Findings:
    elsewhere = WEAK.with_name("weak_elsewhere.yaml"), "us-east-1"  # some rules concern systems in several regions only
    templates = load_templates([(WEAK, "us-west-2"), elsewhere], "123456789012")
    return judge_templates(templates, "prod", TODAY, lambda _text: None)


@cache
def _failing() -> set[str]:
    """Return the rules that a template with weak resources fails."""
    return {local_id(row.rule) for row in _weak().findings if row.verdict is Verdict.FAIL}


@cache
def _failing_elsewhere() -> set[str]:
    """Return our rules that fail in tests of their own: what they compare, one template cannot show."""
    tests = [file.read_text("utf-8") for file in (WEAK.parents[1] / "rules").rglob("test_*.py")]
    failing = [text for text in tests if "fails=" in text or "FAIL" in text]
    return {rule.id for rule in our_rules() if any(f'"{rule.id}"' in text for text in failing)}


def _rule(name: str, *controls: str) -> RuleInfo:
    return RuleInfo(id=name, title="t", why="w", fix="f", controls=controls)


def _state(ledger: Findings, framework: Framework, control: str) -> ControlState:
    return next(each for each in control_states(ledger) if (each.framework, each.control) == (framework, control))


def test_every_rule_of_the_bridge_exists_and_can_fail() -> None:
    named = {rule for check in checks().values() for rule in check.rules}

    assert named - _failing() == {"Assembly-Protected"}  # of the manifest, which a template lacks: packs/test_manifest.py


def test_every_automated_control_has_a_rule_that_ran_and_can_fail() -> None:
    prod = Configuration(name="prod", environment="prod", matrix=True)  # a fork's environments.toml may have no prod
    ledger = judge_app("infra.app:build_app", [prod], Registry(), TODAY, lambda _text: None)
    ran = {row.rule for row in ledger.findings}

    automated = [state for state in control_states(ledger) if state.automated]

    assert {state.framework for state in automated} == set(Framework)
    for state in automated:
        behind = {local_id(rule) for rule in state.rules if rule in ran}
        assert behind & (_failing() | _failing_elsewhere()), f"{state.framework} {state.control}"


def test_vendored_table_has_the_checks_of_the_bridge_and_known_controls() -> None:
    served = json.loads(SOURCES.read_text("utf-8"))["checks"]

    assert list(served) == sorted(checks())
    for check, controls in served.items():
        for framework, ids in controls.items():
            assert set(ids) <= set(catalogue(Framework(framework))), check


def test_references_are_controls_of_nist_and_of_their_catalogue() -> None:
    for framework in Framework:
        for control, referred in published(framework).get("references", {}).items():
            assert control in catalogue(framework)
            assert set(referred) <= set(catalogue(Framework.NIST_R5))


def test_rule_gets_the_controls_of_its_checks_and_of_references() -> None:
    name = "ActivePassive::ActivePassive-SQSEncryption"

    (rule,) = mapped({name: _rule(name, "NIST-800-53-R5:SC-28(1)")}).values()

    served = json.loads(SOURCES.read_text("utf-8"))["checks"]["sqs_queues_server_side_encryption_enabled"]
    assert {f"{framework}:{control}" for framework, ids in served.items() for control in ids} <= set(rule.controls)
    assert {"FedRAMP-Moderate:SC-28", "FedRAMP-Moderate:SC-28(1)", "NIST-CSF-2.0:PR.DS-01"} <= set(rule.controls)
    assert "FedRAMP-Moderate:SC-8" not in rule.controls


def test_finding_with_a_detail_in_its_rule_gets_the_rules_controls() -> None:
    name = "AwsSolutions::AwsSolutions-IAM5[Resource::*]"

    assert mapped({name: _rule(name)})[name].controls


def test_rule_that_decides_no_check_keeps_its_controls() -> None:
    rule = _rule("ActivePassive::ActivePassive-SQSVisibility", "HIPAA-Security:164.312(b)")

    assert mapped({rule.id: rule}) == {rule.id: rule}


def test_control_of_people_is_not_automated_by_a_rule() -> None:
    rule = _rule("P::R", "NIST-800-53-R5:CP-1")
    ledger = Findings(findings=(Finding(rule="P::R", verdict=Verdict.PASS),), rules={rule.id: rule}, judged_on=TODAY)

    state = _state(ledger, Framework.NIST_R5, "CP-1")

    assert (state.status, state.rules) == (Status.PROCEDURAL, ())
    assert state.owner
    assert state.evidence


@pytest.mark.parametrize(("types", "status"), [([], Status.NOT_APPLICABLE), (["AWS::RDS::DBInstance"], Status.UNDECIDED)])
def test_service_without_a_resource_does_not_apply(types: list[str], status: Status) -> None:
    rows = tuple(
        Finding(rule="P::R", verdict=Verdict.PASS, path=kind, logical_id="It", resource_type=kind) for kind in types
    )
    ledger = Findings(findings=rows, rules={"P::R": _rule("P::R")}, judged_on=TODAY)

    assert _state(ledger, Framework.FSBP, "RDS.1").status is status


def test_organization_of_the_platform_excuses_no_foreign_template() -> None:
    states = {state.status for state in control_states(_weak()) if state.control in {"CP-1", "CC1.1"}}

    assert states <= AUTOMATED | {Status.UNDECIDED}
    assert all(subject.file for subject in _weak().subjects)
    assert isinstance(_weak().subjects[0], Subject)


def test_entries_of_responsibility_say_what_their_kind_needs() -> None:
    for entry in entries():
        present = {name for name in ("reason", "owner", "evidence") if getattr(entry, name)}
        needed = {
            Kind.INHERITED: {"reason", "evidence"},
            Kind.PROCEDURAL: {"owner", "evidence"},
            Kind.NOT_APPLICABLE: {"reason"},
            Kind.UNDECIDED: {"reason"},
        }
        assert present == needed[entry.kind], entry.controls
        for framework in entry.frameworks:
            assert any(responsible(framework, control, (), ours=True) is entry for control in catalogue(framework)), entry


def test_no_control_that_our_rules_name_belongs_to_aws() -> None:
    named = {control for rule in our_rules() for control in rule.controls}

    for control in named:
        framework, _, name = control.partition(":")
        entry = responsible(Framework(framework), name, (), ours=True)
        assert entry is None or entry.kind is not Kind.INHERITED, control


def test_every_reason_of_the_bridge_is_used() -> None:
    bridge = tomllib.loads((SOURCES.parent / "bridge.toml").read_text("utf-8"))

    assert set(bridge["reasons"]) == {reason for group in bridge["type"] for reason in group.get("undecided", {}).values()}
