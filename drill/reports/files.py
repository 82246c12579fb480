"""Write files atomically, and point `latest` to the newest folder."""

import os
import shutil
from pathlib import Path
from typing import Final

LATEST: Final = "latest"


def write(file: Path, content: bytes) -> None:
    """Write a file atomically: a reader, or a kill meanwhile, finds the old content or all of the new."""
    beside = file.with_name(f".{file.name}.new")
    with beside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)


def point_latest_at(folder: Path) -> Path:
    """Point `latest`, beside a folder, to it, and return its path: a link, or a copy if the file system has no links."""
    latest, beside = folder.parent / LATEST, folder.parent / f".{LATEST}.new"
    _remove(beside)
    try:
        beside.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        shutil.copytree(folder, beside)
    _swap(beside, latest)
    return latest


def _swap(new: Path, name: Path) -> None:
    """Rename a new link or folder. A link replaces a link atomically; a folder is moved away first."""
    if new.is_symlink() and (name.is_symlink() or not name.exists()):
        new.replace(name)
        return
    aside = name.with_name(f".{name.name}.old")
    _remove(aside)
    if name.exists() or name.is_symlink():
        name.rename(aside)
    new.rename(name)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
