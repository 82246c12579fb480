"""A health check is enabled and detects a failure within 90 seconds."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.failover_records import HEALTH_CHECK
from compliance.cfn.reading import require_bool, require_mapping, require_number, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ENDPOINT: Final = ("HTTP", "TCP")
_INTERVAL: Final = 30
_FAILURES: Final = 3
"""Defaults of Route 53: a request every 30 seconds, three failures in a row."""
_LONGEST: Final = 90
"""Seconds until the failover begins; the records' TTL comes on top."""
_FLAGS: Final = {
    "Disabled": "Route 53 then calls the endpoint healthy forever",
    "Inverted": "Route 53 then calls the endpoint healthy when it is not",
}


def _violations(check: Resource, _world: TemplateSet) -> Iterator[str]:
    settings = require_mapping(check.properties.get("HealthCheckConfig"), "HealthCheckConfig")
    for flag, consequence in _FLAGS.items():
        if require_bool(settings.get(flag), flag):
            yield f"{flag} is true; {consequence}"
    kind = require_text(settings.get("Type"), "Type") or ""
    if kind.startswith(_ENDPOINT):
        yield from _of_endpoint(settings)


def _of_endpoint(settings: Mapping[str, Json]) -> Iterator[str]:
    if is_absent(settings.get("FullyQualifiedDomainName")) and is_absent(settings.get("IPAddress")):
        yield "it has no endpoint; set FullyQualifiedDomainName or IPAddress"
    interval = require_number(settings.get("RequestInterval"), "RequestInterval") or _INTERVAL
    failures = require_number(settings.get("FailureThreshold"), "FailureThreshold") or _FAILURES
    if interval * failures > _LONGEST:
        yield f"it takes {interval * failures:g} seconds to call an endpoint unhealthy; at most {_LONGEST}"


RULE = Rule(
    title="A health check is neither disabled nor inverted, has an endpoint, and decides within 90 seconds",
    why="A check that was disabled for a test, and not enabled again, keeps sending clients to a region that is down.",
    fix=(
        "Remove Disabled and Inverted from HealthCheckConfig (to move clients by hand, promote the other region), and keep "
        "RequestInterval times FailureThreshold at 90 or less."
    ),
    judge=rule_from(_violations, HEALTH_CHECK),
    controls=nist("CP-10", "SI-4") + hipaa("164.308(a)(7)(i)"),
)
