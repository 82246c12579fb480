"""Rules of the user's own, in the folder that `compliance.toml` names: Python, Guard, Rego and CEL.

The file stands in the folder in which the gate is started, beside `environments.toml`:

    [rules]
    folder = "acme_rules"
    pack = "Acme"
"""

import importlib.util
import re
import sys
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

FILE: Final = Path("compliance.toml")
_SECTION: Final = "rules"
_KEYS: Final = {"folder", "pack"}
_PACK: Final = re.compile(r"[A-Z][A-Za-z0-9]{1,30}")
TAKEN: Final = frozenset(
    {"ActivePassive", "Assembly", "AwsSolutions", "CloudFormation", "Coverage", "Naming", "Serverless", "Tagging"}
    | {"Acknowledgements", "Template"}
)
"""Packs of the gate."""


class RuleError(Exception):
    """Raised when a rule's file is wrong. The message names the file, its line where one is known, and the error."""


@dataclass(frozen=True, slots=True)
class UserRules:
    """Where the user's rules are.

    Attributes:
        folder: Its `*.py`, `*.guard`, `*.rego` and `*.json` (CEL) are rules, except names that begin with `_`.
        pack: The first part of the rules' ids.
    """

    folder: Path
    pack: str

    def files(self, suffix: str) -> list[Path]:
        """Return the files with a suffix, by name."""
        return sorted(file for file in self.folder.glob(f"*{suffix}") if not file.name.startswith("_"))


@cache
def user_rules() -> UserRules | None:
    """Return where the user's rules are; None without `compliance.toml`.

    Raises:
        RuleError: The file is malformed, or names a folder that does not exist.
    """
    if not FILE.exists():
        return None
    try:
        read = tomllib.loads(FILE.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{FILE}: cannot be read: {error}") from error
    section = read.get(_SECTION)
    if set(read) != {_SECTION} or not isinstance(section, dict) or set(section) != _KEYS:
        raise RuleError(f"{FILE}: has the keys {', '.join(sorted(read)) or 'none'}; write [rules] with folder and pack")
    folder, pack = section["folder"], section["pack"]
    if not isinstance(pack, str) or not _PACK.fullmatch(pack) or pack in TAKEN:
        raise RuleError(f"{FILE}: pack is {pack!r}; write a name of your own that begins with a capital letter, as 'Acme'")
    if not isinstance(folder, str) or not Path(folder).is_dir():
        raise RuleError(f"{FILE}: folder is {folder!r}, which is no folder in {Path.cwd()}")
    return UserRules(Path(folder), pack)


def modules() -> Iterator[tuple[Path, ModuleType]]:
    """Import the Python files of the user's folder, and yield each with its module.

    Raises:
        RuleError: One cannot be imported.
    """
    found = user_rules()
    for file in found.files(".py") if found else ():
        name = f"_user_rules_{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise RuleError(f"{file}: is no Python file; name it like a module")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            # Whatever the error is, its author needs the file and the line.
            place = f"{file}:{error.lineno}" if isinstance(error, SyntaxError) else place_in(error) or str(file)
            raise RuleError(f"{place}: cannot be imported ({type(error).__name__}: {error})") from error
        yield file, module


def place_in(error: BaseException) -> str:
    """Return the last file and line of the user's code that an error passed; empty where it passed none."""
    found = user_rules()
    for frame in reversed(traceback.extract_tb(error.__traceback__) if found else []):
        file = Path(frame.filename).resolve()
        if found and file.is_relative_to(found.folder.resolve()):
            return f"{found.folder / file.relative_to(found.folder.resolve())}:{frame.lineno}"
    return ""
