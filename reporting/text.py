"""Text of a template on its way to a person: a template may be hostile, and a terminal obeys what it is sent."""

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
        # A mention or a reference to an issue would notify people or link to what is not meant.
        "@": "@\N{WORD JOINER}",
        "#": "#\N{WORD JOINER}",
    }
)


def printable(text: str) -> str:
    """The text with everything replaced that a terminal or an XML parser would take for more than text."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def one_line(text: str) -> str:
    """The printable text without line breaks and without spaces at its ends."""
    return " ".join(printable(text).split())


def markdown(text: str) -> str:
    """Text of one line that is neither markup nor the end of a cell of a table, and calls nobody."""
    return one_line(text).translate(_ESCAPED)


def counted(number: int, thing: str, of: str = "") -> str:
    """A number of things in words: `1 finding`, `2 findings`, `1 piece of advice`."""
    return " ".join(filter(None, (f"{number:,} {thing}{'' if number == 1 else 's'}", of)))
