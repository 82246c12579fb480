"""Bundle the asset that every function runs from: the handlers' source and their locked libraries.

The bundling needs no Docker: pip chooses the wheels of the target platform by its tags. The libraries are cached by the
hash of the lock file, so a change of the source copies only a few files.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
HANDLERS = REPOSITORY / "handlers"
LOCK_FILE = HANDLERS / "requirements.txt"
BUILD_DIRECTORY = REPOSITORY / ".build"


class BundleTarget(StrEnum):
    """Platform whose wheels are bundled."""

    LAMBDA = "lambda"
    """The Lambda runtime, CPython 3.14 on arm64 Linux, for a deployment to AWS."""
    HOST = "host"
    """This interpreter's platform: the local cloud runs functions under its own Python and CPU."""


# Lambda's Python 3.14 runs on Amazon Linux 2023, whose C library is newer than both of these require.
_LAMBDA_WHEELS = [
    *("--platform", "manylinux2014_aarch64"),
    *("--platform", "manylinux_2_28_aarch64"),
    *("--python-version", "3.14"),
    *("--implementation", "cp"),
]


_UNFINISHED = ".unfinished-"
_KEPT = 4
"""Number of recently used assets and library sets to keep: both targets, for two source states or two Pythons."""
_ABANDONED_SECONDS = 3600.0
"""Age in seconds after which an unfinished asset counts as left by a killed process."""


class BundlingError(Exception):
    """Raised when the libraries cannot be installed; the text holds pip's error output."""


def bundle(target: BundleTarget) -> Path:
    """Return a directory with the `handlers` package and its libraries, rebuilt only after a change.

    Raises:
        BundlingError: pip failed, for example because a locked version has no wheel for the target.
    """
    libraries = _libraries(target)
    directory = BUILD_DIRECTORY / "assets" / f"{target}-{_source_hash()}-{_lock_hash(target)}"
    if not directory.exists():
        with _made_whole(directory) as unfinished:
            shutil.copytree(libraries, unfinished, dirs_exist_ok=True)
            for source in _sources():
                destination = unfinished / source.relative_to(REPOSITORY)
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, destination)
    _keep_few(directory)
    return directory


def _libraries(target: BundleTarget) -> Path:
    """Return a directory with the locked libraries for `target`, which are installed once for each lock file."""
    directory = BUILD_DIRECTORY / "libraries" / f"{target}-{_lock_hash(target)}"
    if not directory.exists():
        with _made_whole(directory) as unfinished:
            _install(target, unfinished)
            _strip(unfinished)
    _keep_few(directory)
    return directory


def _keep_few(used: Path) -> None:
    """Mark a directory as used, and remove the oldest ones beside it: each change of the source makes a new one."""
    os.utime(used)
    made = [one for one in used.parent.iterdir() if not one.name.startswith(_UNFINISHED)]
    old = sorted(made, key=_last_used, reverse=True)[_KEPT:]
    abandoned = [one for one in used.parent.glob(f"{_UNFINISHED}*") if _last_used(one) < time.time() - _ABANDONED_SECONDS]
    for one in (*old, *abandoned):
        shutil.rmtree(one, ignore_errors=True)


def _last_used(directory: Path) -> float:
    try:
        return directory.stat().st_mtime
    except FileNotFoundError:  # another process has removed it
        return time.time()


def _install(target: BundleTarget, directory: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *(_LAMBDA_WHEELS if target is BundleTarget.LAMBDA else []),
        *("--target", str(directory), "--requirement", str(LOCK_FILE)),
    ]
    variables = {**os.environ, "PIP_USER": "0"}  # pip refuses --target where the user's settings say `user = true`
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)  # noqa: S603 - our own
    if result.returncode:
        raise BundlingError(
            f"pip could not install {LOCK_FILE.relative_to(REPOSITORY)} for the target '{target}'.\n"
            f"{result.stderr.strip()}\n"
            "If a pinned version has no wheel for that platform, choose one that has and run `nox -s lock`."
        )


def _let_lambda_read(directory: Path) -> None:
    """Let every user read the files: CDK's archive keeps their modes, and a function does not run as their owner.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _strip(directory: Path) -> None:
    """Remove files that a function never reads, because they slow its start."""
    shutil.rmtree(directory / "bin", ignore_errors=True)
    for cache in directory.rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)


def _sources() -> list[Path]:
    """Return the handlers' Python files, sorted, because the order of the file system varies."""
    return sorted(HANDLERS.rglob("*.py"))


def _source_hash() -> str:
    content = hashlib.sha256()
    for source in _sources():
        content.update(f"{source.relative_to(REPOSITORY)}\0".encode())
        content.update(hashlib.sha256(source.read_bytes()).digest())
    return content.hexdigest()[:16]


def _lock_hash(target: BundleTarget) -> str:
    interpreter = "" if target is BundleTarget.LAMBDA else sys.version
    return hashlib.sha256(LOCK_FILE.read_bytes() + interpreter.encode()).hexdigest()[:16]


class _made_whole:  # noqa: N801 - reads as a clause in `with`
    """Build a directory beside its final place and move it when complete, so that no partial asset is ever used."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> Path:
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        self._unfinished = Path(tempfile.mkdtemp(dir=self._directory.parent, prefix=_UNFINISHED))
        return self._unfinished

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            _let_lambda_read(self._unfinished)
            try:
                self._unfinished.rename(self._directory)
            except OSError:
                # Another process made the same asset in the meantime; both are equal.
                if not self._directory.exists():
                    raise
        shutil.rmtree(self._unfinished, ignore_errors=True)
