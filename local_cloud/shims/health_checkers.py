"""Route 53's health checkers: their observations of endpoints and metrics, and the state that follows.

They check periodically. In a cloud without them, each request for a status makes one check. They belong to no region, so no
outage stops them.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import http.client
import logging
import os
import re
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from ministack import app
from ministack.core.responses import get_account_id, request_scope
from ministack.services import route53

from local_cloud import regions
from local_cloud.clock import clock
from local_cloud.shims import alarms

_API_HOST: Final = re.compile(r"^(?P<api>[a-z0-9]+)\.execute-api\.(?P<region>[a-z0-9-]+)\.")
_TIMEOUT_SECONDS: Final = 4.0
_USUAL_INTERVAL_SECONDS: Final = 30
_USUAL_THRESHOLD: Final = 3
_HEALTHY_BELOW: Final = 400
_TICK_SECONDS: Final = 0.05
_AT_ONCE: Final = 8
_log: Final = logging.getLogger("local_cloud.health")

COPY: Final = "CopiedAlarm"
"""Key of a health check's configuration: the alarm's settings at the time of the check's creation or update."""


@dataclass
class _Seen:
    """The state of an endpoint's checker.

    Attributes:
        healthy: Whether the endpoint counts as healthy; True until there is enough data.
        contrary: Number of consecutive checks that contradict the state.
        observation: The result of the last check.
        due: Time of the next check on the monotonic clock; infinite during a check.
    """

    healthy: bool = True
    contrary: int = 0
    observation: str = "no check has ended yet"
    due: float = 0.0

    def note(self, healthy: bool, observation: str, threshold: int) -> None:  # noqa: FBT001  what was seen
        """Add a check. Consecutive contrary checks, as many as the threshold, change the state."""
        self.observation = observation
        self.contrary = 0 if healthy == self.healthy else self.contrary + 1
        if self.contrary >= threshold:
            self.healthy, self.contrary = healthy, 0


class Checkers:
    """The state of every health check."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._last_known: dict[str, bool] = {}
        self._by_clock = False

    def start(self) -> None:
        """Start the periodic checks."""
        self._by_clock = True
        threading.Thread(target=self._run, name="health-checkers", daemon=True).start()

    def state(self, identity: str) -> tuple[bool, str]:
        """Return whether a health check is healthy, and its observation. It may check: never call it on the event loop."""
        check = route53._health_checks.get(identity)
        if check is None:
            return False, f"there is no health check {identity}"
        configuration = check["config"]
        if configuration.get("Disabled"):
            healthy, observation = True, "the health check is disabled"
        elif configuration["Type"] == "CALCULATED":
            healthy, observation = self._calculate(configuration)
        elif configuration["Type"] == "CLOUDWATCH_METRIC":
            healthy, observation = self._read_metric(identity, configuration)
        elif self._by_clock:
            seen = self._seen.setdefault(identity, _Seen())
            healthy, observation = seen.healthy, seen.observation
        else:
            healthy, observation = _probe(configuration)
        return healthy != bool(configuration.get("Inverted")), observation

    def _calculate(self, configuration: dict[str, Any]) -> tuple[bool, str]:
        verdicts = [self.state(child)[0] for child in configuration.get("ChildHealthChecks", [])]
        healthy, needed = sum(verdicts), configuration.get("HealthThreshold", len(verdicts))
        return healthy >= needed, f"{healthy} of {len(verdicts)} child health checks are healthy; {needed} are needed"

    def _read_metric(self, identity: str, configuration: dict[str, Any]) -> tuple[bool, str]:
        """Read the metric by the copied settings of its alarm. The alarm's state and later changes have no effect."""
        name, region = configuration["AlarmIdentifier"]["Name"], configuration["AlarmIdentifier"]["Region"]
        breaching = _is_breaching(configuration.get(COPY), region)
        if breaching is not None:
            self._last_known[identity] = not breaching
            return not breaching, f"the metric of the alarm {name} in {region} is {'' if breaching else 'not '}breaching"
        on_silence = configuration.get("InsufficientDataHealthStatus", "LastKnownStatus")
        known = self._last_known.get(identity, True)
        healthy = known if on_silence == "LastKnownStatus" else on_silence == "Healthy"
        return healthy, f"no data of the alarm {name} in {region}, which counts as {on_silence}"

    def _run(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="health-check") as pool:
            while True:
                time.sleep(_TICK_SECONDS)
                try:
                    self._tick(pool)
                except Exception:  # noqa: BLE001  a bad moment must not end the clock
                    _log.exception("health could not be checked")

    def _tick(self, pool: ThreadPoolExecutor) -> None:
        existing = route53._health_checks.to_dict()
        for (account, identity), check in existing.items():
            kind, configuration = check["config"]["Type"], check["config"]
            if configuration.get("Disabled") or kind == "CALCULATED":
                continue
            if kind == "CLOUDWATCH_METRIC":
                # What is known last must have been looked at while it could be.
                with request_scope(account, configuration["AlarmIdentifier"]["Region"]):
                    self._read_metric(identity, configuration)
                continue
            seen = self._seen.setdefault(identity, _Seen())
            now = time.monotonic()
            if seen.due <= now:
                seen.due = float("inf")
                pool.submit(self._look, seen, configuration)

    def _look(self, seen: _Seen, configuration: dict[str, Any]) -> None:
        try:
            seen.note(*_probe(configuration), int(configuration.get("FailureThreshold") or _USUAL_THRESHOLD))
        except Exception:  # noqa: BLE001  nothing reads the pool's result
            _log.exception("a health check could not be made")
        finally:
            # From the response to the next request:
            # https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html
            seen.due = time.monotonic() + clock.seconds(int(configuration.get("RequestInterval") or _USUAL_INTERVAL_SECONDS))


checkers: Final = Checkers()


def _is_breaching(alarm: dict[str, Any] | None, region: str) -> bool | None:
    if alarm is None or regions.is_down(region):
        return None
    with request_scope(get_account_id(), region):
        return alarms.is_breaching(alarm)


def _probe(configuration: dict[str, Any]) -> tuple[bool, str]:
    url, headers = _endpoint(configuration)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  the scheme is http or https
    try:
        with opener.open(request, timeout=timeout_of(headers.get("Host", ""))) as response:
            text = response.read(5120).decode(errors="replace")
            found = configuration.get("SearchString", "") in text
            return response.status < _HEALTHY_BELOW and found, f"HTTP status code {response.status}, from {url}"
    except urllib.error.HTTPError as error:
        return False, f"HTTP status code {error.code}, from {url}"
    except (OSError, http.client.HTTPException) as error:  # the latter of a response that is no HTTP
        return False, f"{error}, from {url}"


def timeout_of(host: str) -> float:
    """Return the timeout of a check, in the clock's time for a lost region; a busy machine needs its own for others."""
    api = _API_HOST.match(host)
    is_lost = api is not None and not regions.is_running(api["region"])
    return clock.seconds(_TIMEOUT_SECONDS) if is_lost else _TIMEOUT_SECONDS


def _endpoint(configuration: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the URL of a check and its headers. AWS's names do not resolve here, so an API is called on this server."""
    host = configuration.get("FullyQualifiedDomainName") or configuration.get("IPAddress", "")
    path = configuration.get("ResourcePath", "/")
    if _API_HOST.match(host) or app._resolve_custom_domain_request(host, path):
        return f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}{path}", {"Host": host}
    scheme = "https" if configuration["Type"].startswith("HTTPS") else "http"
    return f"{scheme}://{host}:{configuration.get('Port', 443 if scheme == 'https' else 80)}{path}", {}
