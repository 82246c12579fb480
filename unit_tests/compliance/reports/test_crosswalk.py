"""The crosswalk lists each check of prowler once, with the rules of the run that decide it or the reason why none does."""

from dataclasses import replace

from compliance.controls.bridge import checks
from compliance.engine.findings import Finding, RuleInfo, Verdict
from compliance.reports.crosswalk import as_list, render
from unit_tests.compliance.reports.ledgers import PASSING, ledger

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
