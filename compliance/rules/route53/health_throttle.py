"""The route of the health check is not throttled below the health checkers' request rate."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.apis import HEALTH_ROUTES, HTTP_ROUTE, HTTP_STAGE
from compliance.aws.failover_records import HEALTH_CHECK
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_mapping, require_number
from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_CHECKERS: Final = 16
"""Route 53 asks from eight of its regions or more, by two checkers or more in each, which do not wait for one another."""
_LEAST: Final = {"ThrottlingRateLimit": 5.0, "ThrottlingBurstLimit": float(_CHECKERS)}
"""Sixteen ask every ten seconds, which is 1.6 a second for each health check; there are several, and people ask too."""


def _violations(stage: Resource, world: TemplateSet) -> Iterator[str]:
    for route, place, settings in _limits(stage, world):
        for name, least in _LEAST.items():
            limit = require_number(settings.get(name), f"{place}.{name}")
            if limit is not None and limit < least:
                yield (
                    f"{name} of {place} is {limit:g}; {route} is what health checkers ask, {_CHECKERS} of them: at least "
                    f"{least:g}, or Route 53 takes the region for down"
                )


def _limits(stage: Resource, world: TemplateSet) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
    """Yield the routes of a stage that health checkers ask, each with where its limits stand, and these."""
    own = require_mapping(stage.properties.get("RouteSettings"), "RouteSettings")
    default = require_mapping(stage.properties.get("DefaultRouteSettings"), "DefaultRouteSettings")
    for route in sorted({*_routes(stage, world), *own}):
        if not _is_asked(route, world):
            continue
        if route in own:
            yield route, f"RouteSettings of {route}", require_mapping(own[route], route)
        else:
            yield route, "DefaultRouteSettings", default


def _routes(stage: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the routes of the stage's API."""
    for route in of_type(world, HTTP_ROUTE, region=stage.template.region):
        if route.template is stage.template and _is_same_api(route, stage, world):
            for key in branches(route.properties.get("RouteKey")):
                if key is not None:
                    yield render(key, route.template)


def _is_same_api(one: Resource, other: Resource, world: TemplateSet) -> bool:
    mine, theirs = (
        None if is_absent(value) else named(value, each.template, world)
        for each in (one, other)
        for value in [each.properties.get("ApiId")]
    )
    return mine is not None and mine is theirs


def _is_asked(route: str, world: TemplateSet) -> bool:
    method, _, path = route.partition(" ")
    return HEALTH_ROUTES.fullmatch(route) is not None or (method in {"ANY", "GET"} and path in _asked(world))


@cached
def _asked(world: TemplateSet) -> frozenset[str]:
    """Return the paths that health checks of the world ask."""
    found = set()
    for check in of_type(world, HEALTH_CHECK):
        try:
            for properties in branches(check.properties):
                settings = require_mapping(properties.get("HealthCheckConfig"), "HealthCheckConfig")
                if not is_absent(settings.get("ResourcePath")):
                    found.add(render(settings["ResourcePath"], check.template).partition("?")[0])
        except UnresolvedError:
            continue  # ActivePassive-Route53HealthEnabled says that it cannot be read.
    return frozenset(found)


RULE = Rule(
    title="A health check's route is throttled no lower than the health checkers' request rate",
    why=(
        "A throttled health checker gets 429 and counts the region as down. A limit below the checkers' own rate makes "
        "every region unhealthy, and moves clients without need."
    ),
    fix="Set the route's ThrottlingRateLimit to 5 a second and its ThrottlingBurstLimit to 16, or more.",
    judge=rule_from(_violations, HTTP_STAGE, applies=lambda stage, world: any(True for _ in _limits(stage, world))),
    controls=nist("CP-10", "SC-5", "SI-4") + hipaa("164.308(a)(7)(i)"),
)
