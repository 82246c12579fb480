"""The server process: ministack with the shims, on a loopback socket that its parent opened.

Run as `python -m local_cloud.launcher --listener=<file descriptor>` by `server_process`, which also sets the environment
that ministack reads when it is imported. Not meant to be started by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from ministack import app as ministack_app

from local_cloud import admission, caching, control, hazards, regions, shims, workers
from local_cloud.clock import clock
from local_cloud.http_server import serve
from local_cloud.name_server import NameServer
from local_cloud.server_process import begin_removal
from local_cloud.shims.health_checkers import checkers

_log = logging.getLogger("local_cloud")
_SWITCH_SECONDS = 0.0005


def main() -> None:
    """Install the shims, serve until SIGTERM or until the parent has ended, and then end every worker."""
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    # One thread, the event loop's, answers everybody, and each of its system calls releases the interpreter: with the
    # usual 5 ms, any other thread that computes delays each answer that long, several times.
    sys.setswitchinterval(_SWITCH_SECONDS)
    clock.factor = arguments.time_factor
    hazards.current.begin(arguments.seed, calm=arguments.calm, slow=arguments.slow)
    if arguments.calm:
        regions.set_outage(regions.Outage.REFUSE)
    shims.install()
    for zone in arguments.hosted_zone:
        identity, _, name = zone.partition("=")
        shims.route53.hold_zone(identity, name)
    admission.install()
    caching.install()
    workers.prepare()
    caching.leave_out_what_stays()
    threading.Thread(target=_stop_with_parent, args=(arguments.folder,), name="parent-watch", daemon=True).start()
    try:
        asyncio.run(_serve(arguments.listener, health_checkers=arguments.health_checkers))
    finally:
        _end_process_group()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of the bound socket")
    parser.add_argument("--folder", type=Path, help="folder to remove if the parent is killed")
    parser.add_argument("--time-factor", type=float, default=1.0, help="factor by which the clocks run faster than AWS's")
    parser.add_argument("--hosted-zone", action="append", default=[], help="ID=NAME of an initial zone")
    parser.add_argument("--seed", type=int, default=0, help="seed of the hazards")
    parser.add_argument("--calm", action="store_true", help="start without hazards")
    parser.add_argument("--slow", action="store_true", help="start with every delay at its longest")
    parser.add_argument("--health-checkers", action="store_true", help="check health periodically")
    return parser.parse_args()


async def _serve(listener: int, *, health_checkers: bool) -> None:
    control.name_server = await NameServer(os.environ["BIND_HOST"]).start()
    if health_checkers:
        checkers.start()
    admitted = admission.Admission(os.environ["AWS_SECRET_ACCESS_KEY"])
    application = control.with_control_surface(ministack_app.app, admitted)
    await serve(application, socket.socket(fileno=listener))


def _stop_with_parent(folder: Path | None) -> None:
    """Block until the pipe to the parent closes, which happens even if the parent was killed."""
    sys.stdin.buffer.read()
    _log.warning("the process that started the local cloud has ended; stopping")
    if folder:
        begin_removal(folder)
    _end_process_group()


def _end_process_group() -> None:
    # Lambda workers belong to this group. SIGKILL, and to itself too, because a pending custom resource's thread
    # would otherwise hold the interpreter for minutes.
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
