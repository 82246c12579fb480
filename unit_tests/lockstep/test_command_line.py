"""`lockstep`: its list of commands, options in any position, and what runs without a checkout."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner

import lockstep.__main__ as command_line
from lockstep.commands import COMMANDS, FLAGS
from lockstep.version import version
from operations import checkout

ROOT = Path(__file__).parents[2]


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line.app, list(arguments), prog_name="lockstep")
    return result.exit_code, result.output


def _run(code: str, **variables: str) -> str:
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout


def test_list_says_of_each_command_what_its_own_help_says() -> None:
    # In a process of its own: a command's module may open sockets, which these tests may not.
    code = """
from lockstep.commands import COMMANDS
for name, entry in COMMANDS.items():
    command = entry.load()
    command = command.get_command(None, name) if entry.is_of_app else command
    own = " ".join(command.help.split())
    if not own.startswith(entry.help.removesuffix(".")):
        print(name, "|", own)
"""
    assert _run(code) == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        *itertools.product(["lockstep", "operations"], ["--help", "status", "endpoints --help"]),
        ("lockstep", "drill --dry-run"),
        ("drill", "--dry-run"),
    ],
)
def test_output_that_cannot_be_written_ends_in_one_sentence(program: str, arguments: str) -> None:
    command = [sys.executable, "-m", program, *arguments.split()]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=buffered, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.count("The disk, or the place that the output goes to: No space left on device.") == 1, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the output")
@pytest.mark.parametrize("arguments", [("--help",), ("records", "abc"), ("quarantined", "download", "abc"), ("cost",)])
def test_closed_output_ends_in_a_sentence(arguments: tuple[str, ...]) -> None:
    command = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-m", "lockstep", *arguments]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "The disk, or the place that the output goes to: Bad file descriptor.",
    )


def test_help_lists_every_command_in_its_panel() -> None:
    code, output = _type("--help")
    assert code == 0
    assert [name for name in COMMANDS if not re.search(rf"^│ {name} ", output, re.MULTILINE)] == []
    assert [panel for panel in {one.panel for one in COMMANDS.values()} if panel not in output] == []


def test_help_and_version_import_no_command() -> None:
    heavy = ("boto3", "botocore", "pydantic", "aws_cdk", "operations.target", "client")
    code = f"""
import sys, lockstep.__main__ as it
for option in ("--help", "--version"):
    it.app([option], standalone_mode=False)
print("imported:", *set(sys.modules) & {set(heavy)!r})
"""
    assert _run(code).splitlines()[-1] == "imported:"


def test_wheel_holds_every_module_of_the_commands_that_need_no_checkout() -> None:
    code = f"""
import sys
from pathlib import Path
from lockstep.commands import COMMANDS
for entry in COMMANDS.values():
    if not entry.needs_checkout:
        entry.load()
files = [Path(module.__file__) for module in sys.modules.values() if getattr(module, "__file__", None)]
root = Path({str(ROOT)!r})
print(*sorted(str(file.relative_to(root)) for file in files if file.is_relative_to(root) and ".venv" not in file.parts))
"""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    held = [ROOT / one for one in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]]
    used = _run(code).split()
    assert "operations/__main__.py" in used
    assert [name for name in used if not any((ROOT / name).is_relative_to(one) for one in held)] == []
    assert [one for one in held if not one.exists()] == []


def test_version_is_that_of_the_project() -> None:
    assert _type("--version") == (0, f"lockstep {version()}\n")


@pytest.mark.parametrize("typed", [["status", "--account", "12"], ["--account", "12", "status"], ["--account=12", "status"]])
def test_options_may_stand_before_and_after_the_command(typed: list[str]) -> None:
    code, output = _type(*typed)
    assert (code, "'12' is not an account id." in output) == (2, True), output


@pytest.mark.parametrize("typed", [["dlq", "--account", "12", "list"], ["dlq", "list", "--account", "12"]])
def test_options_may_stand_anywhere_in_a_nested_command(typed: list[str]) -> None:
    code, output = _type(*typed)
    assert (code, "'12' is not an account id." in output) == (2, True), output


def test_flags_before_a_command_are_the_flags_of_the_commands() -> None:
    def flags(command: Any) -> set[str]:  # noqa: ANN401 - typer's own
        nested = command.commands.values() if isinstance(command, TyperGroup) else ()
        own = {name for one in command.params if getattr(one, "is_flag", False) for name in one.opts}
        return own.union(*map(flags, nested))

    shared = [flags(one.load()) for one in {one.module: one for one in COMMANDS.values() if one.is_of_app}.values()]
    assert set.union(*shared) - {"--help"} == FLAGS


def test_help_of_a_command_names_the_command_as_it_is_typed() -> None:
    assert "Usage: lockstep dlq redrive [OPTIONS]" in _type("dlq", "redrive", "--help")[1]
    assert "Usage: lockstep upload [OPTIONS]" in _type("upload", "--help")[1]


def test_misspelt_command_is_refused_with_the_nearest_one() -> None:
    code, output = _type("promot")
    assert (code, "Did you mean 'promote'?" in output) == (2, True), output


@pytest.mark.parametrize("name", sorted(name for name, one in COMMANDS.items() if one.needs_checkout))
def test_command_outside_a_checkout_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checkout, "_OWN", tmp_path)
    monkeypatch.chdir(tmp_path)
    code, output = _type(name)
    assert (code, f"`lockstep {name}` needs a checkout of the repository" in output) == (2, True), output


def test_checkout_without_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("environments.toml", "noxfile.py", "lockstep/__main__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(checkout, "_OWN", Path("/"))
    monkeypatch.chdir(tmp_path / "docs")
    code, output = _type("synth")
    assert (code, f"cd {tmp_path} && nox -s environment" in output) == (2, True), output


def test_interrupt_that_no_command_handles_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lockstep.commands.Entry.load", interrupt)
    assert _type("status") == (130, "Interrupted.\n")


def test_shell_completion_offers_commands_and_their_options() -> None:
    def complete(line: str) -> str:
        variables = {"_LOCKSTEP_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return _run("import lockstep.__main__ as it; it.main()", **variables)

    assert complete("lockstep pro").split() == ["promote"]
    assert "--region" in complete("lockstep promote --")
    assert complete("lockstep dlq re").split() == ["redrive"]
