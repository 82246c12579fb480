"""Copy the repository as a clone would contain it, with uncommitted changes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_OWNER: Final = ("-c", "user.name=Fork", "-c", "user.email=fork@example.org", "-c", "commit.gpgsign=false")


def copy(checkout: Path) -> None:
    """Copy every file that git knows or would add into an empty folder, and commit it there.

    Raises:
        subprocess.CalledProcessError: git failed.
    """
    listed = _git(CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source, copied = CHECKOUT / name, checkout / name
        if source.is_file():  # a file that was deleted and not committed is still listed
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)
    _git(checkout, "init", "--quiet")


def commit(checkout: Path, subject: str) -> None:
    """Commit everything in the copy.

    Raises:
        subprocess.CalledProcessError: git failed.
    """
    _git(checkout, "add", "--all")
    _git(checkout, *_OWNER, "commit", "--quiet", "--no-verify", "--message", subject)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own command
