"""The bridge to the CDK: a gated app cannot be synthesized with a finding that the registry does not cover."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, Validations

from compliance import gate
from compliance.acknowledgements import PACK, Registry, check_registry
from compliance.ledger import Ledger, Verdict
from compliance.loading import LoadError
from compliance.matrix import Configuration
from compliance.nag import PACKS
from compliance.plugin import OpenFindingsError, attach, synthesize
from unit_tests.compliance.sample import build_app, build_app_with_vpc

TODAY = date(2026, 11, 24)
QUEUES = ["Primary/Queue/Resource", "Secondary/Queue/Resource"]


def _registry(rules: list[str], paths: list[str], **changes: object) -> Registry:
    entry = {
        "id": "bare-queues",
        "title": "The sample's queues are bare",
        "reason": "They exist for the tests of the gate alone.",
        "owner": "tests",
        "expires": date(2027, 1, 1),
        "covers": [{"rules": rules, "paths": paths}],
        **changes,
    }
    return check_registry({"decision": [entry]}, TODAY)


def _open_rules() -> list[str]:
    """What the sample is found wanting by, as an acknowledgement writes it."""
    ledger = gate.judge_app("unit_tests.compliance.sample:build_app", PROD, Registry(), TODAY, print)
    assert {finding.path for finding in ledger.failures} == set(QUEUES)
    return sorted({finding.rule for finding in ledger.failures})


MATRIX = tuple(Configuration.of(environment) for environment in ("prod", "dev"))
PROD = MATRIX[:1]


def _judge(app: str, registry: Registry, configurations: tuple[Configuration, ...] = PROD) -> Ledger:
    return gate.judge_app(f"unit_tests.compliance.sample:{app}", configurations, registry, TODAY, print, matrix=MATRIX)


def _gated(outdir: Path, registry: Registry, environment: str = "prod") -> App:
    app = build_app("prod", str(outdir))
    attach(app, environment=environment, registry=registry)
    return app


def test_a_raw_synthesis_of_a_gated_app_fails_and_says_how_to_acknowledge(tmp_path: Path) -> None:
    app = _gated(tmp_path, Registry())

    with pytest.raises(RuntimeError, match="Validation"):
        app.synth()

    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert {plugin["pluginName"] for plugin in report["pluginReports"]} >= {"AwsSolutions", "Serverless"}


def test_a_deployment_that_tells_the_cdk_not_to_fail_is_stopped_all_the_same(tmp_path: Path) -> None:
    """As `cdk deploy -c` hands it over to what cdk.json runs; Node.js reads it as it starts, so in a process of its own."""
    code = (
        "import infra.app\nfrom unit_tests.compliance.sample import build_app\n"
        f"infra.app.build_app = lambda: build_app('prod', {str(tmp_path)!r})\ninfra.app.main()"
    )
    context = json.dumps({"@aws-cdk/core:failSynthOnValidationErrors": False})

    run = subprocess.run(  # noqa: S603 - the code above
        [sys.executable, "-c", code],
        env={**os.environ, "CDK_CONTEXT_JSON": context},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1, run.stderr
    assert "AwsSolutions: AwsSolutions-SQS4 at Primary/Queue/Resource" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_gated_app_without_findings_is_synthesized_and_one_without_a_gate_is_not(tmp_path: Path) -> None:
    synthesize(_gated(tmp_path / "gated", _registry(_open_rules(), QUEUES)))

    with pytest.raises(OpenFindingsError, match="nothing was judged"):
        synthesize(build_app("prod", str(tmp_path / "bare")))


def test_a_raw_synthesis_passes_once_every_finding_is_acknowledged(tmp_path: Path) -> None:
    app = _gated(tmp_path, _registry(_open_rules(), QUEUES))

    app.synth()

    report = json.loads((tmp_path / "validation-report.json").read_text())
    suppressed = [row for plugin in report["pluginReports"] for row in plugin.get("suppressedViolations", [])]
    assert suppressed
    assert all(row["reason"].startswith("bare-queues: They exist") for row in suppressed)


def test_a_path_that_holds_the_resource_acknowledges_nothing(tmp_path: Path) -> None:
    app = _gated(tmp_path, _registry(_open_rules(), ["Primary/Queue", "Secondary/Queue"]))

    with pytest.raises(RuntimeError, match="Validation"):
        app.synth()


def test_our_own_rules_and_a_defective_registry_stop_a_raw_synthesis_too(tmp_path: Path) -> None:
    rules = _open_rules()
    expired = _registry(rules, QUEUES, expires=date(2026, 1, 1))

    for name, registry, environment, plugin in (
        ("dev", _registry(rules, QUEUES), "dev", "Lockstep"),
        ("expired", expired, "prod", PACK),
    ):
        with pytest.raises(RuntimeError, match="Validation"):
            _gated(tmp_path / name, registry, environment).synth()
        report = json.loads((tmp_path / name / "validation-report.json").read_text())
        assert plugin in {plugin["pluginName"] for plugin in report["pluginReports"]}


def test_the_environment_is_the_context_s_and_else_prod(tmp_path: Path) -> None:
    registry = _registry(_open_rules(), QUEUES)
    by_default = build_app("prod", str(tmp_path / "default"))
    attach(by_default, registry=registry)
    by_default.synth()
    other = App(outdir=str(tmp_path / "dev"), context={"environment": "dev"})
    attach(other, registry=Registry())

    other.synth()


def test_the_ledger_has_what_the_packs_found_and_what_the_registry_covers() -> None:
    rules = _open_rules()

    ledger = _judge("build_app", _registry(rules, QUEUES))

    assert ledger.passed
    assert ledger.counts[Verdict.ACKNOWLEDGED] == len(rules) * len(QUEUES)
    assert {finding.region for finding in ledger.findings} == {"us-east-1", "us-west-2"}
    assert all(finding.resource_type and finding.logical_id for finding in ledger.findings if finding.path in QUEUES)
    assert set(PACKS) & {finding.pack for finding in ledger.findings}


def test_a_decision_that_the_whole_matrix_does_not_need_fails_and_part_of_it_cannot_tell() -> None:
    registry = _registry([*_open_rules(), "AwsSolutions::AwsSolutions-S1"], QUEUES)

    assert _judge("build_app", registry).passed
    whole = _judge("build_app", registry, MATRIX)

    stale = [finding for finding in whole.failures if finding.rule == "Acknowledgements::Stale"]
    assert len(stale) == len(QUEUES)
    assert {finding.rule for finding in whole.failures} <= {"Acknowledgements::Stale", "Coverage::Stale"}


@pytest.mark.parametrize("identifier", ["AwsSolutions::AwsSolutions-SQS3", "AwsSolutions-SQS3"])
def test_an_acknowledgement_in_code_does_not_get_past_the_registry(identifier: str, tmp_path: Path) -> None:
    app = build_app("prod", str(tmp_path))
    construct = app.node.find_child("Primary").node.find_child("Queue")
    Validations.of(construct).acknowledge(Acknowledgment(id=identifier, reason="because I said so"))
    app.synth()

    ledger = gate.judge_assembly(tmp_path, "prod", _registry(_open_rules(), QUEUES), TODAY, print)

    (found,) = ledger.failures
    assert found.rule == "Acknowledgements::Unregistered"
    assert "Primary/Queue" in found.path


def test_an_assembly_is_judged_as_the_app_that_wrote_it(tmp_path: Path) -> None:
    name = "unit_tests.compliance.sample:build_app_with_vpc"
    app = gate.judge_app(name, PROD, Registry(), TODAY, print)
    build_app_with_vpc("prod", str(tmp_path)).synth()

    assembly = gate.judge_assembly(tmp_path, "prod", Registry(), TODAY, print)

    assert _rows(assembly) == _rows(app)
    groups = {row.path: row.verdict for row in assembly.findings if row.rule.endswith("R5-VPCDefaultSecurityGroupClosed")}
    assert groups == {"Primary/Open/Resource": Verdict.FAIL, "Primary/Closed/Resource": Verdict.PASS}


def _rows(ledger: Ledger) -> set[tuple[str, str, str]]:
    """The failing rows; passes of the packs are recorded only where the gate itself started Node.js."""
    return {(row.rule, row.path, row.verdict) for row in ledger.failures}


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("refuse", "no settings for prod"),
        ("missing", "cannot be imported"),
        ("build_empty_app", "holds no stack"),
    ],
)
def test_an_app_that_cannot_be_judged_is_an_error(factory: str, says: str) -> None:
    with pytest.raises((gate.GateError, LoadError), match=says):
        _judge(factory, Registry())
