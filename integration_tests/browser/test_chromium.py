"""Test the browser of the tests: it is the pinned one, has all its files, and is unpacked once."""

import os
import platform
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infra.bundling import REPOSITORY
from reporting import chromium

C_LIBRARY = {"libc", "libdl", "libm", "libpthread", "librt", "libgcc_s"}
"""The libraries that every Linux with glibc has: the dynamic linker, git and Python need them too."""


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> chromium.Chromium:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    return chromium.find()


def test_a_browser_on_the_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    for name in ("chromium", "google-chrome", "microsoft-edge"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = chromium.find()

    assert found.executable.parent.parent == REPOSITORY / ".build" / "browser"


def test_a_browser_that_the_variable_names_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    mine.touch(mode=0o755)
    monkeypatch.setenv(chromium.VARIABLE, str(mine))

    assert chromium.find() == chromium.Chromium(executable=mine)


@pytest.mark.parametrize("made", ["nothing", "a folder", "no program", "empty"])
def test_a_wrong_name_in_the_variable_is_an_error(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "chrome"
    if made == "a folder":
        wrong.mkdir()
    elif made == "no program":
        wrong.touch(mode=0o644)
    value = "" if made == "empty" else str(wrong)
    monkeypatch.setenv(chromium.VARIABLE, value)

    with pytest.raises(chromium.NoBrowserError, match="unset LOCKSTEP_CHROMIUM") as raised:
        chromium.find()

    assert repr(value) in str(raised.value)


def test_a_package_that_is_missing_is_an_error_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)

    with pytest.raises(chromium.NoBrowserError, match="nox -s environment"):
        chromium.find(tmp_path / "browser", tmp_path)


def test_a_machine_that_it_is_not_built_for_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")

    with pytest.raises(chromium.NoBrowserError, match=r"linux aarch64.*export LOCKSTEP_CHROMIUM="):
        chromium.find(tmp_path)


@pytest.mark.parametrize("other_was_first", [True, False])
def test_unpacking_leaves_a_whole_browser_or_none(
    *, other_was_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    packed = chromium.find().executable
    target = tmp_path / packed.parent.name

    def unpack(*_: object, env: dict[str, str], **__: object) -> None:
        (Path(env["TMPDIR"]) / "fonts").mkdir()
        if not other_was_first:
            raise subprocess.CalledProcessError(1, "node")
        target.mkdir()
        (target / "chromium").touch()

    monkeypatch.setattr(subprocess, "run", unpack)

    with nullcontext() if other_was_first else pytest.raises(subprocess.CalledProcessError):
        assert chromium.find(tmp_path).executable == target / "chromium"

    assert list(tmp_path.iterdir()) == ([target] if other_was_first else [])


def test_it_loads_no_library_of_the_machine_but_the_c_library(packed: chromium.Chromium) -> None:
    listed = subprocess.run(  # noqa: S603 - the dynamic linker lists what it would load
        [packed.executable],
        env={**packed.variables, "LD_TRACE_LOADED_OBJECTS": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = [line.strip().split(" => ") for line in listed.splitlines() if " => " in line]
    foreign = {name.split(".so")[0] for name, path in pairs if not path.startswith(str(packed.executable.parent))}

    assert "not found" not in listed
    assert len(pairs) > len(C_LIBRARY)
    assert foreign - C_LIBRARY == set()


def test_text_has_its_own_font_without_any_of_the_machine(browser: Browser, packed: chromium.Chromium) -> None:
    """The environment has only the browser's own files: no HOME with fonts, no font configuration."""
    launched = browser.browser_type.launch(
        executable_path=packed.executable, env={**packed.variables}, args=chromium.ARGUMENTS
    )
    page = launched.new_page()
    page.set_content("<p style='font: 20px system-ui'><span>Passed</span></p>")
    cdp = page.context.new_cdp_session(page)
    cdp.send("DOM.enable")
    cdp.send("CSS.enable")
    root = cdp.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    node = cdp.send("DOM.querySelector", {"nodeId": root, "selector": "span"})["nodeId"]
    fonts = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    width = page.evaluate("document.querySelector('span').getBoundingClientRect().width")
    launched.close()

    assert [font["familyName"] for font in fonts] == ["Open Sans"]
    assert width > 40


def test_the_driven_browser_is_the_pinned_one(browser: Browser) -> None:
    if chromium.VARIABLE in os.environ:
        pytest.skip(f"{chromium.VARIABLE} names another")
    assert browser.version.split(".")[0] == chromium.find().executable.parent.name.split(".")[0]
