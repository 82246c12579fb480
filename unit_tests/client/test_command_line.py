"""The command line: what it prints, its exit status, and a Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

import client.__main__ as command_line
from client import Answer, Request
from client.configuration import EXAMPLE
from client.progress import printable
from unit_tests.client.world import PRIMARY, SECONDARY, Fault, World

Run = Callable[..., int]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """Two regions, and a folder with a configuration for them, which is the working directory."""
    world = World()
    (tmp_path / "lockstep-client.toml").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("client.client._network", lambda _: _Closable(world))
    monkeypatch.setattr("client.client.SystemClock", lambda: world.clock)
    monkeypatch.setattr("client.client.find_credentials", lambda _: Credentials("AKIDEXAMPLE", "made-up"))
    return world


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line and returns its exit status."""
    monkeypatch.setattr(signal, "signal", signal.signal)

    def run(*arguments: str) -> int:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            command_line.run(arguments)
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return 0

    return run


class _Closable:
    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, request: Request) -> Answer:
        return self.world.send(request)

    def close(self) -> None:
        pass


def test_a_folder_is_uploaded_verified_and_not_uploaded_again(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/a.csv").write_text("a")
    Path("in/deep/b.csv").write_text("b")
    assert run("upload", "--prefix", "2026/", "in") == 0
    out = capsys.readouterr().out
    assert "2026/deep/b.csv: accepted in us-east-1" in out
    assert "2 of 2 files are safe: 2 in us-east-1." in out
    assert run("verify") == 1
    assert "2 of 2 uploads are not processed." in capsys.readouterr().out
    world.process()
    assert run("verify") == 0
    asked = len(world.log)
    assert run("upload", "--prefix", "2026/", "in") == 0
    assert len(world.log) == asked
    assert run("status") == 0
    assert "2 processed" in capsys.readouterr().out


def test_what_is_not_there_is_told_and_resumed(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    for region in world.regions.values():
        region.fault = Fault.BLACKHOLE
    assert run("upload", "a.csv", "--patience", "5") == 1
    told = capsys.readouterr()
    assert "us-east-1" in told.out
    assert "1 of 1 files are NOT there." in told.err
    assert "resume" in told.err
    assert run("status") == 1
    world.heal()
    assert run("resume") == 0
    assert run("resume") == 0
    assert "nothing to resume" in capsys.readouterr().out


def test_its_own_files_are_left_out_of_a_folder(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    assert run("upload", ".") == 0
    assert "1 of 1 files" in capsys.readouterr().out
    assert len(world.regions[PRIMARY].bucket) == 1


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(
    world: World, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        Path(f"{number}.csv").write_text(str(number))
    serve = world.send

    def send(request: Request) -> Answer:
        if len(world.log) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return serve(request)

    monkeypatch.setattr(world, "send", send)
    assert run("--workers", "1", "upload", *(f"{number}.csv" for number in range(5))) == 130
    assert "resume" in capsys.readouterr().err
    monkeypatch.setattr(world, "send", serve)
    assert run("resume") == 0
    assert sum(len(world.identities(f"{n}.csv", str(n).encode())) for n in range(5)) == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["upload", "absent.csv"], "There is no absent.csv."),
        (["upload", "one", "two"], "would both be 'x.csv'"),
        (["upload", "empty"], "There is no file in empty."),
        (["upload", "one", "--endpoint", "us-east-1"], "is not REGION=URL"),
        (["upload", "one", "--config", "absent.toml"], "absent.toml cannot be read"),
        (["upload"], "Missing argument"),
        (["uplaod"], "No such command 'uplaod'"),
        (["verify", "--until", "done"], "Invalid value for '--until'"),
    ],
)
def test_wrong_use_is_told_and_ends_with_2(
    arguments: list[str], told: str, world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("one", "two", "empty"):
        Path(folder).mkdir()
    for folder in ("one", "two"):
        Path(folder, "x.csv").write_text(folder)
    assert run(*arguments) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert world.log == []


@pytest.mark.parametrize("command", ["resume", "verify", "status"])
def test_receipts_that_are_not_there_are_a_slip(
    command: str, world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, "--receipts", "typo.jsonl") == 1
    assert "typo.jsonl cannot be read" in capsys.readouterr().err
    assert not Path("typo.jsonl").exists()
    assert world.log == []


def test_options_may_stand_after_the_command() -> None:
    given = ["upload", "a", "--source", "s", "--prefix", "p/", "--workers=3", "--", "--source"]
    assert command_line.shared_options_first(given) == [
        *["--source", "s", "--workers=3"],
        *["upload", "a", "--prefix", "p/", "--", "--source"],
    ]


def test_an_active_region_is_shown_by_where_files_go(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    world.regions[PRIMARY].fault = Fault.UNAVAILABLE
    assert run("upload", "a.csv") == 0
    assert f"accepted in {SECONDARY}" in capsys.readouterr().out


@pytest.mark.property
@given(st.text() | st.binary().map(os.fsdecode))
def test_any_file_name_can_be_printed(name: str) -> None:
    shown = printable(name)
    assert shown.encode() or not name
    assert all(one.isprintable() or one == "\n" for one in shown)
