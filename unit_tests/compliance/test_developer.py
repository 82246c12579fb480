"""The developer's minute: one rule alone, an explanation of each rule, and a verdict after each change."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compliance import developer
from compliance.__main__ import app
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.judge import judge
from compliance.engine.rule import Rule
from compliance.rules import our_rules

QUEUE = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      DelaySeconds: {}\n"
RULE = "ActivePassive-SQSDelivery"


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE.format(900), "utf-8")
    return file


def run(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(app, [str(each) for each in arguments])
    return ended.exit_code, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", [RULE, RULE.lower(), f"ActivePassive::{RULE}"])
def test_one_rule_judges_alone_and_writes_no_report(name: str, queue: Path, tmp_path: Path) -> None:
    code, output = run("--template", f"{queue}@us-east-1", "--rule", name, "--output", tmp_path / "reports")
    assert code == 1
    assert f"FAIL ActivePassive::{RULE}" in output
    assert "FAILED: 1 finding open" in output, "other rules would find more"
    assert "this is no verdict on a deployment" in output
    assert not (tmp_path / "reports").exists()


def test_rule_without_a_resource_to_judge_is_no_pass(queue: Path) -> None:
    code, output = run("--template", queue, "--rule", "ActivePassive-SNSTopic")
    assert code == 2
    assert "nothing was evaluated" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "ActivePassive-SQSDelivry", "--template", "x"], "did you mean ActivePassive-SQSDelivery"),
        (["--explain", "AwsSolutions-S1"], "is not one of our"),
        (["--rule", RULE], "--rule needs --template or --assembly"),
        (["--watch"], "--watch needs --template or --assembly"),
        (["--rule", RULE, "--template", "no-such.yaml"], "no-such.yaml"),
    ],
)
def test_wrong_use_ends_with_2_and_the_way_out(arguments: list[str], message: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert message in output


@pytest.mark.parametrize("rule", our_rules(), ids=lambda rule: rule.id)
def test_explanation_of_each_rule_says_why_and_how(rule: Rule) -> None:
    text = developer.explain(rule)
    assert all(part in text for part in (rule.id, rule.why, rule.fix, rule.severity, "file: compliance/rules/"))


def test_only_rules_about_tags_ask_for_the_taggable_types() -> None:
    class Refusing(frozenset[str]):
        def __contains__(self, item: object) -> bool:
            raise AssertionError(f"a rule asks whether {item} is taggable")

    kinds = {kind for rule in our_rules() for kind in rule.types if "*" not in kind} | {"AWS::SQS::Queue"}
    body = {"Resources": {f"R{number}": {"Type": kind, "Properties": {}} for number, kind in enumerate(sorted(kinds))}}
    world = TemplateSet(templates=(Template(name="t", body=body, region="us-east-1"),), environment="prod")
    rules = [rule for rule in our_rules() if not rule.id.startswith("Tagging-")]
    rows = judge(replace(world, taggable=Refusing()), rules).rows
    assert rows
    assert not [row for row in rows if "is taggable" in row.message]


def test_watch_judges_again_after_each_change_and_survives_a_broken_file(
    queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter(["Resources: [", QUEUE.format(0)])

    def change(*_arguments: object) -> None:
        content = next(contents, None)
        if content is None:
            raise KeyboardInterrupt
        queue.write_text(content, "utf-8")

    monkeypatch.setattr(developer, "wait_for_change", change)
    code, output = run("--template", queue, "--rule", RULE, "--watch")
    assert code == 0, "the last verdict counts"
    assert [line for line in output.splitlines() if line.startswith(("FAILED", "PASSED"))] == [
        "FAILED: 1 finding open",
        "PASSED: 0 findings acknowledged, none open",
    ]
    assert f"ERROR: {queue}" in output


def test_change_is_a_new_content_a_new_file_or_a_removed_one(queue: Path) -> None:
    def states() -> Iterator[object]:
        yield developer.state([queue], queue.parent)
        queue.write_text(QUEUE.format(10), "utf-8")
        yield developer.state([queue], queue.parent)
        (queue.parent / "new.json").write_text("{}", "utf-8")
        yield developer.state([queue], queue.parent)
        queue.unlink()
        yield developer.state([queue], queue.parent)

    found = list(states())
    assert len({str(each) for each in found}) == len(found)
