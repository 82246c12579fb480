"""Sources of the settings, each overriding the one before: `[defaults]`, the environment's table, the command line."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.settings.errors import Problem, SettingsError, closest, shown, shown_key

DEFAULTS: Final = "defaults"
ENVIRONMENTS: Final = "environments"

# Settings are three tables deep; deeper nesting is always wrong and is not read.
_DEEPEST: Final = 4

KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A source of settings.

    Attributes:
        label: Its name in errors.
        table: The path of the TOML table; None for the command line.
    """

    label: str
    table: KeyPath | None

    def line(self, key: KeyPath, value: object) -> str:
        """Return the text to type in this source to set a value."""
        if self.table is None:
            return self._arguments(key, value)
        return f"{shown_key(key[-1:])} = {shown(value, whole=True)}  # under [{shown_key((*self.table, *key[:-1]))}]"

    def without(self, key: KeyPath) -> str:
        """Return the instruction that removes a setting from this source."""
        if self.table is None:
            return f"the command without -c {shown_key(key)}"
        return f"nothing: remove {shown_key(key)} from [{shown_key(self.table)}]"

    def _arguments(self, key: KeyPath, value: object) -> str:
        match value:
            case dict():
                return " ".join(self._arguments((*key, part), below) for part, below in value.items())
            case list() | tuple():
                return f"-c {shown_key(key)}={shlex.quote(','.join(map(str, value)))}"
            case bool():
                return f"-c {shown_key(key)}={shown(value)}"
        return f"-c {shown_key(key)}={shlex.quote(str(value))}"


@dataclass
class Layered:
    """Settings from several sources; a later source overrides an earlier one key by key.

    Attributes:
        values: The merged tables.
        sources: The last source that set each key, tables included.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[KeyPath, Source] = field(default_factory=dict)

    def lay(self, over: Mapping[str, object], source: Source) -> None:
        """Apply another source, which overrides the earlier ones."""
        self._merge(self.values, over, source, ())

    def _merge(self, values: dict[str, Any], over: Mapping[str, object], source: Source, at: KeyPath) -> None:
        for key, value in over.items():
            path = (*at, key)
            self.sources[path] = source
            if not isinstance(value, Mapping) or len(path) >= _DEEPEST:
                values[key] = value
                self._forget_below(path)
                continue
            below = values.get(key)
            values[key] = dict(below) if isinstance(below, dict) else {}
            self._merge(values[key], value, source, path)

    def _forget_below(self, path: KeyPath) -> None:
        for hidden in [each for each in self.sources if len(each) > len(path) and each[: len(path)] == path]:
            del self.sources[hidden]


@dataclass(frozen=True)
class SettingsFile:
    """The tables of the settings file, not yet validated.

    Attributes:
        path: The file.
        defaults: The table `[defaults]`.
        environments: The tables `[environments.<name>]`, by name.
        problems: Unknown tables, and values in place of tables.
    """

    path: Path
    defaults: dict[str, object]
    environments: dict[str, dict[str, object]]
    problems: tuple[Problem, ...]

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """Read the file.

        Raises:
            SettingsError: The file is missing, unreadable, not UTF-8 or not TOML.
        """
        document = _parsed(path, _text(path))
        problems = [_unknown_table(path, key, value) for key, value in document.items() if key not in _OUTLINE]
        defaults = _table(path, (DEFAULTS,), document.get(DEFAULTS, {}), problems)
        environments = {
            name: _table(path, (ENVIRONMENTS, name), table, problems)
            for name, table in _table(path, (ENVIRONMENTS,), document.get(ENVIRONMENTS, {}), problems).items()
        }
        return cls(path, defaults, environments, tuple(problems))

    def source(self, *table: str) -> Source:
        """Return a table of this file as a source."""
        return Source(f"{self.path}, [{shown_key(table)}]", table)


_OUTLINE: Final = (DEFAULTS, ENVIRONMENTS)


def _text(path: Path) -> str:
    try:
        # Some editors write a byte order mark first, which TOML does not allow.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        wrong, value = "the file does not exist", "(no file)"
        instead = "the command again, in the repository's root; or write the file, at least:\n[environments.prod]"
    except UnicodeDecodeError as error:
        wrong, value = f"the byte at offset {error.start} is not UTF-8", shown(error.object[error.start : error.end])
        instead = "the file again, saved as UTF-8 by your editor"
    except (OSError, ValueError) as error:
        # Python raises ValueError for a path that no file can have, such as one with a null byte.
        wrong, value = f"it cannot be read: {error}", "(unreadable)"
        instead = f"chmod u+r {path}  # when it is a file"
    raise _unusable(path, value, wrong, instead)


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _unusable(path, "(lists within lists)", "it nests too deeply to be read", "flatter values") from None
    except tomllib.TOMLDecodeError as error:
        line = _line_at_fault(text, str(error))
        raise _unusable(path, line.strip() or "(an empty line)", f"not TOML: {error}", _corrected(line)) from None
    except ValueError:
        # Python does not parse an integer of more than 4,300 digits, so no validator can report it as too large.
        raise _unusable(path, "(a number of thousands of digits)", "it is too large for any setting", "key = 30") from None


def _line_at_fault(text: str, message: str) -> str:
    if found := re.search(r"at line (\d+)", message):
        return text.split("\n")[int(found[1]) - 1]
    return next((line for line in reversed(text.split("\n")) if line.strip()), "")


def _corrected(line: str) -> str:
    # The most common mistakes: text, or an account that begins with a zero, without quotes.
    if not _is_toml(line) and (found := re.fullmatch(r"\s*([A-Za-z0-9_.-]+)\s*=\s*([^\s\"'\[{#][^\"#]*?)\s*(#.*)?", line)):
        return f"{found[1]} = {shown(found[2], whole=True)}"
    return 'key = "text", key = 30, key = true or key = ["a", "list"], each on one line, under a [table]'


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except ValueError:
        return False
    return True


def _unusable(path: Path, value: str, wrong: str, instead: str) -> SettingsError:
    allowed = "a TOML 1.0 file in UTF-8 with a table [defaults] and a table [environments.<name>] for each environment"
    return SettingsError(str(path), (Problem("", str(path), value, wrong, allowed, instead),))


def _unknown_table(path: Path, key: str, value: object) -> Problem:
    near = closest(key, _OUTLINE)
    return Problem(
        key=shown_key((key,)),
        source=str(path),
        value=shown(value),
        wrong="the table is unknown" + (f"; did you mean {near}?" if near else ""),
        allowed="[defaults] and [environments.<name>]; each setting is in one of these",
        type_this=f"[{near}]" if near else f"{shown_key((key,))} under [defaults] or [environments.<name>]",
    )


def _table(path: Path, at: KeyPath, value: object, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    key = shown_key(at)
    problems.append(
        Problem(key, str(path), shown(value), "this is a value, and a table is needed", f"a table [{key}]", f"[{key}]")
    )
    return {}
