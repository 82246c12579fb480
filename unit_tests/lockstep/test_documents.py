"""Every command of `lockstep` and every nox session that a document or a message names exists, with its options."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.core import TyperGroup

from lockstep.commands import COMMANDS

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "CHANGELOG.md"})
_IN_PROCESS: Final = frozenset(name for name, entry in COMMANDS.items() if entry.is_of_app)
"""The others import what opens sockets; `test_command_line.py` loads them in a process of their own."""
_BENCH: Final = "bench"
_PROGRAMS: Final = {
    "operate": "",
    "upload": "",
    "compliance": "gate",
    "local_cloud": "local",
    **{name: name for name in ("drift", "drill", "e2e", "simulate", _BENCH)},
}
"""The command of `lockstep` that a nox session runs; nothing where the session's first argument names it."""


def typed(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of `lockstep` in a document's boxes and code spans; `nox -s drill -- ...` is one."""
    named = "|".join(_PROGRAMS)
    text = re.sub(rf"(?:python -m )?nox -s ({named}) -- ", lambda found: f"lockstep {_PROGRAMS[found[1]]} ", text)
    for line in re.findall(r"^\$? ?(lockstep .*)$", text, re.MULTILINE) + re.findall(r"`(lockstep [^`]*)`", text):
        for command in re.split(r" && | > | \| |; ", line):
            words = shlex.split(command, comments=True)
            if words[:1] == ["lockstep"] and len(words) > 1:
                yield words[1:]


def _all() -> list[tuple[str, str]]:
    return [
        (file.name, shlex.join(words))
        for file in DOCUMENTS
        for words in typed(file.read_text("utf-8"))
        if words[0] != "COMMAND"
    ]


def understand(command: str) -> None:
    """Parse a command as `lockstep` does, without running it.

    Raises:
        UsageError: It is not a command, or has no such option.
        KeyError: Likewise.
    """
    name, *rest = [word for word in shlex.split(command) if word != "--help"] or ["--help"]
    if name.startswith("--"):
        assert [name, *rest] in [["--help"], ["--version"], ["--install-completion"], ["--show-completion"]]
        return
    group = _benchmarks() if name == _BENCH else COMMANDS[name].load()
    left = [name, *rest] if name in COMMANDS and COMMANDS[name].is_of_app else rest
    parent = None
    while left:
        parent = group.make_context(name, left, parent=parent)
        left = [*parent._protected_args, *parent.args]  # noqa: SLF001 - typer has no other name for them
        if not isinstance(group, TyperGroup) or not left:
            return
        _, group, left = group.resolve_command(parent, left)
    # The text names a command, and its arguments elsewhere.


def _benchmarks() -> Any:  # noqa: ANN401 - typer's own command
    from benchmarks.__main__ import app  # noqa: PLC0415 - it opens sockets

    return typer.main.get_command(app)


def paths() -> list[str]:
    """Return each command of `lockstep` and of the benchmarks, with the commands of each: `drill`, `drill export`."""
    loaded = {name: entry.load() for name, entry in COMMANDS.items()}
    whole = {name: one.commands[name] if COMMANDS[name].is_of_app else one for name, one in loaded.items()}
    whole[_BENCH] = _benchmarks()
    return [path for name, one in whole.items() for path in (name, *(f"{name} {of}" for of in getattr(one, "commands", ())))]


@cache
def _paths() -> frozenset[str]:
    """Return what `paths` returns in a process of its own, which has understood the commands of `others`."""
    code = (
        "from unit_tests.lockstep.test_documents import *; [understand(one) for one in others()]; print(*paths(), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return frozenset(done.stdout.splitlines())


def _sessions() -> dict[str, str]:
    """Return the names of the nox sessions, with the arguments of `@nox.session`."""
    found = re.findall(r"^@nox\.session\((.*)\)\ndef (\w+)", (ROOT / "noxfile.py").read_text("utf-8"), re.MULTILINE)
    return {name: arguments for arguments, name in found}


def _first_column(heading: str) -> list[str]:
    """Return the code spans in the first column of the tables under a heading of README.md."""
    section = (ROOT / "README.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]


def test_readme_lists_every_command_and_each_of_its_commands() -> None:
    typed_so = [re.sub(r"^lockstep ", "", span) for span in _first_column("The command")]
    listed = {found[0] for span in typed_so if (found := re.match(r"[a-z0-9]+(?: [a-z]+)?(?= |$)", span))}
    assert listed == {path for path in _paths() if _BENCH not in path}


def test_readme_lists_every_session_and_every_benchmark() -> None:
    spans = _first_column("The sessions")
    listed = {name for span in spans for name in re.findall(r"^nox -s (\w+)", span)}
    readme = (ROOT / "README.md").read_text("utf-8")
    default = re.findall(r"^\| `nox` \| [^|]*in this order: ([a-z, ]+);", readme, re.MULTILINE)[0].split(", ")
    sessions = _sessions()
    assert default == [name for name, of_nox in sessions.items() if "default=False" not in of_nox]
    assert listed | {*default} == sessions.keys()
    benchmarks = {f"{_BENCH} {name}" for span in spans for name in re.findall(r"^nox -s bench -- ([\w-]+)", span)}
    assert benchmarks == {path for path in _paths() if f"{_BENCH} " in path}


@pytest.mark.parametrize("command", sorted({one for _, one in _all() if one.split()[0] in {*_IN_PROCESS, "--help"}}))
def test_command_of_a_document_is_understood(command: str) -> None:
    understand(command)


def others() -> list[str]:
    """Return the commands of the documents that `_paths` understands in a process of its own."""
    return sorted({one for _, one in _all() if one.split()[0] not in _IN_PROCESS})


def test_commands_that_load_the_whole_project_are_understood() -> None:
    assert len(others()) >= 5
    assert _paths()


def _tracked(*names: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *names], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).is_file()]


def test_messages_name_commands_that_exist() -> None:
    found = {
        (str(file.relative_to(ROOT)), name)
        for file in _tracked("*.py", "*.toml", "*.yml")
        for name in re.findall(r"(?:`|: |type )lockstep ([a-z][a-z0-9_]*)", file.read_text("utf-8"))
    }
    assert len(found) >= 10
    assert {one for one in found if one[1] not in COMMANDS} == set()


def test_documents_and_messages_name_nox_sessions_that_exist() -> None:
    found = {
        (str(file.relative_to(ROOT)), name)
        for file in (*DOCUMENTS, *_tracked("*.py", "*.toml", "*.yml"))
        for name in re.findall(r"\bnox -s ([a-z]\w*)", file.read_text("utf-8"))
    }
    assert {one for one in found if one[1] not in _sessions()} == set()


def test_operators_and_senders_are_shown_one_form() -> None:
    others = r"nox -s (?:operate|upload) --|python -m (?:operations|client) [a-z]"
    allowed = {"README.md", "CHANGELOG.md", "noxfile.py", "unit_tests/lockstep/test_documents.py"}
    found = {
        str(file.relative_to(ROOT)) for file in (*DOCUMENTS, *_tracked("*.py")) if re.search(others, file.read_text("utf-8"))
    }
    assert found <= allowed
