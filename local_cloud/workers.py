"""The processes that run functions. They end with the server, and reach the cloud's APIs by AWS's names.

An idle worker reads the end of its pipe and ends. One that runs a handler does not read, so each worker watches its parent
too.

`https://<api>.execute-api.<region>.amazonaws.com` resolves to this server. The request is the one to AWS, with the
same `Host`, so that its signature holds; only the connection differs, and has no TLS. This applies to every client that is
built on urllib3, including botocore, and to S3 Control's `<account>.127.0.0.1`, but to no other name.

A start costs a second of a processor, so no more start at once than there are processors. As on AWS, a waiting invocation
takes the first free environment of its function: the new one, or one whose invocation has ended.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_WATCH: Final = """
def _end_with_the_server():
    import os, threading, time
    server = os.getppid()
    def watch():
        while os.getppid() == server:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
_end_with_the_server()
"""
_LEAD: Final = """
def _lead_apis_here():
    import os, re, socket
    try:
        from urllib3 import connection, connectionpool
    except ImportError:
        return
    # S3 Control puts the account before whatever host it is given, and no resolver knows the loopback by such a name.
    resolve, account = socket.getaddrinfo, re.compile(r"^[0-9]{12}[.](?=127[.]0[.]0[.]1$)")
    def resolve_loopback(host, *rest, **named):
        return resolve(account.sub("", host) if isinstance(host, str) else host, *rest, **named)
    socket.getaddrinfo = resolve_loopback
    is_api = re.compile(r"^[a-z0-9]+[.]execute-api[.][a-z0-9-]+[.]amazonaws[.]com$").match
    server = (os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]))
    class Connection(connection.HTTPConnection):
        default_port = 443
        def connect(self):
            super().connect()
            self.is_verified = True
        def _new_conn(self):
            return socket.create_connection(server, self.timeout)
    stock = connectionpool.HTTPSConnectionPool._new_conn
    def new_connection(pool):
        if not is_api(pool.host):
            return stock(pool)
        pool.num_connections += 1
        return Connection(host=pool.host, port=pool.port, timeout=pool.timeout.connect_timeout)
    connectionpool.HTTPSConnectionPool._new_conn = new_connection
    open_url, process = connectionpool.HTTPConnectionPool.urlopen, str(os.getpid())
    def open_marked(pool, *rest, headers=None, **named):
        return open_url(pool, *rest, headers={**(headers or {}), "X-Local-Cloud-Process": process}, **named)
    connectionpool.HTTPConnectionPool.urlopen = open_marked
"""
_starting: Final = threading.BoundedSemaphore(os.cpu_count() or 1)
_unpacking: Final = threading.Lock()
_LOOK_AGAIN_SECONDS: Final = 0.02
_LONGEST_START_SECONDS: Final = 10.0
"""Lambda's limit for the start of an environment. A longer start does not block others."""
_READY_FOR_IMPORTS: Final = "    _ms_install_invoke_depth()\n    try:\n        mod = importlib"


def prepare() -> None:
    """Let every later worker end with this process, and find the APIs."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    # Not before: a function may bring a urllib3 of its own.
    if script.count(_READY_FOR_IMPORTS) != 1:
        raise RuntimeError("ministack's worker script has changed: see where it imports the handler.")
    led = script.replace(_READY_FOR_IMPORTS, f"    _lead_apis_here()\n{_READY_FOR_IMPORTS}")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WATCH + _LEAD + led
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _SharedPackage})
    _start_few_at_once()


class _SharedPackage(zipfile.ZipFile):
    """A deployment package that is unpacked once for all environments.

    Each environment gets a link instead of 20 MB of files. As on AWS, it cannot write there.
    """

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:  # noqa: ANN401  ZipFile's arguments
        """Link the empty folder to the unpacked package, and remove the archive."""
        packed = Path(str(self.filename))
        shared = Path(tempfile.gettempdir()) / "packages" / hashlib.sha256(packed.read_bytes()).hexdigest()
        with _unpacking:
            if not shared.exists():
                unfinished = shared.with_suffix(".unfinished")
                super().extractall(unfinished)
                unfinished.rename(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)
        packed.unlink()


def _start_few_at_once() -> None:
    stock = lambda_svc.acquire_worker

    def lease(name: str, configuration: dict[str, Any], code: bytes, qualifier: str = "$LATEST", **named: Any) -> Any:  # noqa: ANN401  ministack's pair
        """Return the environment of an invocation, started if it is new."""
        pool = lambda_runtime._worker_key(name, configuration, qualifier)
        has_turn, until = False, time.monotonic() + _LONGEST_START_SECONDS
        while not _is_one_free(pool) and not has_turn and time.monotonic() < until:
            has_turn = _starting.acquire(timeout=_LOOK_AGAIN_SECONDS)
        try:
            worker, reason = stock(name, configuration, code, qualifier, **named)
            if reason == "spawn":
                # An environment that does not start fails again, with its reason, where the invocation begins.
                with contextlib.suppress(Exception):
                    lambda_runtime.ensure_spawned(worker)
            return worker, reason
        finally:
            if has_turn:
                _starting.release()

    lambda_svc.acquire_worker = lease


def kill_running(region: str) -> None:
    """Kill every environment of a region's functions at once."""
    for process, of in _processes():
        if of == region:
            process.kill()


def region_of(process_id: int) -> str:
    """Return the region of the function that a process runs; "" if it runs none."""
    return next((region for process, region in _processes() if process.pid == process_id), "")


def kill(process_id: int) -> None:
    """Kill an environment of a function."""
    for process, _ in _processes():
        if process.pid == process_id:
            process.kill()


def _processes() -> list[tuple[Any, str]]:
    """Return the process and the region of each environment.

    Without the lock of the pools: the event loop calls this, and the lock's holder may wait for a start that needs the loop.
    A copy of a list or of a dict's values is atomic.
    """
    environments = [worker for pool in list(lambda_runtime._workers.values()) for worker in list(pool)]
    return [(one._proc, one.config["FunctionArn"].split(":")[3]) for one in environments if one._proc is not None]


def _is_one_free(pool: str) -> bool:
    with lambda_runtime._lock:
        return any(not worker.in_use for worker in lambda_runtime._workers.get(pool, ()))
