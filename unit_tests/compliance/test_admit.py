"""A deployment is judged like the command judges an app: by its templates and the registry only."""

import json
import os
import subprocess
import sys
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, Validations

import infra.__main__
from compliance import gate
from compliance.engine.acknowledgements import Registry, check_registry
from compliance.engine.findings import Findings, Verdict
from compliance.engine.matrix import Configuration
from compliance.packs.nag import PACKS
from unit_tests.compliance.sample import build_app, build_empty_app

TODAY = date(2026, 11, 24)
QUEUES = ["Primary/Queue/Resource", "Secondary/Queue/Resource"]


def _registry(rules: list[str], paths: list[str], **changes: object) -> Registry:
    entry = {
        "id": "bare-queues",
        "title": "The sample's queues are bare",
        "reason": "They exist for the tests of the gate alone.",
        "owner": "tests",
        "approver": "maintainers",
        "ticket": "T-1",
        "decided": date(2026, 1, 1),
        "expires": date(2027, 1, 1),
        "covers": [{"rules": rules, "paths": paths}],
        **changes,
    }
    return check_registry({"decision": [entry]}, TODAY)


@cache
def _open_rules() -> list[str]:
    """Return the ids of the rules that fail in the sample."""
    ledger = gate.judge_app("unit_tests.compliance.sample:build_app", PROD, Registry(), TODAY, print)
    assert {finding.path for finding in ledger.failures} == set(QUEUES)
    return sorted({finding.rule for finding in ledger.failures})


MATRIX = tuple(Configuration.of(environment) for environment in ("prod", "dev"))
PROD = MATRIX[:1]


def _judge(app: str, registry: Registry, matrix: tuple[Configuration, ...] = MATRIX) -> Findings:
    return gate.judge_app(f"unit_tests.compliance.sample:{app}", PROD, registry, TODAY, print, matrix=matrix)


def test_deployment_with_an_open_finding_is_refused_naming_its_line(tmp_path: Path) -> None:
    code = (
        f"import infra.__main__ as program\nfrom unit_tests.compliance import sample\n"
        f"program.build_app = lambda: sample.build_app('prod', {str(tmp_path)!r})\nprogram.main()"
    )
    # As `cdk deploy -c` hands it over. Node.js reads it as it starts, so in a process of its own.
    context = json.dumps({"@aws-cdk/core:failSynthOnValidationErrors": False})
    run = subprocess.run(  # noqa: S603 - the code above
        [sys.executable, "-c", code],
        env={**os.environ, "CDK_CONTEXT_JSON": context},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    line = next(line for line in run.stderr.splitlines() if "AwsSolutions-SQS4 at Primary/Queue/Resource" in line)
    assert "(unit_tests/compliance/sample.py:" in line
    assert "Traceback" not in run.stderr


def test_deployment_of_an_unreadable_app_is_refused_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra.__main__, "build_app", lambda: build_empty_app("prod", str(tmp_path)))
    monkeypatch.setattr(sys, "argv", ["infra"])

    with pytest.raises(SystemExit, match="holds no stack"):
        infra.__main__.main()


def test_admit_passes_once_every_finding_is_acknowledged(tmp_path: Path) -> None:
    build_app("prod", str(tmp_path)).synth()

    gate.admit(tmp_path, "prod", _registry(_open_rules(), QUEUES))


@pytest.mark.parametrize(
    ("environment", "paths", "changes", "rule"),
    [
        ("dev", QUEUES, {}, "Naming::Naming-Pattern"),
        ("prod", QUEUES, {"expires": date(2026, 1, 1)}, "Acknowledgements::Expired"),
        ("prod", ["Primary/Queue", "Secondary/Queue"], {}, "AwsSolutions::AwsSolutions-SQS4"),
    ],
)
def test_admit_refuses_other_names_and_decisions_that_do_not_hold(
    tmp_path: Path, environment: str, paths: list[str], changes: dict[str, object], rule: str
) -> None:
    build_app("prod", str(tmp_path)).synth()

    with pytest.raises(gate.OpenFindingsError, match=rule):
        gate.admit(tmp_path, environment, _registry(_open_rules(), paths, **changes))


def test_ledger_has_findings_of_packs_and_acknowledgements() -> None:
    rules = _open_rules()

    ledger = _judge("build_app", _registry(rules, QUEUES))

    assert ledger.passed
    assert ledger.counts[Verdict.ACKNOWLEDGED] == len(rules) * len(QUEUES)
    assert {finding.region for finding in ledger.findings} == {"us-east-1", "us-west-2"}
    assert all(finding.resource_type and finding.logical_id for finding in ledger.findings if finding.path in QUEUES)
    assert set(PACKS) & {finding.pack for finding in ledger.findings}


def test_decision_not_needed_fails_only_with_the_whole_matrix() -> None:
    registry = _registry([*_open_rules(), "AwsSolutions::AwsSolutions-S1"], QUEUES)

    assert _judge("build_app", registry).passed
    whole = _judge("build_app", registry, PROD)

    stale = [finding for finding in whole.failures if finding.rule == "Acknowledgements::Stale"]
    assert len(stale) == len(QUEUES)
    assert {finding.rule for finding in whole.failures} <= {"Acknowledgements::Stale", "Coverage::Stale"}


@pytest.mark.parametrize("identifier", ["AwsSolutions::AwsSolutions-SQS3", "AwsSolutions-SQS3"])
def test_acknowledgement_in_code_fails_as_unregistered(identifier: str, tmp_path: Path) -> None:
    app = build_app("prod", str(tmp_path))
    construct = app.node.find_child("Primary").node.find_child("Queue")
    Validations.of(construct).acknowledge(Acknowledgment(id=identifier, reason="it is accepted here"))
    app.synth()

    ledger = gate.judge_assembly(tmp_path, "prod", _registry(_open_rules(), QUEUES), TODAY, print)

    (found,) = ledger.failures
    assert found.rule == "Acknowledgements::Unregistered"
    assert "Primary/Queue" in found.path


def test_default_group_closed_by_a_custom_resource_passes() -> None:
    ledger = _judge("build_app_with_vpc", Registry())

    groups = {row.path: row.verdict for row in ledger.findings if row.rule.endswith("R5-VPCDefaultSecurityGroupClosed")}
    assert groups == {"Primary/Open/Resource": Verdict.FAIL, "Primary/Closed/Resource": Verdict.PASS}
