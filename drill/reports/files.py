"""Files that are there whole or not at all, and the name `latest` for the newest folder."""

import os
import shutil
from pathlib import Path
from typing import Final

LATEST: Final = "latest"


def write(file: Path, content: bytes) -> None:
    """Write a file so that who reads it, or a drill that is killed meanwhile, sees the former one or all of the new."""
    beside = file.with_name(f".{file.name}.new")
    with beside.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)


def point_latest_at(folder: Path) -> Path:
    """Make `latest`, beside a folder, lead to it: by a link, or where the file system has none by a copy.

    Returns:
        Where it is.
    """
    latest, beside = folder.parent / LATEST, folder.parent / f".{LATEST}.new"
    _remove(beside)
    try:
        beside.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        shutil.copytree(folder, beside)
    _swap(beside, latest)
    return latest


def _swap(new: Path, name: Path) -> None:
    """Give a new link or folder its name. Only a link takes a link's place in one step; a folder steps aside first."""
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
