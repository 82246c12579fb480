"""A page in one file: it makes no request, and text from anywhere is safe in it."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup


def policy(style: str, script: str = "") -> str:
    """Return the content security policy: no request to anywhere, this style, and this script or none."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; {scripts}base-uri 'none'"


def inert(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing of HTML is left in it


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
