"""Make text of a template safe to print: a hostile template could send control sequences to the terminal."""

from typing import Final

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
