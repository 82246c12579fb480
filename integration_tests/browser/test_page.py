"""Test the page in a browser: verdict, search, filters, details, the map, and that it makes no request."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from compliance.engine.findings import Findings
from compliance.reports import write_reports
from integration_tests.browser.accessibility import violations
from integration_tests.browser.injection import directive_that_stops_markup
from unit_tests.compliance.reports.ledgers import FAILING, PASSING, ROWS, hostile, ledger

Open = Callable[[Findings], Page]

_SEARCH = """
async (text) => {
  let made = 0;
  const rows = new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.matches?.("tr")) made += 1;
  });
  rows.observe(document.querySelector("#rows tbody"), { childList: true });
  const counted = new Promise((done) => {
    new MutationObserver(done).observe(document.getElementById("count"), { childList: true });
  });
  const field = document.getElementById("q");
  field.value = text;
  field.form.dispatchEvent(new Event("input"));
  await counted;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return made;
}
"""


@pytest.fixture
def open_page(open_file: Callable[[Path], Page], tmp_path: Path) -> Open:
    """Open a ledger's page."""

    def opened(judged: Findings) -> Page:
        (file,) = write_reports(judged, tmp_path, ["html"])
        return open_file(file)

    return opened


def _shown(page: Page) -> int:
    return page.locator("#rows tbody tr").count()


def _work_of_a_search(page: Page, text: str) -> tuple[int, int]:
    """Search as a keystroke does, until the count changes; return the rows that were made and the layouts."""
    counter = page.context.new_cdp_session(page)
    counter.send("Performance.enable")

    def layouts() -> int:
        (count,) = (one for one in counter.send("Performance.getMetrics")["metrics"] if one["name"] == "LayoutCount")
        return int(count["value"])

    before = layouts()
    made = int(page.evaluate(_SEARCH, text))
    return made, layouts() - before


def test_the_verdict_is_the_first_thing_on_the_page(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))

    expect(page.locator(".verdict strong")).to_have_text("Failed: 3 findings open")
    expect(page.locator(".verdict")).to_be_in_viewport()
    expect(page).to_have_title("Compliance failed: prod")


def test_search_narrows_the_rows_by_any_word_of_them(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    expect(page.locator("#count")).to_have_text(re.compile("5 of 5 rows match"))

    page.get_by_label("Search").fill("untidy")
    expect(page.locator("#count")).to_have_text(re.compile("1 of 5 rows match"))
    expect(page.locator("#rows tbody tr")).to_contain_text("P::Minor")

    page.get_by_label("Search").fill("queue.py s/d")
    expect(page.locator("#count")).to_have_text(re.compile("1 of 5 rows match"))
    expect(page.locator("#rows tbody tr")).to_contain_text("acknowledged")

    page.get_by_label("Search").fill("nowhere")
    expect(page.locator("#count")).to_have_text("No row of 5 matches.")

    page.get_by_role("button", name="Clear all filters").click()
    expect(page.locator("#count")).to_have_text(re.compile("5 of 5 rows match"))


def test_each_filter_filters(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    for label, choice, rows in (
        ("Verdict", "FAIL", 2),
        ("Region", "us-east-1", 5),
        ("Configuration", "prod", 5),
        ("Framework", "PCI-DSS-3.2.1", 4),
        ("Control", "NIST-800-53-R5:SC-28(1)", 4),
        ("Pack", "P", 5),
        ("Resource type", "AWS::SQS::Queue", 5),
        ("Acknowledged by", "logs", 1),
    ):
        page.get_by_role("combobox", name=label, exact=True).select_option(choice)
        expect(page.locator("#count")).to_have_text(re.compile(f"^{rows} of 5 rows match"))
        assert _shown(page) == rows, label
        page.get_by_role("combobox", name=label, exact=True).select_option("")
        expect(page.locator("#count")).to_have_text(re.compile("^5 of 5 rows match"))


def test_a_finding_opens_by_keyboard_and_says_why_and_where(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    page.get_by_role("combobox", name="Verdict").select_option("ACKNOWLEDGED")
    expect(page.locator("#count")).to_have_text(re.compile("^1 of 5"))
    button = page.locator("#rows tbody button")

    button.focus()
    page.keyboard.press("Enter")

    expect(button).to_have_attribute("aria-expanded", "true")
    detail = page.locator("#rows dl.detail")
    for expected in (
        "A log of a log never ends.",
        "you on 2026-11-01, until 2027-01-01 (logs)",
        "me (SEC-1)",
        "infra/constructs/queue.py:42",
        "SC-28(1)",
    ):
        expect(detail).to_contain_text(expected)
    page.keyboard.press("Enter")
    expect(detail).to_have_count(0)


def test_an_address_keeps_the_filters(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    page.get_by_label("Search").fill("untidy")
    expect(page).to_have_url(re.compile(r"#\?q=untidy$"))

    page.reload()

    expect(page.get_by_label("Search")).to_have_value("untidy")
    expect(page.locator("#count")).to_have_text(re.compile("1 of 5 rows match"))


def test_links_and_tiles_lead_to_their_rows(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))

    page.get_by_role("link", name="1 finding").click()
    expect(page.locator("#count")).to_have_text(re.compile("^1 of 5"))

    page.locator('.map [data-path="S/A/Resource"]').click()
    expect(page.locator("#count")).to_have_text(re.compile("^2 of 5"))


def test_thousands_of_rows_are_shown_as_they_are_wanted(open_page: Open) -> None:
    rows = [replace(FAILING if number % 100 == 0 else PASSING, path=f"S/{number}/Resource") for number in range(20_000)]
    page = open_page(ledger(*rows))
    expect(page.locator("#count")).to_have_text(re.compile("20,000 of 20,000 rows match; the first 100"))
    assert _shown(page) == 100

    page.get_by_role("button", name="Show 100 more").click()
    assert _shown(page) == 200
    made, layouts = _work_of_a_search(page, "s/19999/")
    assert _shown(page) == 1
    assert made == 1, "a search makes the rows that it shows, and no other"
    assert layouts < 10, "a search reads no place or size between two changes of the page"


def test_hostile_text_is_shown_and_does_nothing(open_page: Open) -> None:
    page = open_page(hostile())
    title = page.title()

    for button in page.locator("#rows tbody button").all():
        button.click()
    page.get_by_label("Search").fill("pwned")
    page.get_by_role("combobox", name="Stack").select_option(index=1)
    expect(page.locator("#count")).to_have_text(re.compile("5 of 5 rows match"))

    assert page.title() == title
    assert "pwned" not in title
    assert page.locator("#rows script, #rows img, #rows b, main script, main img").count() == 0
    expect(page.locator("#rows tbody").first).to_contain_text("<img src=x onerror")


def test_even_injected_markup_could_not_run(browser: Browser, tmp_path: Path) -> None:
    (file,) = write_reports(ledger(*ROWS), tmp_path, ["html"])
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(file.as_uri())

        assert directive_that_stops_markup(page) == "script-src-attr"
        assert page.title() == "Compliance failed: prod"


def test_axe_finds_nothing(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    expect(page.locator("#count")).to_have_text(re.compile("5 of 5 rows match"))
    assert violations(page) == []


def test_it_is_readable_on_a_narrow_screen_and_on_paper(open_page: Open) -> None:
    page = open_page(ledger(*ROWS))
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator(".verdict strong")).to_be_visible()


def test_the_pdf_shows_each_section_but_the_explorer(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as beside:  # Playwright allows one loop a thread
        (file,) = beside.submit(write_reports, ledger(*ROWS), tmp_path, ["pdf"]).result()

    document = file.read_bytes()
    assert document.startswith(b"%PDF-")
    outline = [title.decode() for title in re.findall(rb"/Title \((.*)\)", document)]
    assert outline[0] == "Compliance failed: prod"
    assert {"To fix, the worst first", "Acknowledgements", "In numbers", "Coverage", "Templates"} < set(outline)
    assert "Explorer" not in outline
