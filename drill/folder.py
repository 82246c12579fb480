"""The folder of a drill's files: `reports/drill/<drill id>/`."""

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
"""Environment variable: a folder for drills instead of reports/drill. Tests use it."""
ROOT: Final = Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT / "reports" / "drill")
"""The folder of all drills and of `latest`."""


@dataclass(frozen=True)
class DrillFolder:
    """The folder of a drill; its name is the drill's id."""

    path: Path

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def receipts(self) -> Path:
        """The client's receipts."""
        return self.path / "receipts.jsonl"

    @property
    def samples(self) -> Path:
        """The samples of each region, one a second."""
        return self.path / "samples.jsonl"

    @property
    def supervisor(self) -> Path:
        """The file that describes the supervisor of the local cloud."""
        return self.path / "supervisor.json"

    @property
    def supervisor_log(self) -> Path:
        """The supervisor's log."""
        return self.path / "supervisor.log"

    @property
    def alive(self) -> Path:
        """A file that a running drill touches; the supervisor reads its age."""
        return self.path / "alive"

    @property
    def target(self) -> Path:
        """The platform's target, for `lockstep status --target`."""
        return self.path / "target.json"

    @property
    def deployment(self) -> Path:
        """The stacks' outputs, kept because a lost region cannot return them."""
        return self.path / "deployment.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Lock the folder for this process. The operating system releases the lock when the process ends.

        Raises:
            Refused: Another process holds the lock.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "lock", blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise Refused(
                f"Another process is running drill {self.path.name}.",
                hint="Wait for it, or stop it with Ctrl-C; `lockstep drill status` shows its state.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def is_held(self) -> bool:
        """Whether another process runs the drill."""
        try:
            with self.held():
                return False
        except Refused:
            return True
        except OSError:
            return False  # nothing can be written there, so nothing runs


def find(drill_id: str | None, root: Path = ROOT) -> DrillFolder:
    """Return the folder of a drill; without an id, of the newest one."""
    begun = sorted(one.name for one in root.iterdir() if ID.fullmatch(one.name)) if root.is_dir() else []
    if drill_id is None and begun:
        return DrillFolder(root / begun[-1])
    if drill_id in begun:
        return DrillFolder(root / str(drill_id))
    what = f"There is no drill {drill_id}" if drill_id else "There is no drill yet"
    hint = f"The last ones are {', '.join(begun[-3:])}." if begun else "Type `lockstep drill run`."
    raise Refused(f"{what} in {root}.", hint=hint)
