"""controls.json has every control with its rules and resources; the crosswalk lists each check of prowler once."""

import json
from dataclasses import replace
from typing import Any

from compliance.controls.bridge import checks
from compliance.engine.findings import Finding, Findings, RuleInfo, Verdict
from compliance.reports import controls_report
from compliance.reports.crosswalk import as_list, render
from unit_tests.compliance.reports.ledgers import ACCEPTED, PASSING, ROWS, ledger


def _report(judged: Findings) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(controls_report.render(judged))
    return report


def _status(judged: Findings, framework: str, control: str) -> str:
    states = {(state["framework"], state["control"]): state["status"] for state in _report(judged)["controls"]}
    return str(states[framework, control])


def test_state_of_a_control_is_the_worst_of_its_rules() -> None:
    assert _status(ledger(PASSING), "PCI-DSS-3.2.1", "3.4") == "passing"
    assert _status(ledger(PASSING, ACCEPTED), "PCI-DSS-3.2.1", "3.4") == "acknowledged"
    assert _status(ledger(*ROWS), "PCI-DSS-3.2.1", "3.4") == "failing"
    assert _status(ledger(*ROWS), "HIPAA-Security", "164.312(e)(1)") == "not decided by this gate"


def test_rules_of_a_control_list_their_resources() -> None:
    report = _report(ledger(*ROWS))

    state = next(state for state in report["controls"] if state["control"] == "SC-28" and state["rules"])
    assert state["rules"] == ["P::R"]
    assert report["rules"]["P::R"]["fail"] == ["S/C/Resource"]
    assert report["rules"]["P::R"]["acknowledged"] == ["S/D/Resource"]
    assert report["rules"]["P::R"]["pass"] == ["S/A/Resource"]


def test_report_is_a_mapping_and_counts_each_framework() -> None:
    report = _report(ledger(*ROWS))

    assert report["note"].startswith("A mapping, not a certification.")
    for framework, counts in report["frameworks"].items():
        assert sum(counts["controls"].values()) == sum(state["framework"] == framework for state in report["controls"])


RULE = "ActivePassive::ActivePassive-SQSEncryption"
QUEUE = Finding(rule=RULE, verdict=Verdict.PASS, path="S/Q", logical_id="Q", resource_type="AWS::SQS::Queue")
KEY = Finding(rule=RULE, verdict=Verdict.PASS, path="S/K", logical_id="K", resource_type="AWS::KMS::Key")
LEDGER = replace(ledger(PASSING), findings=(QUEUE, KEY), rules={RULE: RuleInfo(id=RULE, title="t", why="w", fix="f")})


def test_crosswalk_has_the_checks_of_the_runs_types_only() -> None:
    types = {"AWS::SQS::Queue", "AWS::KMS::Key", "AWS::CloudFormation::Stack"}

    rows = as_list(LEDGER)

    assert [row["check"] for row in rows] == [check.id for check in checks().values() if types.intersection(check.types)]


def test_check_is_decided_by_rules_of_the_run_only() -> None:
    rows = {row["check"]: row for row in as_list(LEDGER)}

    assert rows["sqs_queues_server_side_encryption_enabled"]["decided_by"] == ["ActivePassive-SQSEncryption"]
    assert rows["sqs_queues_not_publicly_accessible"]["decided_by"] == []
    assert rows["sqs_queues_not_publicly_accessible"]["reason"] == "its rules did not run"


def test_check_without_a_rule_has_a_reason_and_counts_against_the_share() -> None:
    bucket = replace(QUEUE, path="S/B", logical_id="B", resource_type="AWS::S3::Bucket")
    with_bucket = replace(LEDGER, findings=(*LEDGER.findings, bucket))
    text, rows = render(with_bucket), as_list(with_bucket)

    decidable = [row for row in rows if row["decidable"]]
    assert f"Decidable from a template: {len(decidable)}, 1 with a rule" in text
    assert all(row["decided_by"] or row["reason"] for row in rows)
    without = text.index("s3_bucket_event_notifications_enabled: NotificationConfiguration of each bucket")
    assert without > text.index("Decidable, without a rule")
    assert text.index("kms_cmk_not_deleted_unintentionally") > text.index("Not decidable from a template")
