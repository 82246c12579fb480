"""`--fix` prints a patch that the gate agrees to, and changes a file only with `--write`."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnResource, Stack
from aws_cdk.assertions import Template

from compliance.cfn.loading import Assembly, LoadError, load_template, load_templates
from compliance.cfn.templates import TemplateSet
from compliance.engine.acknowledgements import Registry
from compliance.engine.matrix import Configuration
from compliance.engine.repair import apply
from compliance.fixing import Fixes, calls, fix, texts_of
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
        (["--fix", "--write", "--template", "no-such.yaml"], "no-such.yaml"),
        (["--fix", "--template", "x", "--format", "json"], "--format: not with --rule"),
        (["--write", "--template", "x"], "--write is an option of --fix"),
        (["--fix", "--watch", "--template", "x"], "--watch and --fix exclude each other"),
        (["--fix", "--explain", "KMS", "--template", "x"], "--explain and --fix exclude each other"),
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


@pytest.mark.parametrize("key", ["log.level", "a\\b", 'with "quotes"', "two..dots.", "plain"])
@pytest.mark.parametrize("after", [{"kept": 1}, {"kept": 1, "KEY": "new"}])
def test_printed_override_of_any_key_does_in_the_cdk_what_the_patch_does(key: str, after: dict[str, Any]) -> None:
    bodies: list[dict[str, Any]] = [
        {"Type": "AWS::X::Y", "Properties": {key if name == "KEY" else name: value for name, value in each.items()}}
        for each in ({"kept": 1, "KEY": "old"}, after)
    ]
    made = CfnResource(stack := Stack(), "It", type="AWS::X::Y", properties=bodies[0]["Properties"])
    for call in calls(bodies[0], bodies[1]):
        exec(f"it.{call}", {"it": made})  # noqa: S102 - what a user copies into their construct
    assert Template.from_stack(stack).to_json()["Resources"] == {"It": bodies[1]}


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


DATA = """\
Resources:
  Data:
    Type: AWS::S3::Bucket
    Properties: {BucketName: data}
"""


def test_change_that_replaces_data_is_announced(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(DATA, "utf-8")
    code, output = run("--template", f"{file}@us-east-1", "--fix", "--rule", "Naming-Pattern")
    assert code == 1
    assert "WARNING: data.yaml/Data: BucketName changes" in output
    assert "new, empty" in output


@pytest.mark.parametrize("character", ["\u2028", "\x85"])
def test_patch_of_a_text_with_other_line_separators_applies(tmp_path: Path, character: str) -> None:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE.replace("Queue\n    P", f'Queue\n    Metadata: {{A: "a{character}b"}}\n    P'), "utf-8")
    lines = _fixed(file).patch.split("\n")
    assert all(line[:1] in {"", "-", "+", " ", "@"} for line in lines)


def test_file_of_two_regions_takes_only_what_both_repair(tmp_path: Path) -> None:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE, "utf-8")
    east, west = load_templates([(file, "us-east-1"), (file, "us-west-2")])
    before = TemplateSet(templates=(east, west), environment="prod")
    kept = apply(before, {(each.name, "Queue"): {**each.body["Resources"]["Queue"], **KEPT} for each in (east, west)})
    one = apply(before, {(west.name, "Queue"): {**west.body["Resources"]["Queue"], **KEPT}})
    assert texts_of(before, kept, [(each.name, "Queue") for each in (east, west)])[1] == []
    assert texts_of(before, one, [(west.name, "Queue")]) == ({}, [(west.name, "Queue")])


def test_file_that_changed_since_it_was_judged_is_not_written(queue: Path) -> None:
    found = _fixed(queue)
    queue.write_text("other: work\n", "utf-8")
    with pytest.raises(LoadError, match="changed since it was judged"):
        found.write()
    assert queue.read_text("utf-8") == "other: work\n"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_interrupted_write_leaves_the_old_file(queue: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    found = _fixed(queue)

    def fail(_descriptor: int) -> None:
        raise failure

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(type(failure)):
        found.write()
    assert queue.read_text("utf-8") == QUEUE
    assert list(queue.parent.iterdir()) == [queue]


def test_written_file_keeps_its_link_mode_and_byte_order_mark(queue: Path) -> None:
    queue.write_bytes(b"\xef\xbb\xbf" + QUEUE.encode())
    queue.chmod(0o640)
    link = queue.with_name("link.yaml")
    link.symlink_to(queue)
    _fixed(link).write()
    assert link.is_symlink()
    assert queue.stat().st_mode & 0o777 == 0o640
    assert queue.read_bytes().startswith(b"\xef\xbb\xbfResources")
    assert "Retain" in queue.read_text("utf-8")
