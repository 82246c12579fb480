"""One browser for all tests, the same on every machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import playwright.sync_api as playwright
import pytest

from reporting import chromium

# A busy machine is not a failure: what a test expects may take as long as what it does (`set_default_timeout`).
playwright.expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    """A headless Chromium."""
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def open_file(browser: playwright.Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], playwright.Page]]:
    """Open a page of one file; afterwards check that the page had no error and requested nothing else."""
    context = browser.new_context(color_scheme=request.param, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    errors: list[str] = []
    requests: list[str] = []

    def opened(file: Path) -> playwright.Page:
        page = context.new_page()
        page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda asked: requests.append(asked.url))
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        page.goto(file.as_uri())
        return page

    yield opened
    context.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:,"))] == []
    assert len({url for url in requests if url.startswith("file:")}) == 1
