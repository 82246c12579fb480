"""Test a run's folder: the newest few are kept, and none is removed while its run is active."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local_cloud.testbed.run_folder import RunFolder


def _old(work: Path, name: str, process_id: int) -> Path:
    folder = work / name
    folder.mkdir(parents=True)
    (folder / "process_id").write_text(str(process_id))
    return folder


def test_old_folders_go_but_for_the_newest_and_those_under_way(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        gone = [_old(tmp_path, f"2025010{day}-a", ended.pid) for day in (1, 2)]
        kept = [_old(tmp_path, "20250100-a", running.pid), *(_old(tmp_path, f"2025020{day}-a", ended.pid) for day in (1, 2))]
        made = RunFolder.make(tmp_path)
        assert not any(one.exists() for one in gone)
        assert all(one.exists() for one in [*kept, made.path])


def _with_everything(folder: RunFolder) -> set[str]:
    """Write the files of a run; return those that are kept."""
    for name in (
        "tmp/left",
        "cloud/local-cloud-1/s3/object",
        "cdk.out/asset.1/code.py",
        "cdk.out/asset.2.zip",
        "cdk.out/.cache/1.zip",
    ):
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("large")
    stays = {"cdk.out/manifest.json", "logs/deploy.log", "process_id"}
    for name in stays:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).touch()
    return stays


def _files(folder: RunFolder) -> set[str]:
    return {str(one.relative_to(folder.path)) for one in folder.path.rglob("*") if one.is_file()}


def test_tidy_removes_what_is_large_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = RunFolder.make(tmp_path)
    stays = _with_everything(folder)
    for _ in range(2):
        folder.tidy()
    assert _files(folder) == stays
    assert {one.name for one in folder.path.iterdir()} == {"cdk.out", "logs", "process_id"}


def test_new_run_tidies_one_that_was_killed_and_none_that_runs(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed, running = (RunFolder(tmp_path / name, name) for name in ("20250101-a", "20250102-a"))
    stays, all_of_it = _with_everything(killed), _with_everything(running) and _files(running)
    (killed.path / "process_id").write_text(str(ended.pid))
    (running.path / "process_id").write_text(str(os.getpid()))
    RunFolder.make(tmp_path)
    assert _files(killed) == stays
    assert _files(running) == all_of_it
