"""Which files are meant by what was typed, and by which keys they will be known."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from client.content import Item
from client.errors import Misconfigured


def gather(paths: Sequence[Path], prefix: str, leave_out: Iterable[Path]) -> list[Item]:
    """Return every file: those named, by their names, and those in folders, by their paths from the folder.

    Args:
        paths: Files and folders.
        prefix: Put before each key.
        leave_out: The client's own files, should they lie in a folder that is uploaded.

    Raises:
        Misconfigured: Something is not there, or two files would have the same key.
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
                    f"{other} and {file} would both be {prefix + key!r}.",
                    "Upload the folder that holds both, or each by itself with its own --prefix.",
                )
    if not found:
        raise Misconfigured(f"There is no file in {', '.join(map(str, paths))}.", "Name files, or a folder that holds some.")
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
        raise Misconfigured(f"There is no {path}.", "Name files or folders that are there; nothing was sent.")
