"""`--local`: the files of the local cloud are found from the current folder upwards, and only they give credentials."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.errors import Misconfigured
from client.local_files import CONFIGURATION, CREDENTIALS, FOLDER, TARGET, find_local_file, use_local_credentials


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a local cloud without `--deploy`; the current folder is two below the checkout's."""
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / TARGET).touch()
    (tmp_path / FOLDER / CREDENTIALS).touch()
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "adr")
    return tmp_path / FOLDER


def test_local_file_is_found_from_a_folder_below_the_checkout(folder: Path) -> None:
    assert find_local_file(TARGET) == folder / TARGET


@pytest.mark.usefixtures("folder")
def test_local_cloud_without_a_deployment_has_no_configuration() -> None:
    with pytest.raises(Misconfigured, match="it runs without --deploy") as caught:
        find_local_file(CONFIGURATION)
    assert "lockstep local --deploy" in caught.value.hint


def test_local_cloud_that_has_ended_is_refused(folder: Path) -> None:
    gone = folder.rename(folder.with_name("gone"))
    folder.symlink_to(gone)
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    with pytest.raises(Misconfigured, match=r"no local cloud of .* is running"):
        find_local_file(TARGET)


def test_local_credentials_replace_those_of_the_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    use_local_credentials()
    left = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert left == {"AWS_SHARED_CREDENTIALS_FILE": str(folder / CREDENTIALS), "AWS_CONFIG_FILE": os.devnull}
