"""The files and folders of the command line, expanded to items with their keys, and what was left out of them."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client.content import Item
from client.errors import Misconfigured

_KINDS: Final = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that is not uploaded."""

    path: Path
    reason: str
    """Why it is left out, and the next step."""


@dataclass(frozen=True)
class Gathered:
    """The items of the command line."""

    items: list[Item]
    left_out: list[LeftOut]


def gather(paths: Sequence[Path], prefix: str, leave_out: Iterable[Path]) -> Gathered:
    """Return an item for every file. A file's key is its name; below a folder it is the path from that folder.

    Args:
        paths: Files and folders.
        prefix: Text put before each key.
        leave_out: The client's own files, which a folder to upload may hold.

    Raises:
        Misconfigured: A path does not exist, there is nothing to upload, or two files would have the same key.
    """
    own = {path.absolute() for path in leave_out}
    found: dict[str, Path] = {}
    left_out: list[LeftOut] = []
    for path in paths:
        for key, file in _of(path, left_out):
            if file.absolute() in own:
                continue
            if reason := _unusable(file):
                left_out.append(LeftOut(file, reason))
                continue
            other = found.setdefault(prefix + key, file)
            if other.absolute() != file.absolute():
                raise Misconfigured(
                    f"{other} and {file} would both get the key {prefix + key!r}.",
                    "Upload the folder that holds both, or each in a run of its own with its own --prefix.",
                )
    if not found and not left_out:
        raise Misconfigured(
            f"There is no file in {', '.join(map(str, paths))}.", "Name files, or a folder that holds files."
        )
    return Gathered([Item(key, file) for key, file in found.items()], left_out)


def _of(path: Path, left_out: list[LeftOut]) -> Iterator[tuple[str, Path]]:
    if path.is_dir():
        yield from _below(path, left_out)
    elif path.exists():
        yield path.name, path
    else:
        raise Misconfigured(f"{path} does not exist.", "Name files or folders that exist; nothing was sent.")


def _below(path: Path, left_out: list[LeftOut]) -> Iterator[tuple[str, Path]]:
    def unreadable(error: OSError) -> None:
        reason = f"the folder cannot be read ({error.strerror}); correct that, and type the same command again"
        left_out.append(LeftOut(Path(os.fsdecode(error.filename or path)), reason))

    for folder, folders, files in os.walk(path, onerror=unreadable):
        folders.sort()
        for name in folders:
            if Path(folder, name).is_symlink():
                reason = "it is a symbolic link to a folder; name it on the command line to upload what it holds"
                left_out.append(LeftOut(Path(folder, name), reason))
        for name in sorted(files):
            file = Path(folder, name)
            yield file.relative_to(path).as_posix(), file


def _unusable(file: Path) -> str:
    """Return why a file cannot be uploaded; "" if it can, or if only reading it shows that."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return "it is a symbolic link to nothing; correct or remove it"
    except OSError:
        return ""
    return "" if stat.S_ISREG(mode) else f"it is {_KINDS.get(stat.S_IFMT(mode), 'no regular file')}; only files are uploaded"
