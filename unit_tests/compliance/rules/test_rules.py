"""The folder of rules: each file that defines RULE is one, its id follows from its path, and a wrong file is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import compliance.rules
import compliance.rules.naming
from compliance.__main__ import app
from compliance.engine.user_rules import RuleError
from compliance.rules import every_rule, files, our_rules
from compliance.rules.__main__ import page

HEAD = """
from compliance.controls import nist
from compliance.engine.rule import PASSED, Rule
"""
BODY = 'RULE = Rule({more}title="t", why="w", fix="f", judge=lambda _r, _w: PASSED, controls=nist("{control}"))'
GOOD = HEAD + BODY.format(more="", control="SI-13")
TABLE = f"{HEAD}RULES = ({BODY.removeprefix('RULE = ').format(more='{id}', control='SI-13')},)"
UNKNOWN_CONTROL = HEAD + BODY.format(more="", control="XX-99")
WITH_ID = HEAD + BODY.format(more='id="Mine-It", ', control="SI-13")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another folder of rules beside ours; what was found before does not count, nor after."""
    monkeypatch.setattr(compliance.rules, "__path__", [*compliance.rules.__path__, str(tmp_path)])
    _forget()
    known = set(sys.modules)
    yield tmp_path
    _forget()
    for name in set(sys.modules) - known:
        del sys.modules[name]


def _forget() -> None:
    our_rules.cache_clear()
    every_rule.cache_clear()


def write(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir()
    (file.parent / "__init__.py").touch()
    file.write_text(text)


@pytest.fixture
def naming(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder of rules beside those of names and tags."""
    monkeypatch.setattr(compliance.rules.naming, "__path__", [*compliance.rules.naming.__path__, str(folder)])
    return folder


def test_entry_of_a_table_is_a_rule_with_its_id_under_the_service(folder: Path) -> None:
    write(folder, "mine/required.py", TABLE.format(id='id="dead_letters", '))

    assert files()["ActivePassive-MineDeadLetters"].endswith("rules/mine/required.py")


def test_rule_file_in_a_service_folder_is_a_rule(folder: Path) -> None:
    write(folder, "mine/dead_letters.py", GOOD)

    assert "ActivePassive-MineDeadLetters" in {rule.id for rule in our_rules()}


@pytest.mark.parametrize(
    "rule_id",
    [
        "ActivePassive-APIGatewayLogs",
        "ActivePassive-CrossRegionSymmetry",
        "ActivePassive-IAMTLS",
        "ActivePassive-LambdaCode",
        "ActivePassive-S3CORSOrigins",
        "ActivePassive-SQSDeadLetters",
        "Naming-Pattern",
        "Tagging-Required",
        "Template-Nested",
    ],
)
def test_rule_id_follows_from_the_path(rule_id: str) -> None:
    assert rule_id in {rule.id for rule in our_rules()}


def test_control_that_does_not_exist_is_reported_with_the_file(folder: Path) -> None:
    write(folder, "mine/unknown.py", UNKNOWN_CONTROL)

    with pytest.raises(RuleError, match=r"compliance/rules/mine/unknown\.py: 'XX-99' is no control of NIST-800-53-R4"):
        our_rules()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RULE = Rul()", r"mine/wrong\.py: cannot be imported \(NameError: name 'Rul' is not defined\)"),
        ("def judge(:", r"mine/wrong\.py: cannot be imported \(SyntaxError: "),
        ('RULE = "Mine-It"', r"compliance/rules/mine/wrong\.py: RULE is a str; it must be a compliance\.engine\.rule\.Rule"),
        (TABLE.format(id=""), r"mine/wrong\.py: the entry 't' of RULES has the id ''; write lower-case words"),
        (TABLE.format(id='id="Mine-It", '), r"mine/wrong\.py: the entry 't' of RULES has the id 'Mine-It'; write lower"),
        (TABLE.format(id='id="it", ').replace(",)", ")"), r"mine/wrong\.py: RULES is a Rule; it must be a tuple of rules"),
        (WITH_ID, r"mine/wrong\.py: RULE has the id 'Mine-It'; delete it"),
    ],
)
def test_wrong_rule_is_reported_with_its_file(folder: Path, text: str, says: str) -> None:
    write(folder, "mine/wrong.py", text)

    with pytest.raises(RuleError, match=says):
        our_rules()


def test_two_paths_with_one_id_are_reported(folder: Path) -> None:
    write(folder, "lambda_/code.py", GOOD)

    with pytest.raises(RuleError, match=r"'ActivePassive-LambdaCode' is also that of compliance/rules/awslambda/code\.py"):
        our_rules()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mine", r"rules/naming/mine\.py: its name 'mine' has one word; write <pack>_<name>\.py"),
        ("serverless_it", r"rules/naming/serverless_it\.py: its rule would pass for one of Serverless"),
    ],
)
def test_naming_file_without_a_pack_of_ours_is_reported(naming: Path, name: str, says: str) -> None:
    (naming / f"{name}.py").write_text(GOOD)

    with pytest.raises(RuleError, match=says):
        our_rules()


def test_command_with_a_wrong_rule_names_it_and_exits_2(folder: Path) -> None:
    write(folder, "mine/unheard.py", UNKNOWN_CONTROL)
    (folder / "queue.yaml").write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")

    result = CliRunner().invoke(app, ["--template", str(folder / "queue.yaml"), "--output", str(folder / "out")])

    assert result.exit_code == 2
    assert "ERROR: compliance/rules/mine/unheard.py: 'XX-99' is no control" in " ".join(result.output.split())


def test_page_of_the_rules_is_current() -> None:
    written = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
    assert written == page(), "write it again: .venv/bin/python -m compliance.rules > docs/rules.md"
