"""The files and folders of the command line, expanded to items with their keys."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from client.content import Item
from client.errors import Misconfigured


def gather(paths: Sequence[Path], prefix: str, leave_out: Iterable[Path]) -> list[Item]:
    """Return an item for every file. A file's key is its name; below a folder it is the path from that folder.

    Args:
        paths: Files and folders.
        prefix: Text put before each key.
        leave_out: The client's own files, which a folder to upload may hold.

    Raises:
        Misconfigured: A path does not exist, or two files would have the same key.
    """
    own = {path.absolute() for path in leave_out}
    found: dict[str, Path] = {}
    for path in paths:
        for key, file in _of(path):
            if file.absolute() in own:
                continue
            other = found.setdefault(prefix + key, file)
            if other.absolute() != file.absolute():
                raise Misconfigured(
                    f"{other} and {file} would both get the key {prefix + key!r}.",
                    "Upload the folder that holds both, or each in a run of its own with its own --prefix.",
                )
    if not found:
        raise Misconfigured(
            f"There is no file in {', '.join(map(str, paths))}.", "Name files, or a folder that holds files."
        )
    return [Item(key, file) for key, file in found.items()]


def _of(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            folders.sort()
            for name in sorted(files):
                file = Path(folder, name)
                yield file.relative_to(path).as_posix(), file
    elif path.exists():
        yield path.name, path
    else:
        raise Misconfigured(f"{path} does not exist.", "Name files or folders that exist; nothing was sent.")
