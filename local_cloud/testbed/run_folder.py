"""The folder of a run: its templates, logs and target. The newest few are kept.

At the end of a run its large files are removed: the functions' code in the assembly, and all temporary files.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_cloud.server_process import remove_folder

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""The root of the repository."""
WORK: Final = CHECKOUT / ".build" / "e2e"
"""Run folders: `cdk.out`, logs, the description of the target. The newest few are kept."""
REPORTS: Final = CHECKOUT / "reports" / "e2e"
"""report.json, summary.md, junit.xml of the last run."""
TARGET_VARIABLE: Final = "LOCKSTEP_E2E_TARGET"
"""Environment variable: path of the file that tells the tests which cloud they run against."""
_KEPT: Final = 3
_PROCESS_FILE: Final = "process_id"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: The folder.
        run_id: Unique, and sorts by time. It has lower-case letters, digits and hyphens, which are valid in keys and
            sources.
    """

    path: Path
    run_id: str

    @classmethod
    def make(cls, work: Path = WORK) -> RunFolder:
        """Create a new folder, and remove old ones, except the newest and those of running runs.

        Kept folders are tidied, because a killed run did not do that.
        """
        run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"
        path = work / run_id
        path.mkdir(parents=True)
        (path / _PROCESS_FILE).write_text(str(os.getpid()), "utf-8")
        for number, old in enumerate(sorted(work.iterdir(), reverse=True)):
            if _is_under_way(old):
                continue
            if number < _KEPT:
                cls(old, old.name).tidy()
            else:
                shutil.rmtree(old, ignore_errors=True)
        return cls(path, run_id)

    @property
    def assembly(self) -> Path:
        """The cloud assembly, `cdk.out`."""
        return self.path / "cdk.out"

    @property
    def scratch(self) -> Path:
        """The folder of the steps' temporary files; a killed program leaves some behind."""
        folder = self.path / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def cloud(self) -> Path:
        """The folder of a local cloud that outlives its session."""
        folder = self.path / "cloud"
        folder.mkdir(exist_ok=True)
        return folder

    def tidy(self) -> None:
        """Remove the temporary files, the cloud's files, and the assembly's assets with the CDK CLI's archives of them."""
        packed = self.assembly / ".cache"
        for large in (self.path / "tmp", self.path / "cloud", packed, *self.assembly.glob("asset.*")):
            if large.is_dir():
                remove_folder(large)
            else:
                large.unlink(missing_ok=True)

    @property
    def target_file(self) -> Path:
        """The file that describes the target for the tests."""
        return self.path / "target.json"

    def log(self, name: str) -> Path:
        """Return the path of the log of a step."""
        return self.path / "logs" / f"{name}.log"


def _is_under_way(folder: Path) -> bool:
    try:
        os.kill(int((folder / _PROCESS_FILE).read_text("utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True
