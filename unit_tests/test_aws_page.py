"""docs/aws.md names a source, a test that exists and a live check for each behaviour; cannot prove that a source says so."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "aws.md"
SOURCE = re.compile(r"\(https://(docs\.aws\.amazon\.com|repost\.aws|aws\.amazon\.com)/\S+\)")
LIVE_COMMANDS = ("`nox -s preflight`", "`nox -s drill -- --live`")


def _rows() -> list[list[str]]:
    lines = PAGE.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [row for row in rows if row[0] != "AWS does this"]


def _is_there(name: str, file: Path) -> bool:
    """Return whether a file defines a test, or makes one of a table: `test_name = rule_test(...)`."""
    return re.search(rf"^ *(?:def {name}\(|{name} = rule_test\()", file.read_text("utf-8"), re.MULTILINE) is not None


def _functions(file: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _missing(cell: str) -> list[str]:
    """Return the tests that a cell names and that do not exist."""
    missing = []
    for path, _, name in re.findall(r"`([\w/]+\.py)(::(\w+))?`", cell):
        file = ROOT / path
        if not file.exists() or (name and not _is_there(name, file)):
            missing.append(f"{path}::{name}")
    return missing


def _is_local_only(path: str, name: str) -> bool:
    file = ROOT / path
    marks = [ast.unparse(each) for each in _functions(file)[name].decorator_list]
    whole = re.search(r"^pytestmark = (.*)$", file.read_text("utf-8"), re.MULTILINE)
    return any("local_only" in mark for mark in [*marks, whole[1] if whole else ""])


ROWS = _rows()


def test_the_page_has_all_that_the_platform_depends_on() -> None:
    assert len(ROWS) >= 25
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row[0])[:60])
def test_a_behaviour_has_a_source_and_a_test_and_says_what_confirms_it(row: list[str]) -> None:
    assert len(row) == 4, row
    _, source, held, live = row
    assert SOURCE.search(source), f"{source!r} links no page of AWS's"
    assert re.search(r"`(unit_tests|integration_tests)/\S+\.py", held), f"{held!r} names no test"
    assert _missing(held) == []
    named = re.findall(r"`(integration_tests/e2e/\w+\.py)::(\w+)`", live)
    assert named or live in LIVE_COMMANDS or re.match(r"none: \w+", live), f"{live!r} is no live check"
    assert _missing(live) == []
    assert [name for path, name in named if _is_local_only(path, name)] == [], "a live run skips it"


def test_a_test_that_is_gone_is_seen() -> None:
    here = "unit_tests/test_aws_page.py"
    assert _missing(f"`{here}::test_a_test_that_is_gone_is_seen`, `{here}`") == []
    assert _missing(f"`{here}::test_that_nobody_wrote`, `unit_tests/nowhere.py`") == [
        f"{here}::test_that_nobody_wrote",
        "unit_tests/nowhere.py::",
    ]
