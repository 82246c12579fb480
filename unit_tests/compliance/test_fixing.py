"""`--fix` prints a patch that the gate agrees to, and changes a file only with `--write`."""

import json
from pathlib import Path
from typing import Any

import pytest

from compliance.cfn.loading import Assembly, load_template
from compliance.engine.acknowledgements import Registry
from compliance.engine.matrix import Configuration
from compliance.fixing import Fixes, fix
from unit_tests.compliance.test_developer import run

QUEUE = """\
Resources:
  # takes the work
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      DelaySeconds: 900
      QueueName: serverless-work-prod   # a name
"""
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
REPAIRED = QUEUE.replace("      DelaySeconds: 900\n", "")


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE, "utf-8")
    return file


def test_patch_is_printed_and_changes_no_file(queue: Path) -> None:
    code, output = run("--template", f"{queue}@us-east-1", "--fix", "--rule", "ActivePassive-SQSDelivery")
    assert code == 1
    assert "\n-      DelaySeconds: 900\n" in output
    assert "repaired ActivePassive::ActivePassive-SQSDelivery at queue.yaml/Queue: DelaySeconds removed" in output
    assert queue.read_text("utf-8") == QUEUE


def test_written_template_is_the_judged_one_and_needs_no_other_repair(queue: Path) -> None:
    rule = ("--rule", "ActivePassive-SQSDelivery")
    run("--template", f"{queue}@us-east-1", "--fix", "--write", *rule)
    assert queue.read_text("utf-8") == REPAIRED
    assert run("--template", f"{queue}@us-east-1", *rule)[0] == 0
    assert "0 findings repaired" in run("--template", f"{queue}@us-east-1", "--fix", *rule)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fix"], "--fix needs --template or --assembly"),
        (["--write", "--template", "no-such.yaml"], "no-such.yaml"),
        (["--fix", "--template", "x", "--format", "json"], "--format: not with --rule"),
        (["--fix", "--write", "--assembly", "cdk.out"], "--write applies to --template only"),
    ],
)
def test_wrong_use_ends_with_2_and_the_way_out(arguments: list[str], message: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert message in output


def _fixed(file: Path, **sources: str) -> Fixes:
    template = load_template(file, "us-east-1")
    object.__setattr__(template, "sources", sources)
    return fix(Assembly(templates=(template,)), Configuration.of("prod"), Registry(), (), lambda _text: None)


def test_override_is_named_at_the_line_of_python(queue: Path) -> None:
    found = _fixed(queue, Queue="infra/constructs/queue.py:42")
    assert (
        'at infra/constructs/queue.py:42: queue.yaml/Queue: add_deletion_override("Properties.DelaySeconds")'
        in found.overrides
    )
    assert "at infra/constructs/queue.py:42: queue.yaml/Queue: add_override(\"DeletionPolicy\", 'Retain')" in found.overrides


def test_each_open_finding_is_repaired_or_has_a_reason(queue: Path) -> None:
    found = _fixed(queue)
    assert {each.finding.rule for each in found.left} >= {"AwsSolutions::AwsSolutions-SQS4", "Tagging::Tagging-Required"}
    assert all("By hand: " in each.reason for each in found.left)


def test_of_a_template_with_a_transform_only_what_is_written_is_changed(tmp_path: Path) -> None:
    held = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 900, "QueueName": "serverless-work-prod"}}
    body: dict[str, Any] = {
        "Transform": "AWS::LanguageExtensions",
        "Resources": {"Fn::ForEach::Queues": ["Name", ["A"], {"${Name}": held}], "Written": held},
    }
    file = tmp_path / "loop.json"
    file.write_text(json.dumps(body, indent=1), "utf-8")

    found = _fixed(file)

    (_, after), wanted = (
        found.texts[file],
        {**KEPT, "Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-work-prod"}},
    )
    assert json.loads(after)["Resources"] == {**body["Resources"], "Written": wanted}
    assert "ActivePassive::ActivePassive-SQSDelivery" in {each.finding.rule for each in found.left}
