"""Serve the web page on loopback, to this user only."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

from local_cloud.browsers import has_token, of_a_page
from local_cloud.fault_injector import FaultInjector
from local_cloud.faults import FAULTS
from local_cloud.server_process import HOST, TOKEN_HEADER, LocalCloudError
from local_cloud.testbed.commands import Commands, last_lines
from local_cloud.testbed.run_folder import CHECKOUT
from local_cloud.web_page.watch import Platform
from operations.errors import RunFailure
from operations.selection import select
from operations.target import Target
from reporting.self_contained import Page

_REPORTS: Final = CHECKOUT / "reports"
_PAGES: Final = (
    "compliance/index.html",
    "simulation/report.html",
    "drift/index.html",
    "e2e/index.html",
    "drill/*/index.html",
)
_SHOWN: Final = 12
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SANDBOX: Final = {"Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'none'"}
"""A report's script has no access to the page: the report is shown as of an origin of its own."""


class PageServer:
    """Serves the page of a platform until the block ends. A context manager.

    Args:
        target: The platform.
        target_file: The file that describes it to the commands of `operations`.
        reports: The folder of the reports.
    """

    def __init__(self, target: Target, target_file: Path, *, reports: Path = _REPORTS) -> None:
        # What the page tells the user to type.
        select(target, unverified=False, options=" --local")
        self._target, self._target_file, self._reports = target, target_file, reports
        self._injector = FaultInjector(str(target.endpoint_url), target.secret())
        self._commands = Commands()
        self._one_command = threading.Lock()
        self._log = target_file.with_name("web-page.log")
        self._name = self._outcome = ""
        self._secret = secrets.token_urlsafe(30)
        self._reading_secret = secrets.token_urlsafe(30)
        self._platform = Platform(target, self._injector)
        self._html = Page(Path(__file__).parent, is_served=True).render(
            target=target,
            faults={name: one for name, one in FAULTS.items() if not one.is_between},
            between={name: one for name, one in FAULTS.items() if one.is_between},
            token_header=TOKEN_HEADER,
        )
        self._server = _Server((HOST, 0), type("Handler", (_Handler,), {"page": self}))
        self.origin = f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="web-page", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._commands.stop()

    @property
    def url(self) -> str:
        """The page's address. A browser sends no server the part with the secret, after the `#`."""
        return f"{self.origin}/#{self._secret}"

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> str:
        """Return why a request is refused, or ""."""
        host = headers.get("host", "")
        if f"http://{host}" != self.origin:
            return f"Host {host!r} is not served: {self.origin.removeprefix('http://')} is."
        if reason := of_a_page(headers, self.origin):
            return reason
        if method == "GET" and (path == "/" or path.startswith(f"/reports/{self._reading_secret}/")):
            return ""
        return "" if has_token(headers, self._secret) else f"The header {TOKEN_HEADER} with the page's secret is missing."

    def get(self, path: str) -> tuple[bytes, str] | None:
        """Return the content and the type of a path; None if there is none."""
        if path == "/":
            return self._html.encode(), "text/html; charset=utf-8"
        if path == "/state":
            state = {**self._platform.state(), "reports": self._listed(), "command": self._command()}
            return json.dumps(state).encode(), "application/json"
        wanted = unquote(path.removeprefix(f"/reports/{self._reading_secret}/"))
        for file in self._files():
            if wanted == file.relative_to(self._reports).as_posix():
                return file.read_bytes(), "text/html; charset=utf-8"
        return None

    def post(self, path: str) -> bool:
        """Set a fault, or start a command, whose output the state shows; return whether there is such a path.

        Raises:
            LocalCloudError: The cloud refused a fault.
            RunFailure: Another command still runs.
        """
        match path.removeprefix("/").split("/"):
            case ("fault", name, region, ("on" | "off") as state) if name in FAULTS and region in self._target.regions:
                FAULTS[name].switch(self._injector, region, state == "on")
            case ("promote", region) if region in self._target.regions:
                self._operate("promote", region, "--yes")
            case ("failback",):
                self._operate("failback", "--yes")
            case _:
                return False
        return True

    def _operate(self, *arguments: str) -> None:
        if not self._one_command.acquire(blocking=False):
            raise RunFailure(f"{self._name} still runs. Type the command in a terminal, or wait until it ends.")
        self._name, self._outcome = f"lockstep {arguments[0]}", "runs"
        self._log.write_text("", "utf-8")
        threading.Thread(target=self._run, args=arguments, name="web-page-command", daemon=True).start()

    def _run(self, *arguments: str) -> None:
        # In a process of its own: the guard of a promotion refuses all calls of its process to the other region.
        command = [sys.executable, "-m", "operations", "--target", str(self._target_file), "--account", self._target.account]
        try:
            self._commands.run_logged([*command, *arguments], what=self._name, log=self._log, cwd=CHECKOUT, env=os.environ)
            self._outcome = "done"
        except (RunFailure, OSError):
            self._outcome = "refused"
        finally:
            self._one_command.release()

    def _command(self) -> str:
        """Return the last command, whether it still runs, and its last lines; "" before the first one."""
        return f"{self._name}: {self._outcome}. {last_lines(self._log)}" if self._outcome else ""

    def _files(self) -> list[Path]:
        found = [one for pattern in _PAGES for one in self._reports.glob(pattern) if not one.parent.is_symlink()]
        return sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)[:_SHOWN]

    def _listed(self) -> list[dict[str, str]]:
        names = [one.relative_to(self._reports).as_posix() for one in self._files()]
        return [{"name": name, "path": f"/reports/{self._reading_secret}/{name}"} for name in names]


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Print nothing: a browser may close a connection at any time."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    page: PageServer
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, *_: object) -> None:
        """Log nothing: the terminal shows what to copy."""

    def version_string(self) -> str:
        """Return the value of the header `Server`."""
        return "lockstep"

    def _get(self) -> tuple[HTTPStatus, bytes, dict[str, str]]:
        found = self.page.get(self.path)
        if found is None:
            return _json(HTTPStatus.NOT_FOUND, f"There is no {self.path}.")
        extra = _SANDBOX if self.path.startswith("/reports/") else {}
        return HTTPStatus.OK, found[0], {"Content-Type": found[1], **extra}

    def _post(self) -> tuple[HTTPStatus, bytes, dict[str, str]]:
        try:
            is_known = self.page.post(self.path)
        except (LocalCloudError, RunFailure) as error:
            # A refusal is an answer too: a browser notes each other status as an error of the page.
            return _json(HTTPStatus.OK, str(error), is_done=False)
        if not is_known:
            return _json(HTTPStatus.NOT_FOUND, f"There is no {self.path}.")
        return _json(HTTPStatus.OK, "", is_done=True)

    def _answer(self, act: Callable[[], tuple[HTTPStatus, bytes, dict[str, str]]]) -> None:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
        refusal = self.page.refusal(self.command, self.path, headers)
        status, body, extra = _json(HTTPStatus.FORBIDDEN, refusal) if refusal else act()
        self.send_response(status)
        for name, value in {**_HEADERS, **extra, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json(status: HTTPStatus, message: str, **more: bool) -> tuple[HTTPStatus, bytes, dict[str, str]]:
    return status, json.dumps({"message": message, **more}).encode(), {"Content-Type": "application/json"}
