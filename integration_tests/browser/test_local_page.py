"""Test the local cloud's page in a real browser, and its server as a hostile page and another user meet it.

The platform behind it is invented, so that each state of the regions can be shown; integration_tests/e2e presses the buttons
of a deployed one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from integration_tests.browser.accessibility import violations
from integration_tests.browser.injection import directive_that_stops_markup
from local_cloud import LocalCloudError
from local_cloud.fault_injector import FaultInjector
from local_cloud.server_process import TOKEN_HEADER
from local_cloud.testbed.commands import Commands
from local_cloud.web_page import PageServer, server
from operations import status_table
from operations.errors import RunFailure
from operations.heartbeats import Heartbeat
from operations.status import RegionStatus
from operations.target import Mode, Target

EAST, WEST = "us-east-1", "us-west-2"
HOSTILE = "</script><script>pwned()</script><img src=x onerror=pwned()>\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\x1b[2J"
TARGET = Target(
    mode=Mode.LOCAL,
    account="000000000000",
    environment="prod",
    primary=EAST,
    secondary=WEST,
    control=WEST,
    run_id="test",
    endpoint_url="http://127.0.0.1:9",
)


def answering(region: str, **changes: Any) -> RegionStatus:  # noqa: ANN401 - of any attribute
    """Return the status of a region that works."""
    beats = {region: Heartbeat(at=time.time() - 20, api_url="", numbers={"canary_seconds": 2.0})}
    known: dict[str, Any] = {"claims": {EAST: 1, WEST: 0}, "ready": True, "waiting": 3, "dead": 0, "ringing": []}
    return RegionStatus(region, **{**known, "heartbeats": beats, **changes})


class InventedPlatform:
    """Returns what a test sets, and notes the faults that are switched."""

    def __init__(self) -> None:
        self.found = [answering(EAST), answering(WEST)]
        self.active: dict[str, list[str]] = {}
        self.files: list[dict[str, Any]] = []
        self.refusal = ""

    def state(self) -> dict[str, Any]:
        shown = status_table.as_dict(TARGET, self.found, now=time.time())
        for region in shown["regions"]:
            region["silent_seconds"] = 7
        return {**shown, "faults": self.active, "cloud_silent_seconds": 0, "files": self.files}

    def control(self, command: str, **_: object) -> dict[str, Any]:
        """Take the place of the local cloud's control surface."""
        if self.refusal:
            raise LocalCloudError(self.refusal)
        region, action = command.split("/")[1:3]
        self.active = {"blackout": [region] if action == "down" else []}
        self.found[1] = RegionStatus(WEST) if action == "down" else answering(WEST)
        return {}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> InventedPlatform:
    """The platform behind the page."""
    invented = InventedPlatform()
    monkeypatch.setattr(server, "Platform", lambda *_: invented)
    monkeypatch.setattr(FaultInjector, "_control", lambda _, command, **named: invented.control(command, **named))
    return invented


@pytest.fixture
def served(platform: InventedPlatform, tmp_path: Path) -> Iterator[PageServer]:
    """The server of the page, with one report."""
    assert platform
    (tmp_path / "reports" / "compliance").mkdir(parents=True)
    (tmp_path / "reports" / "compliance" / "index.html").write_text("<!doctype html><title>The report</title>")
    (tmp_path / "reports" / "compliance" / "ledger.json").write_text("{}")
    TARGET.save(tmp_path / "target.json")
    with PageServer(TARGET, tmp_path / "target.json", reports=tmp_path / "reports") as page:
        yield page


Open = Callable[[str], Page]


@pytest.fixture(params=["light", "dark"])
def open_url(browser: Browser, request: pytest.FixtureRequest, served: PageServer) -> Iterator[Open]:
    """Open an address; afterwards check that no script failed, and that nothing but this server was asked.

    The server ends after the pages, because they ask it for the state all the time.
    """
    assert served
    context = browser.new_context(color_scheme=request.param, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    errors: list[str] = []
    requests: list[str] = []

    def opened(url: str) -> Page:
        page = context.new_page()
        page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda asked: requests.append(asked.url))
        page.goto(url)
        return page

    yield opened
    context.close()
    assert errors == []
    assert {url.split("/")[2] for url in requests if url != "data:,"} == {requests[0].split("/")[2]}


@contextlib.contextmanager
def serving_an_empty_page() -> Iterator[int]:
    """Serve an empty page as of another site, and return its port."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_address[1]
        site.shutdown()


def secret_of(page: PageServer) -> str:
    return page.url.partition("#")[2]


def ask(page: PageServer, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Send a request with exactly these headers and the right Host, unless they name another one."""
    connection = http.client.HTTPConnection(page.origin.removeprefix("http://"), timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


_ATTACK = """
async (origin) => {
  const command = `${origin}/fault/blackout/us-west-2/on`, outcome = [];
  const loaded = (element) => new Promise((done) => {
    element.onload = () => done(`${element.tagName} loaded`);
    element.onerror = () => done("failed");
    document.body.append(element);
  });
  for (const options of [{ mode: "no-cors" }, {}, { headers: { "X-Local-Cloud-Token": "guess" } }]) {
    outcome.push(await fetch(command, { method: "POST", ...options }).then((answer) => answer.type, () => "failed"));
  }
  outcome.push(await fetch(`${origin}/state`).then((answer) => answer.text(), () => "failed"));
  outcome.push(await loaded(Object.assign(document.createElement("script"), { src: `${origin}/state` })));
  navigator.sendBeacon(command);
  const form = Object.assign(document.createElement("form"), { method: "POST", action: command, target: "frame" });
  document.body.append(Object.assign(document.createElement("iframe"), { name: "frame" }), form);
  const answered = new Promise((done) => { document.querySelector("iframe").onload = done; });
  form.submit();
  await answered;
  return outcome;
}
"""


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_hostile_page_in_the_same_browser_changes_and_reads_nothing(
    name: str, browser: Browser, served: PageServer, platform: InventedPlatform
) -> None:
    with browser.new_context() as context, serving_an_empty_page() as port:
        victim, hostile = context.new_page(), context.new_page()
        victim.goto(served.url)
        expect(victim.locator("#verdict strong")).to_contain_text("HEALTHY")
        hostile.goto(f"http://{name}:{port}")

        assert hostile.evaluate(_ATTACK, served.origin) == ["failed"] * 5
        assert platform.active == {}


FOREIGN = {
    "form of another site": {"Origin": "https://evil.example"},
    "sandboxed frame": {"Origin": "null"},
    "page of another port": {"Origin": "http://127.0.0.1:8000", "Sec_Fetch_Site": "same-site"},
    "page of localhost": {"Origin": "http://localhost:{port}"},
    "image of another site": {"Sec_Fetch_Site": "cross-site"},
    "two values": {"Sec_Fetch_Site": "same-origin, cross-site"},
    "rebound name": {"Host": "evil.example:{port}"},
    "name of this machine": {"Host": "localhost:{port}"},
    "no port": {"Host": "127.0.0.1"},
    "another spelling": {"Host": "2130706433:{port}"},
}


@pytest.mark.parametrize("path", ["/", "/state", "/fault/blackout/us-west-2/on"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_request_of_another_page_is_refused_with_the_secret(
    kind: str, path: str, served: PageServer, platform: InventedPlatform
) -> None:
    port = served.origin.rpartition(":")[2]
    headers = {name: value.format(port=port) for name, value in FOREIGN[kind].items()}
    method = "POST" if path.startswith("/fault") else "GET"

    status, _ = ask(served, method, path, **headers, **{TOKEN_HEADER: secret_of(served)})

    assert (status, platform.active) == (403, {})


@pytest.mark.parametrize("secret", ["", "x", "Bearer", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/state"), ("POST", "/fault/blackout/us-west-2/on"), ("POST", "/failback")]
)
def test_request_without_the_secret_is_refused(
    method: str, path: str, secret: str, served: PageServer, platform: InventedPlatform
) -> None:
    status, text = ask(served, method, path, **{TOKEN_HEADER: secret})
    assert (status, platform.active) == (403, {})
    assert secret_of(served) not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/elsewhere", 404),
        ("GET", "/reports/x/compliance/index.html", 404),
        ("POST", "/", 404),
        ("POST", "/fault/unknown/us-west-2/on", 404),
        ("POST", "/fault/blackout/eu-west-1/on", 404),
        ("POST", "/fault/blackout/us-west-2/maybe", 404),
        ("POST", "/promote/--account", 404),
        ("OPTIONS", "/state", 501),
        ("DELETE", "/state", 501),
    ],
)
def test_unknown_path_or_method_does_nothing(
    method: str, path: str, status: int, served: PageServer, platform: InventedPlatform
) -> None:
    assert ask(served, method, path, **{TOKEN_HEADER: secret_of(served)})[0] == status
    assert platform.active == {}


def test_only_listed_reports_are_served_by_a_key_of_their_own(served: PageServer) -> None:
    _, state = ask(served, "GET", "/state", **{TOKEN_HEADER: secret_of(served)})
    (report,) = json.loads(state)["reports"]
    folder = report["path"].removesuffix("compliance/index.html")

    assert report["name"] == "compliance/index.html"
    assert secret_of(served) not in report["path"]
    assert "The report" in ask(served, "GET", report["path"])[1]
    for other in ("compliance/ledger.json", "../target.json", "%2e%2e/target.json", "/etc/passwd", "compliance/"):
        assert ask(served, "GET", folder + other)[0] == 404, other
    assert ask(served, "GET", report["path"], Sec_Fetch_Site="cross-site")[0] == 403


def test_page_shows_both_regions_and_their_next_step(open_url: Open, served: PageServer, platform: InventedPlatform) -> None:
    platform.found = [answering(EAST, ready=False, ringing=["serverless-canary-failed-prod"]), answering(WEST, waiting=41)]
    page = open_url(served.url)

    expect(page.locator("#verdict strong")).to_have_text("us-east-1 IS ACTIVE AND FAILS: is not ready. us-west-2 is ready.")
    expect(page.locator("#verdict")).to_contain_text("lockstep promote us-west-2 --local")
    east, west = page.get_by_role("region", name=EAST), page.get_by_role("region", name=WEST)
    expect(east.locator(".tag")).to_have_text("active")
    expect(east).to_contain_text("serverless-canary-failed-prod")
    expect(west.locator("dl")).to_contain_text("ingest queue41 messages")
    expect(page).to_have_url(f"{served.origin}/")
    page.reload()
    expect(east.locator(".tag")).to_have_text("active")


def test_fault_is_set_and_cleared_by_keyboard(open_url: Open, served: PageServer) -> None:
    page = open_url(served.url)
    west = page.get_by_role("region", name=WEST)
    button = west.get_by_role("button", name="blackout")
    expect(button).to_be_enabled()

    button.focus()
    page.keyboard.press("Enter")

    expect(button).to_have_attribute("aria-pressed", "true")
    expect(west.locator(".marks")).to_have_text("blackout, no answer for 7 s")
    expect(page.locator("#outcome pre")).to_have_text("set blackout us-west-2: done. ")
    expect(button).to_be_focused()
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(west.locator(".marks")).to_have_text("")


def test_destruction_needs_a_confirmation_and_a_refusal_is_shown(
    open_url: Open, served: PageServer, platform: InventedPlatform
) -> None:
    platform.refusal = "us-west-2 is destroyed and does not come back; start another local cloud."
    page = open_url(served.url)
    button = page.get_by_role("region", name=WEST).get_by_role("button", name="destroy")

    page.once("dialog", lambda dialog: dialog.dismiss())
    button.click()
    expect(page.locator("#outcome")).to_be_hidden()
    page.once("dialog", lambda dialog: dialog.accept())
    button.click()

    expect(page.locator("#outcome pre")).to_contain_text("refused. us-west-2 is destroyed")


def test_failback_waits_as_in_a_terminal_and_shows_its_output(
    open_url: Open, served: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[str] = []
    ends = threading.Event()

    def run_logged(_: Commands, command: Sequence[str], *, log: Path, **__: object) -> None:
        typed.extend(command)
        log.write_text("Waiting: for its heartbeat", "utf-8")
        assert ends.wait(60)
        raise RunFailure("lockstep failback ended with status 2.")

    monkeypatch.setattr(Commands, "run_logged", run_logged)
    page = open_url(served.url)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Fail back").click()
    expect(page.locator("#outcome pre")).to_have_text("lockstep failback: runs. Waiting: for its heartbeat")
    assert typed[-2:] == ["failback", "--yes"]
    page.get_by_role("button", name=f"Promote {WEST}").click()
    expect(page.locator("#outcome pre")).to_contain_text("refused. lockstep failback still runs")
    ends.set()
    expect(page.locator("#outcome pre")).to_have_text("lockstep failback: refused. Waiting: for its heartbeat")


def test_hostile_text_is_shown_and_does_nothing(open_url: Open, served: PageServer, platform: InventedPlatform) -> None:
    states = {EAST: f"quarantined: {HOSTILE}", WEST: HOSTILE}
    platform.files = [{"key": HOSTILE, "stored_at": HOSTILE, "states": states}]
    platform.found = [answering(EAST, ringing=[HOSTILE], problems=[HOSTILE]), answering(WEST)]
    page = open_url(served.url)

    expect(page.locator("tbody th")).to_contain_text("<script>pwned()</script>")
    expect(page.locator("#conclusions")).to_contain_text("<img src=x")
    assert page.locator("main script, main img").count() == 0


def test_page_names_an_ended_cloud_and_a_missing_secret(browser: Browser, served: PageServer) -> None:
    with browser.new_context() as context:
        page, stranger = context.new_page(), context.new_page()
        stranger.goto(f"{served.origin}/")
        expect(stranger.get_by_role("alert")).to_contain_text("This page has no secret.")
        page.goto(served.url)
        expect(page.locator("#verdict strong")).to_contain_text("HEALTHY")

        served.__exit__()

        expect(page.get_by_role("alert")).to_contain_text("The local cloud has ended: no answer since")
        expect(page.get_by_role("alert")).to_contain_text("lockstep local --deploy")
        expect(page.get_by_role("button").first).to_be_disabled()


def test_report_opens_in_an_origin_of_its_own(browser: Browser, served: PageServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(served.url)
        with context.expect_page() as opened:
            page.get_by_role("link", name="compliance/index.html").click()
        expect(opened.value).to_have_title("The report")
        assert opened.value.evaluate("self.origin") == "null"


def test_even_injected_markup_could_not_run(browser: Browser, served: PageServer) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(served.url)
        assert directive_that_stops_markup(page) == "script-src-attr"


@pytest.mark.parametrize("width", [1400, 390])
def test_page_fits_and_axe_finds_nothing(width: int, open_url: Open, served: PageServer, platform: InventedPlatform) -> None:
    platform.active = {"blackout": [WEST], "partition": [EAST, WEST]}
    long = "incoming/uploads/billing/2026-11/" + "0123456789abcdef" * 4 + "/january.csv"
    platform.files = [{"key": long, "stored_at": "2026-11-30 07:00:00", "states": {EAST: "waiting", WEST: "waiting"}}]
    platform.found[1] = RegionStatus(WEST, problems=["the table: it did not answer"])
    page = open_url(served.url)
    page.set_viewport_size({"width": width, "height": 900})
    expect(page.locator(".marks").last).to_contain_text("blackout")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
