"""Find what axe-core, the accessibility checker, reports on a page."""

from __future__ import annotations

from functools import cache
from typing import Final

from playwright.sync_api import Page

from infra.bundling import REPOSITORY

_SCRIPT: Final = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"


@cache
def _script() -> str:
    assert _SCRIPT.is_file(), f"{_SCRIPT} is not there. Type: python -m nox -s environment"
    return _SCRIPT.read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Return each violation that axe finds: its rule, its help, and the elements. What axe cannot decide is left out."""
    page.evaluate(_script())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in found]
