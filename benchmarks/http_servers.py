"""The local cloud's HTTP server, uvicorn, beside hypercorn, which ministack itself starts: the same requests in turns.

`python -m benchmarks.http_servers NAME DESCRIPTOR` serves one of them on an inherited socket; `measure` starts it.
"""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.timing import BenchmarkError

SERVERS = ("uvicorn", "hypercorn")
_CLIENTS = 4
_BODY = b"x" * 4096
_ANSWER = b'{"answer": "' + b"y" * 500 + b'"}'
_CREATED = 201


@dataclass(frozen=True, kw_only=True)
class Result:
    """The measured values.

    Attributes:
        requests: Requests that each server answered in a round.
        seconds: Median seconds of a round, by server.
        cpu_seconds: Median seconds of the server's processor time in a round, start included, by server.
    """

    requests: int
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the result with its ratios."""
        mine, peer = SERVERS
        return {
            "requests": self.requests,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "uvicorn_over_hypercorn_seconds": round(self.seconds[mine] / self.seconds[peer], 2),
            "uvicorn_over_hypercorn_cpu_seconds": round(self.cpu_seconds[mine] / self.cpu_seconds[peer], 2),
        }


def measure(requests: int, rounds: int, *, say: Callable[[str], None]) -> Result:
    """Time both servers in turns, after one round that is not counted.

    Raises:
        BenchmarkError: A server died, or answered wrongly.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in SERVERS}
    for number in range(rounds + 1):
        for name in SERVERS:
            say(f"round {number} of {rounds}: {name}" if number else f"warming up: {name}")
            measured = _round(name, requests)
            if number:
                taken[name].append(measured)

    def medians(which: int) -> dict[str, float]:
        return {name: round(median(one[which] for one in values), 3) for name, values in taken.items()}

    return Result(requests=requests, seconds=medians(0), cpu_seconds=medians(1))


def _round(name: str, requests: int) -> tuple[float, float]:
    """Return the seconds that all requests took, and the server's processor time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        port, descriptor = listener.getsockname()[1], listener.fileno()
        command = [sys.executable, "-m", "benchmarks.http_servers", name, str(descriptor)]
        server = subprocess.Popen(  # noqa: S603 - this module
            command, pass_fds=(descriptor,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        _send(port, 1)
        began = time.perf_counter()
        with ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(lambda _: _send(port, requests // _CLIENTS), range(_CLIENTS)))
        seconds = time.perf_counter() - began
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{name} failed: {error}") from error
    finally:
        server.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(server.pid, 0)
        server.returncode = 0
    return seconds, usage.ru_utime + usage.ru_stime


def _send(port: int, requests: int) -> None:
    """Put objects over one connection, as an SDK does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in range(requests):
        connection.request("PUT", f"/bucket/{number}", body=_BODY, headers={"X-Amz-Date": "20261129T000000Z"})
        answer = connection.getresponse()
        if answer.status != _CREATED or answer.read() != _ANSWER:
            raise BenchmarkError(f"the server answered {answer.status}")
    connection.close()


async def _application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's shapes
    """Read a request whole and answer it, as the local cloud's front does."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body", False):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
    await send({"type": "http.response.start", "status": _CREATED, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


def _serve(name: str, descriptor: int) -> None:
    if name == "uvicorn":
        from local_cloud.http_server import serve  # noqa: PLC0415 - each server's process imports its own alone

        asyncio.run(serve(_application, socket.socket(fileno=descriptor)))
        return
    from hypercorn.asyncio import serve as serve_by_hypercorn  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    config = Config()
    config.bind = [f"fd://{descriptor}"]
    asyncio.run(serve_by_hypercorn(_application, config))


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
