"""The local cloud's web page in a real browser, on the deployed platform: a fault is set by its button and cleared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from integration_tests.browser.accessibility import violations
from integration_tests.e2e.partition import fault_injector
from integration_tests.e2e.pushing import Pushed
from local_cloud.faults import FAULTS
from local_cloud.web_page import PageServer
from operations.target import Target
from reporting import chromium

pytestmark = pytest.mark.local_only

PATIENCE_MS = 60_000


@pytest.fixture(scope="module", autouse=True)
def _messages_return(target: Target) -> Iterator[None]:
    """Return the messages that a fault left in flight, or put back for minutes: the run ends with empty queues."""
    yield
    for region in target.regions:
        fault_injector(target).return_messages(region)


@pytest.fixture
def page(target: Target, tmp_path: Path) -> Iterator[Page]:
    """The page of the deployed platform; afterwards no script has failed, and no fault is left."""
    target.save(tmp_path / "target.json")
    errors: list[str] = []
    with PageServer(target, tmp_path / "target.json") as served, chromium.launched() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(served.url)
        yield page
        fault_injector(target).region_up(target.secondary)
    assert errors == []


def test_blackout_is_set_seen_and_cleared_in_the_browser(page: Page, corpus: dict[str, Pushed], target: Target) -> None:
    primary, secondary = (page.get_by_role("region", name=region) for region in target.regions)
    blackout = secondary.get_by_role("button", name="blackout")
    expect(primary.locator(".tag")).to_have_text("active")
    expect(secondary.locator("dl")).to_contain_text("200")
    assert corpus
    expect(page.locator("tbody tr").first).to_contain_text("accepted")

    blackout.click()

    expect(secondary.locator(".marks")).to_contain_text("no answer for")
    expect(secondary.locator(".marks")).to_contain_text("blackout")
    expect(page.locator("#verdict strong")).to_contain_text(f"{target.secondary} FAILS: does not answer")
    expect(primary.locator("dl")).to_contain_text("200")
    assert violations(page) == []

    blackout.click()

    expect(secondary.locator(".marks")).to_have_text("")
    expect(secondary.locator("dl")).to_contain_text("200")
    expect(page.locator("#verdict strong")).not_to_contain_text("does not answer")


def test_promotion_of_the_active_region_is_typed_and_changes_nothing(page: Page, target: Target) -> None:
    page.get_by_role("button", name=f"Promote {target.primary}").click()
    expect(page.locator("#outcome pre")).to_contain_text(f"{target.primary} is active already")


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.is_final])
def test_fault_of_the_registry_is_shown_while_it_is_set(name: str, target: Target) -> None:
    injector, fault = fault_injector(target), FAULTS[name]
    seen = []
    for is_on in (True, False):
        fault.switch(injector, target.secondary, is_on)
        seen.append(fault.is_active(injector.health(), target.secondary))
    assert seen == [True, False], json.dumps(injector.health())
