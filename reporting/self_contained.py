"""A page in one file: it makes no request, and text from anywhere is safe in it."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reporting.text import printable


class Page:
    """The `page.html` of a folder, with the folder's `page.css` and `page.js` (if it has one) in it.

    Args:
        folder: Where the three files are; `page.html` may include this room's `head.html`.
        filters: More filters for the template, by name.
    """

    def __init__(self, folder: Path, **filters: Callable[..., Any]) -> None:
        self._folder = folder
        self._environment = Environment(
            autoescape=True,
            loader=FileSystemLoader([folder, Path(__file__).parent]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )
        self._environment.filters.update(filters)

    def render(self, **values: object) -> str:
        """Return the page as HTML text, the same bytes for the same values."""
        style, script = self._asset("page.css"), self._asset("page.js")
        return self._environment.get_template("page.html").render(
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            **values,
        )

    def _asset(self, name: str) -> str:
        file = self._folder / name
        return file.read_text("utf-8") if file.exists() else ""


def inert(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing of HTML is left in it


def _policy(style: str, script: str) -> str:
    """Return the content security policy: no request to anywhere, this style, and this script or none."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; {scripts}base-uri 'none'"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """Return text without the characters that HTML forbids or that turn the direction of what follows."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
