"""Each stage of an API, and each route with settings of its own, is throttled."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.apis import HTTP_STAGE, REST_STAGE
from compliance.cfn.reading import require_list, require_mapping, require_number
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_LIMITS: Final = ("ThrottlingRateLimit", "ThrottlingBurstLimit")


def _violations(stage: Resource, _world: TemplateSet) -> Iterator[str]:
    if stage.type == HTTP_STAGE:
        default = require_mapping(stage.properties.get("DefaultRouteSettings"), "DefaultRouteSettings")
        yield from _unlimited(default, "DefaultRouteSettings")
        for route, settings in require_mapping(stage.properties.get("RouteSettings"), "RouteSettings").items():
            yield from _unlimited(require_mapping(settings, route), f"RouteSettings of {route}")
        return
    every_method = False
    for index, part in enumerate(require_list(stage.properties.get("MethodSettings"), "MethodSettings")):
        settings = require_mapping(part, f"MethodSettings[{index}]")
        every_method |= settings.get("HttpMethod") == "*" and settings.get("ResourcePath") == "/*"
        yield from _unlimited(settings, f"MethodSettings[{index}]")
    if not every_method:
        yield "MethodSettings has no entry for every method (HttpMethod *, ResourcePath /*), so most are not throttled"


def _unlimited(settings: Mapping[str, Json], place: str) -> Iterator[str]:
    for limit in _LIMITS:
        number = require_number(settings.get(limit), f"{place}.{limit}")
        if number is None:
            yield f"{place} has no {limit}, so one client can use up the account's limit"
        elif number <= 0:
            yield f"{limit} of {place} is {number:g}, which lets no request through"


RULE = Rule(
    title="Each stage of an API, and each route with settings of its own, has a rate and a burst limit",
    why=(
        "A stage without a limit shares the account's limit. One client that retries in a loop, as clients do in a "
        "failover, uses up the capacity of all others."
    ),
    fix="Set ThrottlingRateLimit and ThrottlingBurstLimit in the stage's defaults and in each route's own settings.",
    judge=rule_from(_violations, HTTP_STAGE, REST_STAGE),
    controls=nist("SC-5", "CP-10") + hipaa("164.308(a)(7)(i)"),
)
