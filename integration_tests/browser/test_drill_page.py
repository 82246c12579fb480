"""Test the page of a drill in a browser: verdict, pictures, the slider, and that it makes no request."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from drill.model import DrillReport
from drill.reports import write
from integration_tests.browser.accessibility import violations
from integration_tests.browser.injection import directive_that_stops_markup
from unit_tests.drill.reports.samples import HOSTILE, failed, never_began, passed

Open = Callable[[DrillReport], Page]
UNKNOWN = "\N{EN DASH}"
ALL = [passed, failed, never_began]


@pytest.fixture
def open_page(open_file: Callable[[Path], Page], tmp_path: Path) -> Open:
    """Open a report's page."""

    def opened(report: DrillReport) -> Page:
        write(report, tmp_path / "drill" / "one", journal=tmp_path / "none")
        return open_file(tmp_path / "drill" / "one" / "index.html")

    return opened


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (passed, "Passed: 10,000 objects, and nothing lost, duplicated or divergent"),
        (failed, "Failed: 1 lost, 1 duplicated of 10,000 objects"),
        (never_began, "Void: this drill proves nothing"),
    ],
)
def test_the_verdict_and_its_reasons_are_the_first_thing(
    made: Callable[[], DrillReport], says: str, open_page: Open
) -> None:
    report = made()
    page = open_page(report)

    expect(page.locator(".verdict strong")).to_have_text(says)
    expect(page.locator(".verdict")).to_be_in_viewport()
    expect(page.locator(".verdict li").first).to_have_text(report.reasons[0])
    expect(page).to_have_title(f"Failover drill {report.verdict.value}: {report.drill_id}")


def test_the_moment_moves_by_keyboard_and_tells_what_each_region_was(open_page: Open) -> None:
    page = open_page(passed())
    slider, rows = page.get_by_label("Time in the drill"), page.locator("#states tbody tr")
    expect(rows.first).to_contain_text("us-east-1")
    before = page.locator(".wide .cursor").first.get_attribute("x1")

    slider.focus()
    page.keyboard.press("End")
    expect(page.locator("#now")).to_contain_text("3:4")
    slider.fill("96")

    expect(page.locator("#now")).to_have_text("1:36 · measure · blackout us-east-1")
    expect(rows.first).to_have_text(f"us-east-1{UNKNOWN * 4}unhealthy")
    expect(rows.last).to_contain_text("healthy")
    expect(rows.last).not_to_contain_text(UNKNOWN)
    assert page.locator(".wide .cursor").first.get_attribute("x1") != before


def test_pointing_at_a_picture_chooses_its_moment(open_page: Open) -> None:
    page = open_page(passed())
    picture = page.locator(".wide figure svg").nth(1)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 40)

    expect(page.locator("#now")).to_contain_text("blackout us-east-1")


def test_every_curve_has_a_line_for_each_region_on_a_shared_axis(open_page: Open) -> None:
    page = open_page(passed())
    charts = page.locator(".wide figure").filter(has=page.locator("path.line"))

    expect(charts).to_have_count(4)
    for chart in charts.all():
        expect(chart.locator("path.line.primary")).to_have_count(1)
        expect(chart.locator("path.line.secondary")).to_have_count(1)
        expect(chart.locator("rect.band.fault")).to_have_count(1)
        expect(chart.locator("svg")).to_have_attribute("data-end", "221.0")
    outage = "m => { const d = document.querySelector('.wide figure:nth-of-type(3) path.primary').getAttribute('d');"
    assert page.evaluate(f"{outage} return d.match(/M/g).length; }}") == 2, "the outage is a gap, not a line at zero"


def test_hostile_text_is_shown_and_does_nothing(open_page: Open) -> None:
    ordinary = failed()
    hostile = ordinary.model_copy(
        update={
            "reasons": (HOSTILE,),
            "primary_region": HOSTILE,
            "samples": tuple(sample.model_copy(update={"region": HOSTILE}) for sample in ordinary.samples),
            "timeline": tuple(event.model_copy(update={"what": HOSTILE}) for event in ordinary.timeline),
            "phases": tuple(phase.model_copy(update={"name": HOSTILE}) for phase in ordinary.phases),
        }
    )
    page = open_page(hostile)

    page.get_by_label("Time in the drill").fill("30")

    assert page.locator("main img, main script").count() == 0
    expect(page.locator(".verdict li")).to_contain_text("<script>pwned</script>")
    expect(page.locator("#states tbody")).to_contain_text("<img src=x onerror=alert(1)>")


def test_even_injected_markup_could_not_run(browser: Browser, tmp_path: Path) -> None:
    write(passed(), tmp_path / "drill" / "one", journal=tmp_path / "none")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((tmp_path / "drill" / "one" / "index.html").as_uri())

        assert directive_that_stops_markup(page) == "script-src-attr"


@pytest.mark.parametrize("made", ALL)
def test_axe_finds_nothing(made: Callable[[], DrillReport], open_page: Open) -> None:
    assert violations(open_page(made())) == []


@pytest.mark.parametrize("made", ALL)
def test_it_is_readable_on_a_narrow_screen_and_on_paper(made: Callable[[], DrillReport], open_page: Open) -> None:
    page = open_page(made())
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    expect(page.locator(".pictures.wide")).to_be_hidden()
    sizes = page.evaluate(
        "() => [...document.querySelectorAll('.narrow text')].filter(t => t.getBoundingClientRect().left < 0).length"
    )
    assert sizes == 0, "no name is cut at the edge"

    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator("#cursor")).to_be_hidden()
    expect(page.locator(".verdict strong")).to_be_visible()


@pytest.mark.parametrize("made", ALL)
def test_text_stands_out_from_what_is_behind_it(made: Callable[[], DrillReport], open_page: Open) -> None:
    """Each tag and tile has WCAG 2.2's contrast of 4.5 to 1 in both colour schemes."""
    page = open_page(made())

    faint = page.evaluate(
        """() => {
            const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
            const light = (colour) => {
                const [r, g, b] = parts(colour).map((v) => v / 255)
                    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const behind = (element) => {
                for (let at = element; at; at = at.parentElement) {
                    const colour = getComputedStyle(at).backgroundColor;
                    if (colour !== "transparent" && parts(colour)[3] !== 0) return colour;
                }
                return "rgb(255, 255, 255)";
            };
            const texts = ".tag, .tiles b, .tiles small, .faint, .verdict strong, .summary b, td, a, dd";
            return [...document.querySelectorAll(texts)]
                .filter((element) => {
                    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
                    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
                }).map((element) => `${element.className} ${element.textContent}`);
        }"""
    )

    assert faint == []
