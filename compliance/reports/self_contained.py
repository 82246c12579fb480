"""What a page of one file needs that asks no network for anything, and may hold text from anywhere."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup


def policy(style: str, script: str) -> str:
    """The content security policy: no request to anywhere, and no script or style but these two."""
    return f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'"


def inert(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the element that it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing of HTML is left in it


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
