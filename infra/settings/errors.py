"""Errors of the settings, with everything that the user needs to correct them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LONGEST_VALUE_SHOWN: Final = 160
_DEEPEST_VALUE_SHOWN: Final = 6


@dataclass(frozen=True)
class Problem:
    """One error of the settings.

    Attributes:
        key: The setting's dotted key, as in `retention.logs_days`; empty for an error of the whole file.
        source: Origin of the value: a table of the file, the command line, or the built-in default.
        value: The value in the source, as TOML.
        wrong: Why the value is refused.
        allowed: The allowed values.
        type_this: The text to write instead, ready to paste.
    """

    key: str
    source: str
    value: str
    wrong: str
    allowed: str
    type_this: str

    def __str__(self) -> str:
        heading = f"{self.key} = {self.value}" if self.key else self.value
        return (
            f"{heading}\n"
            f"    where:     {self.source}\n"
            f"    wrong:     {self.wrong}\n"
            f"    allowed:   {self.allowed}\n"
            f"    type this: {_indented(self.type_this)}"
        )


class SettingsError(ValueError):
    """Raised with every problem of the settings.

    Attributes:
        problems: The problems, in the order of their keys; never empty.
    """

    def __init__(self, title: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"{number:>2}. {problem}" for number, problem in enumerate(problems, start=1))
        super().__init__(f"{title}: {count}\n{listed}")


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant, or None if no word is similar."""
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return near[0] if near else None


def shown(value: object, *, whole: bool = False) -> str:
    """Return a value as TOML on one line; a long one is shortened unless `whole`."""
    text = _toml(value, _DEEPEST_VALUE_SHOWN)
    if whole or len(text) <= _LONGEST_VALUE_SHOWN:
        return text
    return f"{text[:_LONGEST_VALUE_SHOWN]}… ({len(text)} characters)"


def shown_key(path: tuple[str | int, ...]) -> str:
    """Return a path of keys joined by dots, with quotes around the parts for which TOML needs them."""
    return ".".join(_bare_or_quoted(str(part)) for part in path)


def _toml(value: object, depth: int) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = _quoted(value)
        case int():
            text = _number(value)
        case list() | tuple() | dict() if depth == 0:
            text = "…"
        case list() | tuple():
            text = f"[{', '.join(_toml(item, depth - 1) for item in value)}]"
        case dict():
            pairs = (f"{_bare_or_quoted(str(key))} = {_toml(item, depth - 1)}" for key, item in value.items())
            text = f"{{{', '.join(pairs)}}}"
        case None:
            text = "(nothing)"
        case _:
            text = str(value)
    return text


def _number(value: int) -> str:
    # Python does not print an integer of more than 4,300 digits, and TOML can hold one in hexadecimal.
    longest_printable_in_bits = 10_000
    return str(value) if value.bit_length() < longest_printable_in_bits else "(a number of thousands of digits)"


def _quoted(text: str) -> str:
    escaped = (
        character if character.isprintable() else f"\\U{ord(character):08X}"
        for character in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{"".join(escaped)}"'


def _bare_or_quoted(part: str) -> str:
    bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
    return part if bare else _quoted(part)


def _indented(text: str) -> str:
    return text.replace("\n", "\n               ")
