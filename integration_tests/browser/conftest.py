"""One browser for all tests, the same on every machine."""

import os
from collections.abc import Iterator

import playwright.sync_api as playwright
import pytest

from infra.cdk_cli import node
from integration_tests.browser import chromium

# A busy machine is not a failure: what a test expects may take as long as what it does (`set_default_timeout`).
playwright.expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    """A headless Chromium; there is one on every machine that the project runs on, so its absence is an error."""
    found = chromium.find()
    with pytest.MonkeyPatch.context() as patch:
        # The Node.js of Playwright's wheel needs libatomic, which a bare machine lacks.
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node()))
        with playwright.sync_playwright() as driver:
            launched = driver.chromium.launch(
                executable_path=found.executable,
                env={**os.environ, **found.variables},
                args=chromium.ARGUMENTS,
            )
            yield launched
            launched.close()
