"""Rules of the user's own in Python, Guard, Rego and CEL: the same findings as ours, and errors with file and line."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compliance.cfn.loading import load_templates
from compliance.engine import user_rules
from compliance.engine.acknowledgements import apply, read_registry
from compliance.engine.findings import Finding, Verdict
from compliance.engine.user_rules import RuleError
from compliance.gate import judge_templates
from compliance.packs import native
from compliance.rules import every_rule

PYTHON = '''"""A queue keeps its messages for a day."""

from compliance.engine.requirements import at_least, require
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Rule, failed


def judge(resource, world):
    if resource.type != "AWS::SQS::Queue":
        return NOT_APPLICABLE
    return PASSED if "Tags" in resource.properties else failed("the queue has no Tags")


RULE = Rule(title="t", why="w", fix="f", judge=judge, types=("AWS::SQS::Queue",))
RULES = (
    require(
        "AWS::SQS::Queue", "MessageRetentionPeriod", at_least(86400),
        id="retention", title="t", why="w", fix="f", controls=(),
    ),
)
'''
GUARD = """let queues = Resources.*[ Type == 'AWS::SQS::Queue' ]
rule queue_has_retention when %queues !empty {
  %queues.Properties.MessageRetentionPeriod exists <<set MessageRetentionPeriod>>
}
"""
REGO = """package acme
import rego.v1
violation contains v if {
  some name, resource in input.resources
  resource.resourceType == "AWS::SQS::Queue"
  not resource.properties.MessageRetentionPeriod
  v := make_diag("queue_has_retention", "ERROR", name, "set MessageRetentionPeriod")
}
"""
CEL = json.dumps(
    {
        "rules": [
            {
                "rule_id": "queue_has_retention",
                "severity": "ERROR",
                "resource_type": "AWS::SQS::Queue",
                "expression": "!has(properties.MessageRetentionPeriod)",
                "message": "{name}: set MessageRetentionPeriod",
            }
        ]
    }
)
QUEUES = {
    "Bad": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 60}},
    "Good": {
        "Type": "AWS::SQS::Queue",
        "Properties": {"MessageRetentionPeriod": 86400, "Tags": [{"Key": "a", "Value": "b"}]},
    },
    "Unset": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}},
}


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in a folder of its own; what was read there is forgotten before and after."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme_rules").mkdir()
    (tmp_path / "compliance.toml").write_text('[rules]\nfolder = "acme_rules"\npack = "Acme"\n', "utf-8")
    native_caches = native._engine, native._diagnose_text  # noqa: SLF001 - the engine is made of the files
    cached: tuple[Any, ...] = (user_rules.user_rules, every_rule, *native_caches)
    for each in cached:
        each.cache_clear()
    yield
    for each in cached:
        each.cache_clear()


def _write(name: str, text: str) -> None:
    Path("acme_rules", name).write_text(text, "utf-8")


def _judged() -> dict[tuple[str, str], Finding]:
    Path("t.json").write_text(json.dumps({"Resources": QUEUES}), "utf-8")
    found = judge_templates(load_templates([(Path("t.json"), "us-east-1")]), "prod", date(2026, 1, 1), lambda _text: None)
    return {(row.rule, row.logical_id): row for row in found.findings if row.rule.startswith("Acme::")}


def test_python_rules_judge_like_ours() -> None:
    _write("queue_tags.py", PYTHON)
    _write("_helper.py", "raise ValueError")
    verdicts = {key: row.verdict for key, row in _judged().items()}
    assert verdicts == {
        ("Acme::Acme-QueueTags", "Bad"): Verdict.FAIL,
        ("Acme::Acme-QueueTags", "Good"): Verdict.PASS,
        ("Acme::Acme-QueueTags", "Unset"): Verdict.FAIL,
        ("Acme::Acme-Retention", "Bad"): Verdict.FAIL,
        ("Acme::Acme-Retention", "Good"): Verdict.PASS,
        ("Acme::Acme-Retention", "Unset"): Verdict.FAIL,
    }


@pytest.mark.parametrize(("name", "text"), [("queues.guard", GUARD), ("queues.rego", REGO), ("queues.json", CEL)])
def test_rules_of_other_languages_fail_the_resource_they_name(name: str, text: str) -> None:
    _write(name, text)
    found = _judged()
    assert set(found) == {("Acme::Acme-queue_has_retention", "Unset")}
    assert found["Acme::Acme-queue_has_retention", "Unset"].verdict is Verdict.FAIL
    assert "set MessageRetentionPeriod" in found["Acme::Acme-queue_has_retention", "Unset"].message


def test_a_decision_covers_a_finding_of_the_users(tmp_path: Path) -> None:
    _write("queues.guard", GUARD)
    decisions = tmp_path / "decisions.toml"
    decisions.write_text(
        '[[decision]]\nid = "a"\ntitle = "t"\nreason = "A reason of more than twenty characters."\nowner = "o"\n'
        'approver = "a"\nticket = "T-1"\ndecided = 2026-11-24\n'
        'expires = 2026-12-01\n[[decision.covers]]\nrules = ["Acme::Acme-queue_has_retention"]\npaths = ["t.json/Unset"]\n',
        "utf-8",
    )
    registry = read_registry(decisions, date(2026, 1, 1))
    rows = apply(registry, list(_judged().values()), {"environment": ("prod",), "configuration": ("prod",), "region": ()})
    assert [row.verdict for row in rows] == [Verdict.ACKNOWLEDGED]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.py", "RULE = (\n", r"acme_rules/a\.py:1: cannot be imported \(SyntaxError"),
        ("a.py", "\n\nRULE = nothing\n", r"acme_rules/a\.py:3: cannot be imported \(NameError"),
        ("a.py", "from compliance.controls import nist\n\nnist('XX-99')\n", r"acme_rules/a\.py:3: .*'XX-99' is no control"),
        ("a.py", "RULE = 7\n", r"acme_rules/a\.py: RULE is a int"),
        ("a.guard", "rule x {\n  Resources.*.a ==\n}", r"acme_rules/a\.guard at line 2"),
        ("a.rego", "package x\nfoo bar", r"acme_rules/a\.rego:2:1"),
        ("a.json", "{}", r"acme_rules/a\.json: missing field `rules`"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(name: str, text: str, message: str) -> None:
    _write(name, text)
    with pytest.raises(RuleError, match=message):
        _judged()


@pytest.mark.parametrize("folder", ["acme_rules", "../{name}/acme_rules"])
def test_a_rule_that_raises_is_not_evaluated_and_has_its_line(folder: str) -> None:
    folder = folder.format(name=Path.cwd().name)
    Path("compliance.toml").write_text(f'[rules]\nfolder = "{folder}"\npack = "Acme"\n', "utf-8")
    _write("queue_tags.py", PYTHON.replace('"Tags" in resource.properties', 'resource.properties["Tags"]'))
    row = _judged()["Acme::Acme-QueueTags", "Bad"]
    assert row.verdict is Verdict.NOT_EVALUATED
    assert f"KeyError: 'Tags', {folder}/queue_tags.py:10" in row.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules", "compliance.toml: cannot be read"),
        ("[rule]\n", "has the keys rule"),
        ('[rules]\nfolder = "acme_rules"\n', "write .rules. with folder and pack"),
        ('[rules]\nfolder = "elsewhere"\npack = "Acme"\n', "folder is 'elsewhere', which is no folder in"),
        ('[rules]\nfolder = "acme_rules"\npack = "Naming"\n', "pack is 'Naming'"),
        ('[rules]\nfolder = "acme_rules"\npack = "acme"\n', "pack is 'acme'"),
    ],
)
def test_a_wrong_settings_file_is_refused(text: str, message: str) -> None:
    Path("compliance.toml").write_text(text, "utf-8")
    with pytest.raises(RuleError, match=message):
        _judged()
