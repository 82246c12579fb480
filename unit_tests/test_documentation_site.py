"""Every page of docs/ stands in the site's navigation, and the links of the pages beside docs/ lead to files that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SITE: Final[dict[str, Any]] = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
Entry = str | dict[str, Any]
"""A page, or one title with a page or with a list of entries."""


def pages(entries: list[Entry]) -> list[str]:
    """Return the pages of a navigation in their order."""
    found: list[str] = []
    for entry in entries:
        for value in [entry] if isinstance(entry, str) else entry.values():
            found += [value] if isinstance(value, str) else pages(value)
    return found


def test_navigation_has_the_four_kinds_of_page_after_home() -> None:
    assert [next(iter(entry)) for entry in SITE["nav"]] == ["Home", "Tutorial", "How-to", "Reference", "Explanation"]


def test_navigation_has_every_page_of_docs_once() -> None:
    docs = ROOT / "docs"
    written = sorted(str(file.relative_to(docs)) for file in docs.rglob("*.md"))
    assert sorted(pages(SITE["nav"])) == written, "zensical.toml: write the page under the kind that it is"


@pytest.mark.parametrize("name", sorted(file.name for file in ROOT.glob("*.md")))
def test_links_beside_docs_lead_to_files_that_exist(name: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_contributing_names_tests_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"pytest (unit_tests/\S+?)[`\s]", text)
    assert len(named) >= 8
    assert [path for path in named if not (ROOT / path).exists()] == []
