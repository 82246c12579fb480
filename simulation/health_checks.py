"""Route 53: health checks from outside both regions, and the region that it routes clients to.

The PRIMARY record is healthy while `/ready` of the primary answers, and neither of the secondary's alarms `peer-unhealthy`
and `force-failover` is in ALARM; the SECONDARY record depends on its own `/ready`. If neither is healthy, Route 53 answers
PRIMARY (docs/adr/0013-routing.md).
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from botocore.exceptions import BotoCoreError

from simulation.http_api import api_url
from simulation.plan import PRIMARY, REGIONS, SECONDARY
from simulation.scheduler import Process
from simulation.web import Web
from simulation.world import World

INTERVAL_SECONDS: Final = 30.0
"""Seconds between two requests to an endpoint, in an environment that is not protected."""
FAILURES: Final = 3
"""Number of consecutive results that change an endpoint's state."""
RECORD_SECONDS: Final = 60.0
"""Seconds for which a client caches an answer."""
_ANSWER_SECONDS: Final = 2.0
"""Seconds within which an endpoint must answer."""
_OK: Final = 200


@dataclass
class HealthChecks:
    """The checks and the failover records of both regions."""

    world: World
    web: Web
    is_ready: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(REGIONS, True))
    is_over: bool = False
    _streaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REGIONS, 0))
    _is_forced: bool = False
    _answers: list[tuple[float, str]] = field(default_factory=list)

    def begin(self) -> None:
        """Check both endpoints until the end of the history."""
        for place, name in enumerate(REGIONS):
            process = Process(self.world.scheduler, "Route 53", "outside both regions")
            process.start(partial(self._ask, process, place, name), lambda: None)

    def answer(self) -> str:
        """Return the region in Route 53's answer."""
        return SECONDARY if self.is_ready[SECONDARY] and not self._is_primary_healthy() else PRIMARY

    def resolve(self, *what: object) -> str:
        """Return the region of a client, which may cache an answer for the record's time to live."""
        asked_at = self.world.now - RECORD_SECONDS * self.world.chance.unit("resolved", *what)
        return next((region for moment, region in reversed(self._answers) if moment <= asked_at), PRIMARY)

    def _is_primary_healthy(self) -> bool:
        secondary = self.world.regions[SECONDARY]
        if not secondary.is_destroyed and self.world.now >= secondary.dark_until:
            states = secondary.cloudwatch.states
            self._is_forced = states.get("force-failover") == "ALARM"  # silence: the last known status
            if states.get("peer-unhealthy") == "ALARM":  # silence: healthy
                return False
        return self.is_ready[PRIMARY] and not self._is_forced

    def _ask(self, process: Process, place: int, name: str) -> None:
        process.wait(7.0 + 11 * place)
        while not self.is_over:
            try:
                answer = self.web.send("GET", f"{api_url(name)}/ready", seconds=_ANSWER_SECONDS)
                self._count(name, is_healthy=answer.status_code == _OK)
            except BotoCoreError:
                self._count(name, is_healthy=False)
            if not self._answers or self._answers[-1][1] != self.answer():
                self._answers.append((self.world.now, self.answer()))
                self.world.note(self.world.regions[name], "Route 53", "answers with", self.answer())
            process.wait(INTERVAL_SECONDS)

    def _count(self, name: str, *, is_healthy: bool) -> None:
        self._streaks[name] = 0 if is_healthy is self.is_ready[name] else self._streaks[name] + 1
        if self._streaks[name] >= FAILURES:
            self._streaks[name], self.is_ready[name] = 0, is_healthy
