"""Text of a template on its way to a person: a template may be hostile, and a terminal obeys what it is sent."""


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
