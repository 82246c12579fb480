"""Test Ctrl-C through nox in the sessions that can be interrupted within seconds."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from infra.settings import default_environment
from integration_tests.interrupts.nox_on_a_terminal import AFTER_CLOSED_TERMINAL, CHECKOUT, Nox

JUDGING = f"judging {default_environment(CHECKOUT / 'environments.toml')}"
NO_VERDICT = "Interrupted: there is no verdict, and nothing is left running."
UP = "Ctrl-C stops it."


def test_gate_interrupted_while_judging_leaves_nothing(tmp_path: Path) -> None:
    with Nox(tmp_path, "compliance") as nox:
        nox.wait_for(lambda: any(nox.temporary.rglob("jsii-kernel*")))
        nox.press_ctrl_c()
        assert nox.end() == 130
        assert nox.text.count(NO_VERDICT) == 1
        assert "Traceback" not in nox.text
        nox.assert_nothing_is_left()


def test_gate_interrupted_while_starting_leaves_nothing(tmp_path: Path) -> None:
    with Nox(tmp_path, "compliance") as nox:
        nox.wait_for(JUDGING)
        nox.press_ctrl_c()
        nox.press_ctrl_c()
        assert nox.end() == 130
        nox.assert_nothing_is_left()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_environment_interrupted_while_installing_leaves_nothing(tmp_path: Path, how: signal.Signals) -> None:
    checkout = tmp_path / "checkout"
    for name in ("noxfile.py", "pyproject.toml", "requirements/dev.txt"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / name, checkout / name)
    with Nox(tmp_path, "environment", checkout=checkout) as nox:
        nox.wait_for(lambda: any(nox.temporary.rglob("pip-unpack-*")))
        if how == signal.SIGINT:
            nox.press_ctrl_c()
        else:
            nox.send(how)
        assert nox.end() == 130
        assert not (checkout / ".venv" / ".lockstep").exists()
        nox.assert_nothing_is_left()


def test_local_cloud_interrupted_while_starting_leaves_nothing(tmp_path: Path) -> None:
    with Nox(tmp_path, "local_cloud", "--port", "0") as nox:
        nox.wait_for(lambda: any(nox.temporary.rglob("server.log")))
        nox.press_ctrl_c()
        nox.end()
        nox.assert_nothing_is_left()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "terminal closed"])
def test_local_cloud_stopped_while_up_leaves_nothing(tmp_path: Path, how: signal.Signals | str) -> None:
    with Nox(tmp_path, "local_cloud", "--port", "0") as nox:
        nox.wait_for(UP)
        if how == signal.SIGINT:
            nox.press_ctrl_c()
        elif isinstance(how, signal.Signals):
            nox.send(how)
        else:
            nox.close_terminal()
        # The program ends with 0; an interrupted session is no success of nox's.
        assert nox.end() in ({130} if isinstance(how, signal.Signals) else AFTER_CLOSED_TERMINAL)
        assert "Session local_cloud was successful" not in nox.text
        assert ("Stopped; its folder is removed." in nox.text) == isinstance(how, signal.Signals)
        nox.assert_nothing_is_left()


def test_local_cloud_whose_nox_was_killed_ends(tmp_path: Path) -> None:
    with Nox(tmp_path, "local_cloud", "--port", "0") as nox:
        nox.wait_for(UP)
        nox.send(signal.SIGKILL)
        assert nox.end() == -signal.SIGKILL
        nox.run_another_session()
        nox.assert_nothing_is_left()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_simulation_interrupted_leaves_no_process_and_no_report(tmp_path: Path, how: signal.Signals) -> None:
    # A history of so many objects is a chunk of its own, and the first chunk makes the first line.
    with Nox(tmp_path, "simulate", "--histories", "1000000", "--objects", "240", "--jobs", "2") as nox:
        nox.wait_for(" of 1000000 histories")
        if how == signal.SIGINT:
            nox.press_ctrl_c()
        else:
            nox.send(how)
        assert nox.end() == (-how if how == signal.SIGKILL else 130)
        if how == signal.SIGKILL:
            nox.run_another_session()
        nox.assert_nothing_is_left()
        assert ("Interrupted after" in nox.text) == (how != signal.SIGKILL), "whose end hangs up the terminal"
        assert "Traceback" not in nox.text
    assert not (CHECKOUT / "reports" / "simulation" / "report.html").exists()
