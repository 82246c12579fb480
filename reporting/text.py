"""Text and JSON of reports: a hostile template could send control sequences to the terminal."""

import json
from typing import Any, Final

_ESCAPED: Final = str.maketrans(
    {
        "\\": "\\\\",
        "|": "\\|",
        "[": "\\[",
        "]": "\\]",
        "*": "\\*",
        "_": "\\_",
        "~": "\\~",
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
        "`": "'",
        # A mention would notify people; a reference would link to an unrelated issue.
        "@": "@\N{WORD JOINER}",
        "#": "#\N{WORD JOINER}",
    }
)


def printable(text: str) -> str:
    """Return the text with each character replaced that a terminal or an XML parser would interpret."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def one_line(text: str) -> str:
    """Return the printable text on one line, without spaces at its ends."""
    return " ".join(printable(text).split())


def markdown(text: str) -> str:
    """Return the text on one line for a cell of a Markdown table, without markup, mentions or references."""
    return one_line(text).translate(_ESCAPED)


def counted(number: int, thing: str, of: str = "") -> str:
    """Return a number and its noun: `1 finding`, `2 findings`, `1 piece of advice`."""
    return " ".join(filter(None, (f"{number:,} {thing}{'' if number == 1 else 's'}", of)))


_ENCODER = json.JSONEncoder(ensure_ascii=True, check_circular=False)


def dumps(value: Any, depth: int = 2) -> str:  # noqa: ANN401 - JSON
    """Return plain data as JSON text, the same bytes for the same data.

    Args:
        value: Dicts with string keys, lists, tuples, strings, numbers, booleans and None.
        depth: Number of levels whose entries have a line each. Python's `indent` does it for all levels, which takes
            ten times as long.
    """
    return _spread(value, depth, "\n") + "\n"


def _spread(value: Any, depth: int, line: str) -> str:  # noqa: ANN401 - JSON
    if depth == 0 or not value or not isinstance(value, dict | list | tuple):
        return _ENCODER.encode(value)
    inner = f"{line} "
    if isinstance(value, dict):
        entries = (f"{_ENCODER.encode(key)}: {_spread(child, depth - 1, inner)}" for key, child in value.items())
        return f"{{{inner}{f',{inner}'.join(entries)}{line}}}"
    return f"[{inner}{f',{inner}'.join(_spread(child, depth - 1, inner) for child in value)}{line}]"
