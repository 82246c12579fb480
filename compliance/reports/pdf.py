"""Render index.pdf, the page as a browser prints it. Its bytes differ between runs, because a PDF has its date."""

from typing import Any

from compliance.engine.findings import Findings
from compliance.reports import page
from reporting.chromium import launched


def render(ledger: Findings, **compared: Any) -> bytes:  # noqa: ANN401 - the page's own argument
    """Return the PDF.

    Raises:
        NoBrowserError: No browser can be started; the message shows what to type.
    """
    with launched() as browser:
        sheet = browser.new_page(java_script_enabled=False)
        sheet.set_content(page.render(ledger, **compared))
        return sheet.pdf(print_background=True, prefer_css_page_size=True, outline=True, tagged=True)
