"""A run's folder: the newest few stay, and nobody's is removed while it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from integration_tests.e2e.run_folder import RunFolder


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


def test_temporary_files_go_and_logs_stay(tmp_path: Path) -> None:
    folder = RunFolder.make(tmp_path)
    (folder.scratch / "left").write_text("behind")
    folder.log("deploy").parent.mkdir()
    folder.log("deploy").write_text("done")
    folder.tidy()
    folder.tidy()
    assert not (folder.path / "tmp").exists()
    assert folder.log("deploy").exists()
