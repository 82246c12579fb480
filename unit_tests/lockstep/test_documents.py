"""Every command of `lockstep` and every nox session that a document or a message names exists, with its options."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.core import TyperGroup

from lockstep.commands import COMMANDS

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "CHANGELOG.md"})
_IN_PROCESS: Final = frozenset(name for name, entry in COMMANDS.items() if entry.is_of_app)
"""The others import what opens sockets; `test_command_line.py` loads them in a process of their own."""


def typed(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of `lockstep` in a document's boxes and code spans."""
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


@pytest.mark.parametrize(("file", "command"), sorted(set(_all())))
def test_command_of_a_document_is_understood(file: str, command: str) -> None:
    name, *rest = [word for word in shlex.split(command) if word != "--help"] or ["--help"]
    if name.startswith("--"):
        assert (name, rest) in ((n, []) for n in ("--help", "--version", "--install-completion", "--show-completion"))
        return
    assert name in COMMANDS, file
    if name not in _IN_PROCESS:
        return
    group = COMMANDS[name].load()
    context = group.make_context("lockstep", [name, *rest])
    left = [*context._protected_args, *context.args]  # noqa: SLF001 - typer has no other name for them
    while isinstance(group, TyperGroup):
        _, group, left = group.resolve_command(context, left)
        if isinstance(group, TyperGroup) and not left:
            return  # the text names the group
        if not left and rest == []:
            return  # the text names the command, and its arguments elsewhere
        context = group.make_context(name, left, parent=context)
        left = [*context._protected_args, *context.args]  # noqa: SLF001


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
    sessions = set(re.findall(r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text("utf-8"), re.MULTILINE))
    found = {
        (str(file.relative_to(ROOT)), name)
        for file in (*DOCUMENTS, *_tracked("*.py", "*.toml", "*.yml"))
        for name in re.findall(r"\bnox -s ([a-z]\w*)", file.read_text("utf-8"))
    }
    assert {one for one in found if one[1] not in sessions} == set()


def test_operators_and_senders_are_shown_one_form() -> None:
    others = r"nox -s (?:operate|upload) --|python -m (?:operations|client) [a-z]"
    allowed = {"README.md", "CHANGELOG.md", "noxfile.py", "unit_tests/lockstep/test_documents.py"}
    found = {
        str(file.relative_to(ROOT)) for file in (*DOCUMENTS, *_tracked("*.py")) if re.search(others, file.read_text("utf-8"))
    }
    assert found <= allowed
