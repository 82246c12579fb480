"""A health check says what it sees."""

from collections.abc import Iterator
from typing import Final

from compliance.complaints import judge_by
from compliance.controls import hipaa, nist
from compliance.reading import a_flag, a_map
from compliance.rule import Rule
from compliance.rules.failover_records import HEALTH_CHECK
from compliance.templates import Resource, World

_FLAGS: Final = {
    "Disabled": "Route 53 then calls the endpoint healthy for ever",
    "Inverted": "Route 53 then calls the endpoint healthy when it is not",
}


def _complaints(check: Resource, _world: World) -> Iterator[str]:
    settings = a_map(check.properties.get("HealthCheckConfig"), "HealthCheckConfig")
    for flag, consequence in _FLAGS.items():
        if a_flag(settings.get(flag), flag):
            yield f"{flag} is true; {consequence}"


RULE = Rule(
    id="ActivePassive-HealthEnabled",
    title="A health check is neither disabled nor inverted",
    why="A check that was disabled for a test and left so keeps sending clients to a region that is down.",
    fix="Remove Disabled and Inverted from HealthCheckConfig; to move clients by hand, promote the other region.",
    judge=judge_by(_complaints, HEALTH_CHECK),
    controls=nist("CP-10", "SI-4") + hipaa("164.308(a)(7)(i)"),
)
