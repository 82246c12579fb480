"""Test that docs/local_cloud.md lists every shim, every command and every known gap of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import local_cloud
from local_cloud import FaultInjector, known_gaps
from local_cloud.hazards import HAZARDS

PACKAGE = Path(local_cloud.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "local_cloud.md").read_text()


def section(title: str) -> str:
    """Return the text under a heading, up to the next one of its level or higher."""
    heading = re.search(rf"^(#+) {re.escape(title)}$", TEXT, re.MULTILINE)
    assert heading, f"docs/local_cloud.md has no section {title!r}"
    return re.split(rf"^#{{1,{len(heading[1])}}} ", TEXT[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[tuple[str, ...]]:
    """Return the rows of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]


def shims() -> dict[str, ast.Module]:
    modules = {file.stem: ast.parse(file.read_text()) for file in (PACKAGE / "shims").glob("*.py")}
    return {name: module for name, module in modules.items() if name != "__init__"}


def is_installed(module: ast.Module) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == "install" for part in module.body)


INSTALLED = sorted(name for name, module in shims().items() if is_installed(module) and not name.startswith("_"))


def test_table_has_exactly_one_row_for_each_shim() -> None:
    assert sorted(row[0].strip("`") for row in rows("The shims")) == INSTALLED
    assert all(len(row) == 3 and row[1] for row in rows("The shims"))


def test_helper_of_the_shims_is_named() -> None:
    helpers = set(shims()) - set(INSTALLED)
    assert {name for name in helpers if f"`{name}`" not in section("The shims")} == set()


@pytest.mark.parametrize("name", INSTALLED)
def test_shim_docstring_lists_faithful_and_different_behaviour(name: str) -> None:
    text = ast.get_docstring(shims()[name]) or ""
    assert re.search(r"^(Faithful|Different from AWS): \S", text, re.MULTILINE), text
    assert text.index("Faithful:") < text.index("Different from AWS:")


def test_shims_are_installed() -> None:
    listed = next(
        part
        for part in shims_package().body
        if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name) and part.targets[0].id == "_SHIMS"
    )
    assert isinstance(listed.value, ast.Tuple)
    assert sorted(element.id for element in listed.value.elts if isinstance(element, ast.Name)) == INSTALLED


def shims_package() -> ast.Module:
    return ast.parse((PACKAGE / "shims" / "__init__.py").read_text())


def test_known_gaps_are_documented_word_for_word() -> None:
    assert rows("NOT FAITHFUL") == [(what, why) for what, why in known_gaps.NOT_FAITHFUL]


def test_hazards_are_documented_with_their_strengths() -> None:
    documented = [(name.strip("`"), float(strength.partition(" ")[0])) for name, strength, *_ in rows("Hazards")]
    assert documented == [(name, hazard.strength) for name, hazard in HAZARDS.items()]
    assert all("https://" in row[-1] for row in rows("Hazards"))


def test_faults_are_documented() -> None:
    documented = " ".join(row[0] for row in rows("Disturb it"))
    disturbing = [name for name, value in vars(FaultInjector).items() if callable(value) and not name.startswith("_")]
    assert disturbing
    assert [name for name in disturbing if f"{name}(" not in documented] == []
