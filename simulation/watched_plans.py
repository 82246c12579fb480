"""Draw the plans of watched histories, and choose the kind of plan for a seed."""

from dataclasses import replace
from typing import Any, Final

from simulation.chance import Chance, Shape
from simulation.drawing import draw, draw_busy, draw_duel, draw_long, draw_long_wait, draw_reprocessed, draw_storm
from simulation.plan import (
    CALL_FAULTS,
    PRIMARY,
    REGIONS,
    SECONDARY,
    Fault,
    Kind,
    Plan,
    Upload,
    Watch,
)

_HORIZON: Final = 900.0
_SETTLE: Final = 1260.0
"""Seconds: the longest lag, and the longest time until an observer's alarm ends."""
QUIET_SECONDS: Final = 2700.0
"""Seconds after the observers: five visibility timeouts and the longest lag."""
_QUIET_BEFORE: Final = 7200.0
"""Seconds until the digests of the first hour are compared."""
_FAILBACK_FAULTS: Final = (
    (Kind.LAG, 0.7, SECONDARY, 900.0),
    (Kind.OUTAGE, 0.7, SECONDARY, 900.0),
    (Kind.OUTAGE, 0.2, PRIMARY, 300.0),
    (Kind.SILENCE, 0.3, PRIMARY, 900.0),
    (Kind.PARTITION, 0.2, PRIMARY, 600.0),
    (Kind.BLACKOUT, 0.1, PRIMARY, 300.0),
)
"""The faults before a failback: kind, probability, region, longest duration in seconds."""
_LATE: Final = 900.0
"""Factor of the lag of a late file."""
LONGEST_LAG: Final = 600.0
CALM_SECONDS: Final = 0.5
"""Seconds of the slowest call of a healthy region after the faults. Before, and in other histories, one call in 160 takes
three
seconds. A canary makes some twenty calls, so it would be late more often than its alarm allows, and the alarm at the end
would be false."""
_OBSERVED: Final = 150
"""Number of histories for each one with observers, which run every minute and cost as much as some dozen others."""
_RECONCILED: Final = 40
_FAILED_BACK: Final = 500
_SELDOM: Final = (
    (75, 3, draw_busy),
    (300, 17, draw_long_wait),
    (60, 14, draw_reprocessed),
    (24, 7, draw_long),
    (24, 19, draw_duel),
    (20, 13, draw_storm),
)
"""One history in so many, its place among them, and its plan."""


def plan_of(seed: int, *, objects: int | None = None) -> Plan:
    """Return the plan that a run draws for a seed."""
    if seed % _OBSERVED == _OBSERVED - 1:
        return draw_observed(seed)
    if objects is None and seed % _FAILED_BACK == 300:  # noqa: PLR2004 - any place in five hundred
        return draw_failback(seed)
    if seed % _RECONCILED == 9:  # noqa: PLR2004 - any place in forty
        return draw_reconciled(seed, objects=objects)
    for every, place, drawn in _SELDOM:
        if objects is None and seed % every == place:
            return drawn(seed)
    return draw(seed, objects=objects)


def draw_reconciled(seed: int, *, objects: int | None = None) -> Plan:
    """Return a plan with reconcilers on their own schedule and their alarms; a schedule may fall silent for an hour."""
    plan, chance = draw(seed, objects=objects), Chance(seed)
    faults = [*plan.faults, *_at_once(chance, plan)]
    if chance.happens(0.3, "plan", "silence"):
        region = REGIONS[chance.below(2, "plan", "silent")]
        faults.append(Fault(Kind.SILENCE, region, round(300 * chance.unit("plan", "silent at"), 3), lasts=3200.0))
    faults.sort(key=lambda one: (one.at, one.kind, one.region))
    return replace(plan, watch=Watch.RECONCILERS, faults=tuple(faults))


def _at_once(chance: Chance, plan: Plan) -> list[Fault]:
    """Return a redrive, a deletion and a promotion at the moment at which the reconcilers run."""
    found = []
    for number, upload in enumerate(plan.uploads):
        at = 300.0 * (4 + chance.below(6, "plan", "at once", number)) + 10 * chance.unit("plan", "just then", number)
        kinds = (Kind.REDRIVE, Kind.DELETE, Kind.PROMOTE, Kind.LOSE_RECORD, Kind.LOSE_IN_REPLICA)
        kind = kinds[chance.below(len(kinds), "plan", "kind at once", number)]
        if chance.happens(0.15, "plan", "something at once", number):
            region = REGIONS[chance.below(2, "plan", "region at once", number)]
            found.append(Fault(kind, region, round(at, 3), name=upload.name))
    return found


def draw_observed(seed: int) -> Plan:
    """Return a plan of an hour with observers, health checks and clients that follow them."""
    chance = Chance(seed)
    count = 1 + chance.below(6, "observed", "objects")
    uploads = tuple(sorted((_upload(chance, number) for number in range(count)), key=lambda one: (one.at, one.name)))
    faults = [*_call_faults(chance, count), *_troubles(chance), *_people(chance, uploads)]
    return Plan(
        seed=seed,
        uploads=uploads,
        faults=tuple(sorted(faults, key=lambda one: (one.at, one.kind, one.region))),
        horizon=_HORIZON,
        watch=Watch.OBSERVERS,
        auto_promote=chance.happens(0.6, "observed", "auto promote"),
        settle=_SETTLE,
    )


def draw_failback(seed: int) -> Plan:
    """Return a plan of a failback from the secondary, after two hours without faults and a quarter of an hour with some.

    In one of four, S3 has not replicated a file of the first hour, and the primary's replica has lost its RESULT. In half,
    S3 replicates a file late and sends no event of it in the secondary.
    """
    chance, begins = Chance(seed), _QUIET_BEFORE
    uploads = [
        replace(_upload(chance, number), at=begins + 700 * chance.unit("failback", "at", number), region=SECONDARY)
        for number in range(1 + chance.below(4, "failback", "objects"))
    ]
    decided = begins + 400 + 500 * chance.unit("failback")
    faults = [Fault(Kind.PROMOTE, SECONDARY, 5.0), Fault(Kind.FAILBACK, PRIMARY, decided)]
    if chance.happens(0.25, "failback", "unreplicated"):
        uploads.append(Upload(at=30.0, region=SECONDARY, name="early", records="gggw"))
        faults.append(Fault(Kind.UNREPLICATED, SECONDARY, 0.0, name="early"))
        faults.append(Fault(Kind.LOSE_IN_REPLICA, PRIMARY, 2500.0, amount=1, name="early"))
    elif chance.happens(0.7, "failback", "late"):
        at = decided - 5 - 300 * chance.unit("failback", "late at") ** 2
        uploads.append(Upload(at=at, region=SECONDARY, name="late", records="ggbw"))
        faults.append(Fault(Kind.LOSE_EVENT, SECONDARY, 0.0, name="late"))
        faults.append(Fault(Kind.LAG, SECONDARY, at - 0.5, lasts=1.0, amount=_LATE))
    for kind, probability, region, longest in _FAILBACK_FAULTS:
        if chance.happens(probability, "failback", kind, region):
            at = begins + 600 * chance.unit("failback", "begins", kind, region)
            lasts = longest * chance.unit("failback", "lasts", kind, region)
            faults.append(Fault(kind, region, round(at, 3), lasts=round(lasts, 3), amount=60.0 * (kind is Kind.LAG)))
    return Plan(
        seed=seed,
        uploads=tuple(sorted(uploads, key=lambda one: (one.at, one.name))),
        faults=tuple(sorted(faults, key=lambda one: (one.at, one.kind, one.region))),
        horizon=begins + _HORIZON,
        watch=Watch.OBSERVERS,
        watched_from=begins - 300,
        settle=2 * _SETTLE,
        lags=list(Shape)[chance.below(len(Shape), "failback", "lags")],
    )


def draw_backlog(seed: int) -> Plan:
    """Return a plan of a failback in which the late file is in the primary at once, and waits there for the secondary."""
    plan = draw_failback(seed)
    return replace(plan, faults=tuple(one for one in plan.faults if one.amount != _LATE))


def _upload(chance: Chance, number: int) -> Upload:
    size = 1 + chance.below(6, "observed", "size", number)
    return Upload(
        at=round(30 + 700 * chance.unit("observed", "at", number), 3),
        region=SECONDARY if chance.happens(0.2, "observed", "stray", number) else PRIMARY,
        name=f"file-{number}",
        records="".join("ggggbvw"[chance.below(7, "observed", "record", number, place)] for place in range(size)),
        damaged=chance.happens(0.07, "observed", "damaged", number),
    )


def _call_faults(chance: Chance, count: int) -> list[Fault]:
    faults = []
    for number in range(chance.below(3 + count, "observed", "call faults")):
        kind = CALL_FAULTS[chance.below(len(CALL_FAULTS), "observed", "call fault", number)]
        region = REGIONS[chance.below(2, "observed", "call region", number)]
        faults.append(Fault(kind, region, 1 + chance.below(2500, "observed", "call", number)))
    return faults


def _troubles(chance: Chance) -> list[Fault]:
    """Return the faults of a region: one that lasts, or several short ones."""
    kinds = (Kind.DESTROY, Kind.DESTROY, Kind.BLACKOUT, Kind.BLACKOUT, Kind.STALL, Kind.PARTITION, Kind.SILENCE, Kind.OUTAGE)
    faults = []
    for number in range(chance.below(3, "observed", "troubles")):
        kind = kinds[chance.below(len(kinds), "observed", "trouble", number)]
        region = PRIMARY if chance.happens(0.7, "observed", "primary", number) else SECONDARY
        at = round(90 + 350 * chance.unit("observed", "begins", number), 3)
        is_short = chance.happens(0.4, "observed", "is short", number)
        lasts = (
            560.0
            if kind is Kind.SILENCE and not is_short
            else round((100 if is_short else 600) * chance.unit("observed", "lasts", number), 3)
        )
        more: dict[str, Any] = {} if kind is Kind.DESTROY else {"lasts": lasts}
        more |= {"amount": round(20 * chance.unit("observed", "stall", number), 3)} if kind is Kind.STALL else {}
        faults.append(Fault(kind, region, at, **more))
    lost = [one.region for one in faults if one.kind is Kind.DESTROY]
    return [one for one in faults if one.kind is not Kind.DESTROY or one.region == lost[0]]  # one region survives


def _people(chance: Chance, uploads: tuple[Upload, ...]) -> list[Fault]:
    """Return the actions of people: promote, fail back, force clients away and back, redrive, delete."""
    faults = []
    for number in range(chance.below(4, "observed", "promotions")):
        region = REGIONS[chance.below(2, "observed", "promoted", number)]
        faults.append(Fault(Kind.PROMOTE, region, round(60 + 700 * chance.unit("observed", "promotion", number), 3)))
    if chance.happens(0.2, "observed", "forced"):
        at = round(60 + 300 * chance.unit("observed", "forced at"), 3)
        faults += [Fault(Kind.FORCE, SECONDARY, at), Fault(Kind.UNFORCE, SECONDARY, at + 400)]
    if chance.happens(0.2, "observed", "redrive"):
        region = REGIONS[chance.below(2, "observed", "redriven")]
        faults.append(Fault(Kind.REDRIVE, region, round(800 * chance.unit("observed", "redrive at"), 3)))
    for number, upload in enumerate(uploads):
        if chance.happens(0.05, "observed", "deleted", number):
            at = round(upload.at + 60 * chance.unit("observed", "deletion", number), 3)
            faults.append(Fault(Kind.DELETE, upload.region, at, name=upload.name))
    return faults
