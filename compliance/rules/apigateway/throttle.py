"""Each stage of an API, and each route that has settings of its own, is throttled."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.apis import HTTP_STAGE, REST_STAGE
from compliance.cfn.reading import a_list, a_map, a_number
from compliance.cfn.templates import Json, Resource, World
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by

_LIMITS: Final = ("ThrottlingRateLimit", "ThrottlingBurstLimit")


def _complaints(stage: Resource, _world: World) -> Iterator[str]:
    if stage.type == HTTP_STAGE:
        default = a_map(stage.properties.get("DefaultRouteSettings"), "DefaultRouteSettings")
        yield from _unlimited(default, "DefaultRouteSettings")
        for route, settings in a_map(stage.properties.get("RouteSettings"), "RouteSettings").items():
            yield from _unlimited(a_map(settings, route), f"RouteSettings of {route}")
        return
    every_method = False
    for index, part in enumerate(a_list(stage.properties.get("MethodSettings"), "MethodSettings")):
        settings = a_map(part, f"MethodSettings[{index}]")
        every_method |= settings.get("HttpMethod") == "*" and settings.get("ResourcePath") == "/*"
        yield from _unlimited(settings, f"MethodSettings[{index}]")
    if not every_method:
        yield "MethodSettings has no entry for every method (HttpMethod *, ResourcePath /*), so most are not throttled"


def _unlimited(settings: Mapping[str, Json], place: str) -> Iterator[str]:
    for limit in _LIMITS:
        number = a_number(settings.get(limit), f"{place}.{limit}")
        if number is None:
            yield f"{place} has no {limit}, so one client can use up the account's limit"
        elif number <= 0:
            yield f"{limit} of {place} is {number:g}, which lets no request through"


RULE = Rule(
    title="Each stage of an API, and each route with settings of its own, has a rate and a burst limit",
    why=(
        "Without a limit of its own, a stage shares the account's: one client that retries in a loop, as clients do in a "
        "failover, takes it from all the others."
    ),
    fix="Set ThrottlingRateLimit and ThrottlingBurstLimit in the stage's defaults and in each route's own settings.",
    judge=judge_by(_complaints, HTTP_STAGE, REST_STAGE),
    controls=nist("SC-5", "CP-10") + hipaa("164.308(a)(7)(i)"),
)
