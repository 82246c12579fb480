"""Inject markup into a page, to see that its content security policy stops it."""

from playwright.sync_api import Page


def directive_that_stops_markup(page: Page) -> str:
    """Return the directive of the page's policy that an injected event handler violates."""
    violated: str = page.evaluate(
        """() => {
            const violation = new Promise((done) => document.addEventListener(
                "securitypolicyviolation", (event) => done(event.violatedDirective)));
            document.body.insertAdjacentHTML("beforeend", '<img src="data:,x" onerror="document.title=1">');
            return violation;
        }"""
    )
    return violated
