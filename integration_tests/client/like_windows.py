"""Runs `python -m client` on what Windows offers: `python like_windows.py ARGUMENTS`.

It imitates the differences that concern the client: missing modules and names, folders that cannot be opened, and line
ends that are written as two characters unless a file was opened as binary.
"""

from __future__ import annotations

import os
import stat
import sys
import warnings
from pathlib import Path
from typing import Final

_MODULES: Final = ("fcntl", "grp", "posix_spawn", "pty", "pwd", "resource", "termios", "tty")
_NAMES: Final = ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "fork", "getuid", "killpg", "setsid")
_BINARY: Final = 0x8000
_LINUX_OPEN, _LINUX_WRITE = os.open, os.write
_text: set[int] = set()


def _open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    if Path(path).is_dir():
        raise PermissionError(13, "Permission denied", str(path))
    descriptor = _LINUX_OPEN(path, flags & ~_BINARY, mode, dir_fd=dir_fd)
    (_text.discard if flags & _BINARY else _text.add)(descriptor)
    return descriptor


def _write(descriptor: int, data: bytes) -> int:
    if descriptor in _text and stat.S_ISREG(os.fstat(descriptor).st_mode):
        _LINUX_WRITE(descriptor, bytes(data).replace(b"\n", b"\r\n"))
        return len(data)
    return _LINUX_WRITE(descriptor, data)


def lose_posix() -> None:
    """Remove from this process what Windows does not have."""
    for module in _MODULES:
        sys.modules[module] = None  # type: ignore[assignment]  # importing it fails from now on
    for name in _NAMES:
        delattr(os, name)
    os.open, os.write = _open, _write  # type: ignore[assignment]
    os.O_BINARY = _BINARY  # type: ignore[attr-defined]
    # The lock library warns when it finds neither Windows nor `flock`.
    warnings.filterwarnings("ignore", message="only soft file lock is available")


if __name__ == "__main__":
    lose_posix()
    from client.__main__ import run

    sys.exit(run(sys.argv[1:]))
