"""One browser for all tests; where there is none, they are skipped and say why."""

import os
from collections.abc import Iterator

import playwright.sync_api as playwright
import pytest

from integration_tests.browser import chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[playwright.Browser]:
    """A headless Chromium. CI must have one: there its absence is a failure."""
    found = chromium.find(tmp_path_factory.mktemp("chromium"))
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.MISSING)
        pytest.skip(chromium.MISSING)
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=found.executable,
            env={**os.environ, **found.variables},
            # A container has no user namespaces for the sandbox; the page is ours and offline.
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield launched
        launched.close()
