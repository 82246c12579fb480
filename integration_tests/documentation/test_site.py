"""Test each page of the built site: its links lead to pages, its diagrams are drawn, and it requests no other host."""

import threading
from collections.abc import Iterator
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

SITE: Final = Path(__file__).parents[2] / ".build" / "docs"
PAGES: Final = sorted(str(file.relative_to(SITE)) for file in SITE.rglob("*.html"))
_SECONDS: Final = 60


class _Elements(HTMLParser):
    """The ids of a page, its links, and the addresses that a browser loads with it."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value is not None}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.loaded += [found["src"]] if "src" in found else []
        self.loaded += [found["href"]] if tag == "link" and "href" in found else []


@cache
def _elements(page: Path) -> _Elements:
    parser = _Elements()
    parser.feed(page.read_text("utf-8"))
    return parser


def _is_missing(page: Path, link: str) -> bool:
    address = urlsplit(link)
    path = unquote(address.path)
    # 404.html is served for any address, so its links begin with the site's root.
    target = SITE / path.lstrip("/") if path.startswith("/") else page.parent / path
    target = target / "index.html" if path and target.is_dir() else target
    target = target if path else page
    if not target.is_file():
        return True
    return bool(address.fragment) and target.suffix == ".html" and unquote(address.fragment) not in _elements(target).ids


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server of the site on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(_SECONDS * 1000)
    yield context.new_page()
    context.close()


def test_site_has_a_page_for_each_file_of_docs() -> None:
    docs = SITE.parents[1] / "docs"
    written = {str(file.relative_to(docs).with_suffix(".html")) for file in docs.rglob("*.md")}
    assert set(PAGES) == {*written, "404.html"}


@pytest.mark.parametrize("name", PAGES)
def test_page_links_lead_to_pages_and_anchors_that_exist(name: str) -> None:
    local = [link for link in _elements(SITE / name).links if not urlsplit(link).scheme]
    assert local
    assert [link for link in local if _is_missing(SITE / name, link)] == []


@pytest.mark.parametrize("name", PAGES)
def test_page_loads_only_files_of_the_site(name: str) -> None:
    loaded = _elements(SITE / name).loaded
    assert loaded
    assert [link for link in loaded if urlsplit(link).netloc or _is_missing(SITE / name, link)] == []


@pytest.mark.parametrize("name", PAGES)
def test_page_opened_in_a_browser_asks_no_other_host(name: str, address: str, page: Page) -> None:
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}/{name}", wait_until="networkidle")
    # The theme replaces each source text by a drawing in a closed shadow tree.
    page.wait_for_function("document.querySelectorAll('pre.mermaid').length === 0")
    assert errors == []
    assert [url for url in asked if not url.startswith((f"{address}/", "data:", "blob:"))] == []


def test_search_for_a_word_of_a_page_finds_the_page(address: str, page: Page) -> None:
    page.goto(f"{address}/index.html", wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("quarantined")
    page.get_by_text("Stored data").last.wait_for()
