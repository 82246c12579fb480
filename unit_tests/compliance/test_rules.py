"""The folder of rules: each file that defines RULE is one, and a wrong file is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compliance import rules
from compliance.__main__ import app
from compliance.rules import RuleError, our_rules

HEAD = """
from compliance.controls import nist
from compliance.engine.rule import PASSED, Rule
"""
BODY = 'RULE = Rule(id="Mine-It", title="t", why="w", fix="f", judge=lambda _r, _w: PASSED, controls=nist("{control}"))'

_RULE = HEAD + 'RULE = Rule(id="{id}", title="t", why="w", fix="f", judge=lambda _r, _w: PASSED)'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another folder of rules beside ours; what was found before does not count, nor after."""
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    our_rules.cache_clear()
    yield tmp_path
    our_rules.cache_clear()


def test_a_file_is_a_rule_by_being_there(folder: Path) -> None:
    (folder / "mine_good.py").write_text(HEAD + BODY.format(control="SI-13"))

    assert "Mine-It" in {rule.id for rule in our_rules()}


def test_a_control_that_there_is_not_is_told_with_the_rule_s_file(folder: Path) -> None:
    (folder / "mine_unknown.py").write_text(HEAD + BODY.format(control="XX-99"))

    with pytest.raises(RuleError, match=r"compliance/rules/mine_unknown\.py: 'XX-99' is no control of NIST-800-53-R4"):
        our_rules()


def test_a_rule_that_is_none_is_told_with_its_file(folder: Path) -> None:
    (folder / "mine_text.py").write_text('RULE = "Mine-It"')

    with pytest.raises(RuleError, match=r"compliance/rules/mine_text\.py: RULE is a str"):
        our_rules()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RULE = Rul()", r"mine_wrong\.py: cannot be imported \(NameError: name 'Rul' is not defined\)"),
        ("def judge(:", r"mine_wrong\.py: cannot be imported \(SyntaxError: "),
        (_RULE.format(id="Mine"), "'Mine' must be <Pack>-<Name>"),
        (_RULE.format(id="-It"), "'-It' must be <Pack>-<Name>"),
        (_RULE.format(id="AwsSolutions-S1"), "'AwsSolutions-S1' would pass for a rule of AwsSolutions"),
        (_RULE.format(id="CloudFormation-E1"), "would pass for a rule of CloudFormation"),
        (_RULE.format(id="ActivePassive-Tls"), r"is that of compliance/rules/active_passive_tls\.py too"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_its_file(folder: Path, text: str, says: str) -> None:
    (folder / "mine_wrong.py").write_text(text)
    sys.modules.pop("compliance.rules.mine_wrong", None)

    with pytest.raises(RuleError, match=says):
        our_rules()


def test_the_command_says_so_and_exits_2(folder: Path) -> None:
    (folder / "mine_unheard.py").write_text(HEAD + BODY.format(control="XX-99"))
    (folder / "queue.yaml").write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")

    result = CliRunner().invoke(app, ["--template", str(folder / "queue.yaml"), "--output", str(folder / "out")])

    assert result.exit_code == 2
    assert "ERROR: compliance/rules/mine_unheard.py: 'XX-99' is no control" in " ".join(result.output.split())
