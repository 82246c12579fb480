"""Where a drill keeps what it writes: `reports/drill/<drill id>/`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from drill.plan import ID
from operations.errors import Refused

CHECKOUT: Final = Path(__file__).resolve().parents[1]
ROOT_VARIABLE: Final = "LOCKSTEP_DRILLS"
"""Environment variable: another folder for drills than reports/drill; tests keep theirs apart by it."""
ROOT: Final = Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT / "reports" / "drill")
"""All drills, and `latest`."""


@dataclass(frozen=True)
class DrillFolder:
    """One drill's folder.

    Attributes:
        path: The folder; its name is the drill's id.
    """

    path: Path

    @property
    def journal(self) -> Path:
        """What was done, line by line."""
        return self.path / "journal.jsonl"

    @property
    def receipts(self) -> Path:
        """What the client knows of each upload."""
        return self.path / "receipts.jsonl"

    @property
    def samples(self) -> Path:
        """What each region looked like, second by second."""
        return self.path / "samples.jsonl"

    @property
    def supervisor(self) -> Path:
        """How to reach the process that holds the local cloud."""
        return self.path / "supervisor.json"

    @property
    def supervisor_log(self) -> Path:
        """What that process says."""
        return self.path / "supervisor.log"

    @property
    def alive(self) -> Path:
        """Touched while a drill is at work; the supervisor goes by its age."""
        return self.path / "alive"

    @property
    def target(self) -> Path:
        """The cloud that the platform is on, for `python -m operations --target`."""
        return self.path / "target.json"

    @property
    def deployment(self) -> Path:
        """The stacks' outputs, which cannot be asked for while a region is lost."""
        return self.path / "deployment.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let no other process drill here; the system ends this with the process, however that ends.

        Raises:
            Refused: Another process is at it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "lock", blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise Refused(
                f"Another process is at work on drill {self.path.name}.",
                hint="Wait for it, or stop it with Ctrl-C; `python -m drill status` tells how far it is.",
            ) from error
        try:
            yield
        finally:
            lock.release()


def find(drill_id: str | None, root: Path = ROOT) -> DrillFolder:
    """Return the folder of a drill that was begun; of the newest one without an id.

    Raises:
        Refused: There is none.
    """
    begun = sorted(one.name for one in root.iterdir() if ID.fullmatch(one.name)) if root.is_dir() else []
    if drill_id is None and begun:
        return DrillFolder(root / begun[-1])
    if drill_id in begun:
        return DrillFolder(root / str(drill_id))
    what = f"There is no drill {drill_id}" if drill_id else "No drill was begun here yet"
    hint = f"The last ones are {', '.join(begun[-3:])}." if begun else "Type `python -m drill run`."
    raise Refused(f"{what} in {root}.", hint=hint)
