"""Start the local cloud's server in its own process group, and remove all its processes and files at the end."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

HOST: Final = "127.0.0.1"
START_TIMEOUT_SECONDS: Final = 60.0
TERMINATE_GRACE_SECONDS: Final = 5.0
TOKEN_HEADER: Final = "X-Local-Cloud-Token"  # noqa: S105  a header's name
LOG_TAIL_LINES: Final = 25
_PREFIX: Final = "local-cloud-"
_LOCK: Final = "owner.lock"
_LOG: Final = "server.log"
_SECRET: Final = "secret"  # noqa: S105  a file's name
_SCRATCH: Final = "tmp"
_FILES: Final = (_LOCK, _LOG, _SECRET, _SCRATCH)
"""Files and folders that the server has as long as it runs."""
_PROBE: Final = "probe"
_PROBE_BYTES: Final = 65_536
_CONNECT_SECONDS: Final = 1.0
_KEPT_PREFIX: Final = "kept-local-cloud-"
_REMOVAL: Final = """
import os, shutil, sys, time
for _ in range(100):
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    if not os.path.exists(sys.argv[1]):
        break
    time.sleep(0.1)
else:
    sys.exit(f"{sys.argv[1]} could not be removed in 10 s. Type: rm -r {sys.argv[1]}")
"""
"""A program that removes a folder in which killed processes may still write."""
_MODULE: Final = "local_cloud.launcher"
_REPOSITORY: Final = Path(__file__).resolve().parents[1]


class LocalCloudError(RuntimeError):
    """Raised when the local cloud did not start, died, or refused a control request. The message states what to do."""


class ServerProcess:
    """A running server: its process group, its port, its folder and its log.

    Attributes:
        port: The loopback port it listens on.
        secret: The run's secret: root's secret access key and the control commands' token.
        secret_file: The file with the secret, which only this user can read.
        folder: The folder of the server's files; `stop` removes it unless `keep_folder` is set.
        log: The server's standard output and error.

    Args:
        account: The AWS account id.
        port: The loopback port; 0 takes a free one.
        keep_folder: Keep the folder.
        options: Further options of the launcher.
    """

    def __init__(self, *, account: str, port: int, keep_folder: bool, options: Sequence[str] = ()) -> None:
        self._keep_folder = keep_folder
        self._options = options
        self.secret = secrets.token_urlsafe(30)
        _remove_ownerless()
        self.folder = Path(tempfile.mkdtemp(prefix=_KEPT_PREFIX if keep_folder else _PREFIX))
        self.log = self.folder / _LOG
        self.secret_file = self.folder / _SECRET
        # Locked as long as this process or the server lives: a folder without a lock has no owner.
        self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self.secret_file.touch(mode=0o600)
            self.secret_file.write_text(self.secret, "utf-8")
            self.port, self._process = self._spawn(account, port)
        except BaseException:
            self._remove_folder()
            raise

    @property
    def process_id(self) -> int:
        """The server's process id, which is also the id of its process group."""
        return self._process.pid

    def wait_until_healthy(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Wait until the server answers; stop it if it dies or takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._failure(f"died with exit status {self._process.returncode} while starting")
            if self._answers():
                return
            time.sleep(0.05)
        raise self._failure(f"did not answer within {timeout_seconds:.0f} s")

    def require_alive(self) -> None:
        """Check that the server runs, has its files and its port, and can write.

        Raises:
            LocalCloudError: It is not so. The server is stopped, because a part of a cloud answers wrongly.
        """
        if self._process.poll() is not None:
            raise self._failure(f"died with exit status {self._process.returncode}")
        if gone := [name for name in _FILES if not (self.folder / name).exists()]:
            raise self._failure(f"has lost its files: another program removed {', '.join(gone)} from {self.folder}")
        probe = self.folder / _PROBE
        try:
            probe.write_bytes(bytes(_PROBE_BYTES))
            probe.unlink()
        except OSError as error:
            raise self._failure(f"cannot write to {self.folder}: {error.strerror}") from error
        if not self._listens():
            raise self._failure(f"listens no longer on {HOST}:{self.port}")

    def stop(self) -> None:
        """Stop the server and every worker, first by SIGTERM, then by SIGKILL. Idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(TERMINATE_GRACE_SECONDS)
        # The group outlives its leader while a Lambda worker runs, so it is killed even when the leader is gone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._remove_folder()

    def _spawn(self, account: str, port: int) -> tuple[int, subprocess.Popen[bytes]]:
        # The socket is bound here and inherited, so that no other program can take the port in between.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, port))
            except (OSError, OverflowError) as error:
                reason = error.strerror if isinstance(error, OSError) else "ports go from 1 to 65535"
                raise LocalCloudError(
                    f"Cannot listen on {HOST}:{port}: {reason}. Give another port, or 0 to take any free one."
                ) from error
            bound: int = listener.getsockname()[1]
            with self.log.open("wb") as log:
                return bound, self._launch(account, bound, listener.fileno(), log)

    def _launch(self, account: str, port: int, listener: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        own_folder = [] if self._keep_folder else [f"--folder={self.folder}"]
        return subprocess.Popen(  # noqa: S603  our own module under our own interpreter
            [sys.executable, "-m", _MODULE, f"--listener={listener}", *own_folder, *self._options],
            cwd=_REPOSITORY,
            env=self._environment(account, port),
            # Held open, never written: when this process ends for any reason, the server reads the end and stops.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(listener, self._lock),
            start_new_session=True,
            umask=0o077,
        )

    def _environment(self, account: str, port: int) -> dict[str, str]:
        """Return the server's environment. Lambda workers inherit it, so it has only basic variables of the caller."""
        scratch = self.folder / _SCRATCH
        scratch.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
        return {
            **kept,
            "AUTH": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",
            "MINISTACK_ACCOUNT_ID": account,
            # The DNS-less host keeps every URL that the cloud hands out (queues, APIs) reachable.
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": "us-east-1",
            "NO_PROXY": HOST,
            "PYTHONUNBUFFERED": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.folder / "state"),
            "TMPDIR": str(scratch),
            "USE_SSL": "0",
        }

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}/_local_cloud/health", headers={TOKEN_HEADER: self.secret}
        )
        try:
            with opener.open(request, timeout=1) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _listens(self) -> bool:
        """Return whether a connection is accepted; a busy server accepts it late."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
            caller.settimeout(_CONNECT_SECONDS)
            return caller.connect_ex((HOST, self.port)) != errno.ECONNREFUSED

    def _failure(self, what: str) -> LocalCloudError:
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        tail = "\n".join(log.splitlines()[-LOG_TAIL_LINES:]) or "(the log is empty)"
        self.stop()
        return LocalCloudError(f"The local cloud's server {what}.\nThe end of its log:\n{tail}")

    def _remove_folder(self) -> None:
        if not self._keep_folder:
            remove_folder(self.folder)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove_folder(folder: Path) -> None:
    """Remove a folder in which killed processes may still write.

    A separate process does it, and continues if this one is killed.
    """
    begin_removal(folder).wait()


def begin_removal(folder: Path) -> subprocess.Popen[bytes]:
    """Start the process that removes a folder, in a new session."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", _REMOVAL, str(folder)], start_new_session=True, stdin=subprocess.DEVNULL
    )


def _remove_ownerless() -> None:
    """Remove the folders of clouds whose processes were all killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                # Without a log, its owner has not locked it yet.
                if (folder / _LOG).exists():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove_folder(folder)
            finally:
                os.close(lock)
