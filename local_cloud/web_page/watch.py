"""Read the platform in threads, so that a region that does not answer delays nobody."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.fault_injector import FaultInjector
from local_cloud.faults import FAULTS
from local_cloud.server_process import LocalCloudError
from operations import status, status_table
from operations.attribute_values import Wire
from operations.errors import RunFailure
from operations.files import Files, Found, file_key_of
from operations.status import RegionStatus
from operations.target import Target
from reporting.text import one_line

T = TypeVar("T")

LIMIT_SECONDS: Final = 5.0
"""A reading that takes longer counts as no answer. A lost region's own time limits end within that time."""
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)
"""Errors of the code that reads rows, at a malformed one."""
_WAIT_SECONDS: Final = 1.0
_FILES: Final = 12
_PAUSE: Final = 9
"""A bucket is listed whole, because S3 lists by key and not by time. It is listed again after that many durations."""


class Watch(Generic[T]):
    """Reads something in a thread of its own, once for each demand.

    Args:
        read: Returns what it read, and whether that is an answer.

    Attributes:
        value: What was read last; None before the first reading.
    """

    def __init__(self, read: Callable[[], tuple[T, bool]]) -> None:
        self._read = read
        self._wanted, self._done = threading.Event(), threading.Event()
        self._unanswered_since: float | None = None
        self.value: T | None = None
        threading.Thread(target=self._run, name="web-page-watch", daemon=True).start()

    def demand(self) -> None:
        """Start a reading, unless one is in progress: it counts for this demand too."""
        if self._unanswered_since is None:
            self._unanswered_since = time.monotonic()
        self._done.clear()
        self._wanted.set()

    def wait(self, deadline: float) -> None:
        """Wait until the reading has ended, or until the monotonic clock shows `deadline`."""
        self._done.wait(max(0.0, deadline - time.monotonic()))

    @property
    def silent_seconds(self) -> float:
        """Seconds since the first demand that has no answer; 0 if each has one."""
        since = self._unanswered_since
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self.value, answers = self._read()
            if answers:
                self._unanswered_since = None
            self._done.set()


class Platform:
    """Watches both regions of a platform and the faults of its local cloud.

    Args:
        target: The platform.
        injector: The faults of the cloud that it runs on.
    """

    def __init__(self, target: Target, injector: FaultInjector) -> None:
        self._target = target
        self._injector = injector
        self._files: dict[str, Files] = {}
        self._listed: dict[str, list[tuple[datetime, str, str]]] = {}
        self._list_again: dict[str, float] = {}
        self._rows: dict[str, dict[str, dict[str, dict[str, Wire]]]] = {one: {} for one in target.regions}
        self._regions = {one: Watch(lambda one=one: self._read(one)) for one in target.regions}  # type: ignore[misc]
        self._health = Watch(self._read_health)

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as JSON. A region that has no answer within a second is shown as it was."""
        deadline = time.monotonic() + _WAIT_SECONDS
        watches: list[Watch[Any]] = [*self._regions.values(), self._health]
        for watch in watches:
            watch.demand()
        for watch in watches:
            watch.wait(deadline)
        found = [self._status(one) for one in self._target.regions]
        shown = status_table.as_dict(self._target, found, now=time.time())
        for region in shown["regions"]:
            region["silent_seconds"] = round(self._regions[region["region"]].silent_seconds)
        return {
            **shown,
            "faults": self._faults(),
            "cloud_silent_seconds": self._health.silent_seconds if self._health.silent_seconds > LIMIT_SECONDS else 0,
            "files": self._newest(),
        }

    def _status(self, region: str) -> RegionStatus:
        """Return the last reading, unless it is older than the limit."""
        watch = self._regions[region]
        is_late = watch.silent_seconds > LIMIT_SECONDS and watch.value and watch.value.claims is not None
        return RegionStatus(region) if watch.value is None or is_late else watch.value

    def _faults(self) -> dict[str, list[str]]:
        """Return the regions in which each fault is active."""
        health, regions = self._health.value, self._target.regions
        if not health:
            return {}
        return {name: [one for one in regions if fault.is_active(health, one)] for name, fault in FAULTS.items()}

    def _newest(self) -> list[dict[str, Any]]:
        """Return the newest objects, with their state in each replica that answers."""
        answering = [one for one in self._target.regions if self._status(one).claims is not None]
        shown = []
        for stored_at, identity, key in self._stored():
            rows = {one: self._rows[one].get(identity, {}) for one in answering}
            found = Found(identity, key, rows)
            states = {region: one_line(_state(found, region)) for region in self._target.regions}
            shown.append(
                {"key": one_line(file_key_of(key)), "stored_at": f"{stored_at:%Y-%m-%d %H:%M:%S}", "states": states}
            )
        return shown

    def _stored(self) -> list[tuple[datetime, str, str]]:
        """Return the time, the id and the key of the newest objects of both buckets, newest first."""
        held = sorted(one for listed in tuple(self._listed.values()) for one in listed)
        return heapq.nlargest(_FILES, {identity: (at, identity, key) for at, identity, key in reversed(held)}.values())

    def _read(self, region: str) -> tuple[RegionStatus, bool]:
        found = status.look_at(self._target, region)
        if found.claims is None:
            return found, False
        try:
            files = self._files.get(region) or Files(self._target, [region])
            began = time.perf_counter()
            if began >= self._list_again.get(region, began):
                self._listed[region] = files.newest(_FILES)
                ended = time.perf_counter()
                self._list_again[region] = ended + _PAUSE * (ended - began)
            self._rows[region] = {one: files.rows(one)[region] for _, one, _ in self._stored()}
            self._files[region] = files
        except (ClientError, BotoCoreError, RunFailure, *_MALFORMED) as error:
            # It leaves out a region that has failed.
            self._files.pop(region, None)
            found.problems.append(f"the newest files: {error}")
        return found, True

    def _read_health(self) -> tuple[dict[str, Any], bool]:
        try:
            return self._injector.health(), True
        except LocalCloudError:
            return {}, False


def _state(found: Found, region: str) -> str:
    try:
        return found.state(region)
    except _MALFORMED as error:
        return f"a row is malformed: {error}"
