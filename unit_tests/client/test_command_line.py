"""The command line: what it prints, its exit status, and a Ctrl-C."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

import client.__main__ as command_line
from client import Answer, Request
from client.configuration import EXAMPLE
from client.progress import printable
from client.shared_options import SharedOptions
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


def test_folder_is_uploaded_once_and_verified(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert run("receipts") == 0
    assert "2 processed" in capsys.readouterr().out


def test_verify_counts_records_and_names_files_with_rejected_ones(
    world: World, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.csv").write_text("a")
    assert run("upload", "a.csv") == 0
    world.process()
    assert run("verify") == 0
    printed = capsys.readouterr().out
    assert ("       2 records accepted\n       0 records rejected" in printed, "lockstep rejected" in printed) == (
        True,
        False,
    )
    for region in world.regions.values():
        region.rejected = 3
    assert run("verify") == 0
    printed = capsys.readouterr().out
    assert "       3 records rejected" in printed
    assert "a.csv: 3 of 5 records were rejected\n`lockstep rejected FILE` shows" in printed
    monkeypatch.setattr(command_line, "find_local_file", Path)
    monkeypatch.setattr(command_line, "use_local_credentials", lambda: None)
    assert run("verify", "--local") == 0
    assert "\n`lockstep rejected FILE --local` shows" in capsys.readouterr().out


@pytest.mark.usefixtures("world")
def test_mistakes_of_the_configuration_are_printed_one_a_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    Path("lockstep-client.toml").write_text("sauce = 1\nworkers = 0\n")
    assert run("upload", "a.csv") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line[:2] for line in lines].count("- ") >= 2
    assert not [line for line in lines if "\\n" in line]
    Path("lockstep-client.toml").unlink()
    assert run("upload", "a.csv") == 2
    assert "\n[[endpoints]]" in capsys.readouterr().err


def test_failed_upload_is_reported_and_resumed(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    for region in world.regions.values():
        region.fault = Fault.BLACKHOLE
    assert run("upload", "a.csv", "--patience", "5") == 1
    printed = capsys.readouterr()
    assert "us-east-1" in printed.out
    assert "1 of 1 files are NOT uploaded." in printed.err
    assert "resume" in printed.err
    assert run("receipts") == 1
    world.heal()
    assert run("resume") == 0
    assert run("resume") == 0
    assert "nothing to resume" in capsys.readouterr().out


def test_client_files_in_a_folder_are_not_uploaded(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    assert run("upload", ".") == 0
    assert "1 of 1 files" in capsys.readouterr().out
    assert len(world.regions[PRIMARY].bucket) == 1


def test_ctrl_c_exits_with_130_and_shows_how_to_resume(
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
    ("arguments", "message"),
    [
        (["upload", "absent.csv"], "absent.csv does not exist."),
        (["upload", "one", "two"], "would both get the key 'x.csv'"),
        (["upload", "empty"], "There is no file in empty."),
        (["upload", "one", "--endpoint", "us-east-1"], "is not REGION=URL"),
        (["upload", "one", "--config", "absent.toml"], "absent.toml cannot be read"),
        (["upload"], "Missing argument"),
        (["uplaod"], "No such command 'uplaod'"),
        (["verify", "--until", "done"], "Invalid value for '--until'"),
    ],
)
def test_wrong_use_is_reported_and_exits_with_2(
    arguments: list[str], message: str, world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("one", "two", "empty"):
        Path(folder).mkdir()
    for folder in ("one", "two"):
        Path(folder, "x.csv").write_text(folder)
    assert run(*arguments) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert world.log == []


@pytest.mark.parametrize("command", ["resume", "verify", "receipts"])
def test_missing_receipts_file_is_an_error(command: str, world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--receipts", "typo.jsonl") == 1
    assert "typo.jsonl cannot be read" in capsys.readouterr().err
    assert not Path("typo.jsonl").exists()
    assert world.log == []


def test_options_may_stand_after_the_command() -> None:
    given = ["upload", "a", "--source", "s", "--prefix", "p/", "--workers=3", "--", "--source"]
    group = get_command(command_line.app)
    assert isinstance(group, SharedOptions)
    assert group.own_first(given) == [
        *["--source", "s", "--workers=3"],
        *["upload", "a", "--prefix", "p/", "--", "--source"],
    ]


def test_upload_goes_to_the_active_region(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("a")
    world.regions[PRIMARY].fault = Fault.UNAVAILABLE
    assert run("upload", "a.csv") == 0
    assert f"accepted in {SECONDARY}" in capsys.readouterr().out


@pytest.mark.property
@given(st.text() | st.binary().map(os.fsdecode))
def test_file_name_of_any_bytes_is_printed(name: str) -> None:
    shown = printable(name)
    assert shown.encode() or not name
    assert all(one.isprintable() or one == "\n" for one in shown)


def test_line_end_in_a_file_name_is_escaped(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    Path("folder", "a\nb.csv: accepted").write_text("a")
    for region in world.regions.values():
        region.fault = Fault.FORBIDDEN
    assert run("upload", "folder") == 1
    shown = "".join(capsys.readouterr())
    assert "a\\nb.csv: accepted" in shown
    assert not any(line.startswith("b.csv") for line in shown.splitlines())


def test_what_is_left_out_is_named_and_exits_with_1(world: World, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("elsewhere").mkdir()
    Path("elsewhere", "b.csv").write_text("b")
    Path("folder").mkdir()
    Path("folder", "a.csv").write_text("a")
    Path("folder", "link").symlink_to(Path("elsewhere").absolute())
    Path("folder", "dead").symlink_to("nothing")
    os.mkfifo("folder/fifo")
    os.mknod("folder/socket", stat.S_IFSOCK | 0o600)
    assert run("upload", "folder") == 1
    shown = "".join(capsys.readouterr())
    assert "1 of 1 files are safe" in shown
    assert "folder/link: left out: it is a symbolic link to a folder; name it" in shown
    assert "folder/dead: left out: it is a symbolic link to nothing" in shown
    assert "folder/fifo: left out: it is a FIFO" in shown
    assert "folder/socket: left out: it is a socket" in shown
    assert "4 files or folders were left out." in shown
    assert len(world.regions[PRIMARY].bucket) == 1


def test_folder_that_cannot_be_read_is_named_and_exits_with_1(
    world: World, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("folder", "closed").mkdir(parents=True)
    Path("folder", "a.csv").write_text("a")
    scan = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refusing)
    assert run("upload", "folder") == 1
    assert "folder/closed: left out: the folder cannot be read (Permission denied)" in "".join(capsys.readouterr())
    assert len(world.regions[PRIMARY].bucket) == 1
