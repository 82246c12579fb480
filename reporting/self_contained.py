"""Render a page as one HTML file that makes no request and that shows untrusted text safely."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reporting.text import printable

_PACKAGE: Final = Path(__file__).parent


class Page:
    """The page of a folder's `page.html`, with its `page.css` and, if it exists, `page.js` inlined.

    Args:
        folder: The folder of the three files. `page.html` may include `head.html` of this package, whose `base.css` comes
            before the page's own style.
        is_served: Whether a server serves the page, whose script may send requests to that server only.
        filters: Additional filters of the template, by name.
    """

    def __init__(self, folder: Path, *, is_served: bool = False, **filters: Callable[..., Any]) -> None:
        self._folder = folder
        self._is_served = is_served
        self._environment = Environment(
            autoescape=True,
            loader=FileSystemLoader([folder, _PACKAGE]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )
        self._environment.filters.update(filters)

    def render(self, **values: object) -> str:
        """Return the page as HTML text, the same bytes for the same values."""
        style = (_PACKAGE / "base.css").read_text("utf-8") + self._asset("page.css")
        script = self._asset("page.js")
        return self._environment.get_template("page.html").render(
            policy=_policy(style, script) + ("; connect-src 'self'" if self._is_served else ""),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            **values,
        )

    def _asset(self, name: str) -> str:
        file = self._folder / name
        return file.read_text("utf-8") if file.exists() else ""


def inert(data: Mapping[str, Any]) -> Markup:
    """Return JSON that cannot close the script element around it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing of HTML is left in it


def _policy(style: str, script: str) -> str:
    """Return the content security policy: no requests, only this style, and only this script or none."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; {scripts}base-uri 'none'"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """Return text without characters that HTML forbids or that change the direction of text."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
