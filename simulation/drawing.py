"""Draw plans from seeds: uploads, faults, and the disasters of whole regions."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from simulation.chance import Chance, Shape
from simulation.plan import (
    CLIENT_CALL_FAULTS,
    OVERDUE_SECONDS,
    PRIMARY,
    REGION_CALL_FAULTS,
    REGIONS,
    SECONDARY,
    Fault,
    Kind,
    Plan,
    Upload,
)
from simulation.world import VISIBILITY_SECONDS

_OBJECTS: Final = 12
_LONG_WAIT_CALLS: Final = 8000
"""Approximate number of calls of the passive region in two hours of waiting."""
_CLIENT_SHARE: Final = 0.2
"""Share of the histories with the real client; each costs about twice as much as one without."""
_CLIENT_TIMED_FAULTS: Final = (
    (Kind.UNREACHABLE, 0.2, 400.0),
    (Kind.LOGGED_OUT, 0.1, 300.0),
    (Kind.EXPIRED, 0.1, 300.0),
    (Kind.KEY_DENIED, 0.1, 600.0),
)


@dataclass
class _Draft:
    chance: Chance
    objects: int
    faults: list[Fault] = field(default_factory=list)

    def unit(self, *what: object) -> float:
        return self.chance.unit("plan", *what)

    def region(self, *what: object) -> str:
        return REGIONS[self.chance.below(2, "plan", *what)]

    def shape(self) -> Shape:
        """Return the distribution of the lags."""
        is_other = self.unit("are lags of another shape") < 0.6  # noqa: PLR2004
        return list(Shape)[self.chance.below(len(Shape), "plan", "lags")] if is_other else Shape.HEAVY_TAIL

    def add(self, kind: Kind, region: str, at: float, **more: Any) -> None:  # noqa: ANN401 - the fault's own
        self.faults.append(Fault(kind, region, round(at, 3), **more))


def draw(seed: int, *, objects: int | None = None) -> Plan:
    """Return the plan of a seed, with the given number of objects or 1 to 12."""
    draft = _Draft(Chance(seed), objects or 1 + Chance(seed).below(_OBJECTS, "plan", "objects"))
    uploads = tuple(sorted((_upload(draft, number) for number in range(draft.objects)), key=lambda one: (one.at, one.name)))
    _call_faults(draft)
    _timed_faults(draft, uploads)
    _disaster(draft)
    if any(one.by_client for one in uploads):
        _client_faults(draft, uploads)
    faults = tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region)))
    page = (2, 25, 1000, 1000)[draft.chance.below(4, "plan", "page")]
    horizon = max(Plan.horizon, *(one.at + 1200 for one in faults if one.kind is Kind.DESTROY), 0.0)
    in_parts = any(one.by_client for one in uploads) and draft.unit("in parts") < 0.3  # noqa: PLR2004
    part_bytes = 40 + draft.chance.below(80, "plan", "part bytes") if in_parts else 0
    shape = draft.shape()
    return Plan(seed, uploads, faults, lags=shape, page=page, horizon=horizon, part_bytes=part_bytes)


def _upload(draft: _Draft, number: int) -> Upload:
    has_clients = draft.unit("clients") < _CLIENT_SHARE
    is_direct = draft.unit("direct", number) < 0.3  # noqa: PLR2004
    # Mostly small files, for their races are the same; one in eight has more than one batch of records.
    many = draft.unit("many", number) < 0.12  # noqa: PLR2004
    size = 1 + int(draft.unit("size", number) * (70 if many else 6))
    if draft.unit("more than a partition key holds", number) < 0.0008:  # noqa: PLR2004
        size += 1000
    letters = "".join("ggggbvw"[int(draft.unit("record", number, place) * 7)] for place in range(size))
    return Upload(
        at=round(draft.unit("at", number) * 120, 3),
        region=draft.region("put", number) if draft.unit("stray", number) < 0.25 else PRIMARY,  # noqa: PLR2004
        name=f"file-{number}",
        records=letters,
        damaged=draft.unit("damaged", number) < 0.07,  # noqa: PLR2004
        direct=is_direct,
        twin=draft.unit("twin", number) < 0.1 and (is_direct or not has_clients),  # noqa: PLR2004
        by_client=has_clients and not is_direct,
        altered=draft.unit("altered", number) < 0.04 and not is_direct and not has_clients,  # noqa: PLR2004
    )


def _client_faults(draft: _Draft, uploads: tuple[Upload, ...]) -> None:
    """Draw faults of clients, of the secret, and of the issuer's credentials."""
    for number in range(int(draft.unit("client calls") * 5)):
        kind = CLIENT_CALL_FAULTS[draft.chance.below(len(CLIENT_CALL_FAULTS), "plan", "client call fault", number)]
        draft.add(kind, PRIMARY, 1 + draft.chance.below(6 * len(uploads), "plan", "client call", number))
    if draft.unit("torn") < 0.15:  # noqa: PLR2004
        draft.add(Kind.TORN, draft.region("torn"), 1 + draft.chance.below(2 * len(uploads), "plan", "torn write"))
    for number, upload in enumerate(uploads):
        moment = upload.at + 4 * draft.unit("client moment", number)
        if draft.unit("killed", number) < 0.1:  # noqa: PLR2004
            draft.add(Kind.KILL_CLIENT, upload.region, moment)
        _questions(draft, number, upload, moment)
    if uploads and draft.unit("copied") < 0.15:  # noqa: PLR2004
        draft.add(Kind.COPIED, PRIMARY, draft.unit("when copied") * 200)
    for kind, probability, longest in _CLIENT_TIMED_FAULTS:
        if draft.unit("whether", kind) < probability:
            lasts = round(longest * draft.unit("lasts", kind), 3)
            draft.add(kind, draft.region("where", kind), draft.unit("when", kind) * 200, lasts=lasts)
    if draft.unit("rotated") < 0.35:  # noqa: PLR2004
        destroyed = [one.at for one in draft.faults if one.kind is Kind.DESTROY]
        moment = draft.unit("rotation") * 150
        if destroyed and draft.unit("in flight") < 0.6:  # noqa: PLR2004
            moment = max(0.0, destroyed[0] - 6 * draft.unit("rotation"))
        draft.add(Kind.ROTATE, SECONDARY, moment)


def _questions(draft: _Draft, number: int, upload: Upload, moment: float) -> None:
    """Draw requests of other clients about an upload."""
    if draft.unit("reused", number) < 0.06:  # noqa: PLR2004
        draft.add(Kind.REUSE_ID, draft.region("reused", number), moment + 5, name=upload.name)
    for kind in (Kind.FORGE, Kind.FIND):
        if draft.unit(kind, number) < 0.1:  # noqa: PLR2004
            at = upload.at + 400 * draft.unit(kind, "at", number)
            draft.add(kind, draft.region(kind, number), at, name=upload.name)


def _call_faults(draft: _Draft) -> None:
    for number in range(int(draft.unit("call faults") * (2 + draft.objects / 3))):
        kind = REGION_CALL_FAULTS[int(draft.unit("call fault", number) * len(REGION_CALL_FAULTS))]
        draft.add(kind, draft.region("call region", number), 1 + int(draft.unit("call", number) * 12 * draft.objects))


def _timed_faults(draft: _Draft, uploads: tuple[Upload, ...]) -> None:
    def sometimes(kind: Kind, probability: float, **more: Any) -> None:  # noqa: ANN401 - the fault's own
        if draft.unit("whether", kind) < probability:
            draft.add(kind, draft.region("where", kind), draft.unit("when", kind) * 200, **more)

    sometimes(Kind.BLACKOUT, 0.1, lasts=round(600 * draft.unit("dark"), 3))
    sometimes(Kind.PARTITION, 0.15, lasts=round(900 * draft.unit("parted"), 3))
    sometimes(Kind.STALL, 0.1, lasts=120.0, amount=round(20 * draft.unit("stall"), 3))
    sometimes(Kind.LAG, 0.3, lasts=300.0, amount=round(1 + 60 * draft.unit("lag"), 3))
    sometimes(Kind.SKEW, 0.1, lasts=600.0, amount=round(8 * draft.unit("skew") - 4, 3))
    sometimes(Kind.OUTAGE, 0.1, lasts=round(300 * draft.unit("outage"), 3))
    sometimes(Kind.REDRIVE, 0.1)
    sometimes(Kind.LOSE_MESSAGES, 0.05)
    _deployment(draft)
    if draft.unit("bundles") < 0.15:  # noqa: PLR2004
        for number in range(1 + draft.chance.below(3, "plan", "bundles")):
            at = 5 + 150 * draft.unit("bundle", number)
            draft.add(Kind.BUNDLE, draft.region("bundle", number), at, amount=draft.chance.below(3, "plan", "in it", number))
    for number, upload in enumerate(uploads):
        _object_faults(draft, number, upload)


def _deployment(draft: _Draft) -> None:
    """Deploy another transform to one region before the other, and perhaps process everything again with it."""
    if draft.unit("deployed") < 0.3:  # noqa: PLR2004
        for region in REGIONS:
            draft.add(Kind.DEPLOY, region, 300 * draft.unit("deployment", region), amount=2)
        if draft.unit("reprocessed") < 0.4:  # noqa: PLR2004
            draft.add(Kind.REPROCESS, PRIMARY, 310 + 900 * draft.unit("reprocessing"))


def _object_faults(draft: _Draft, number: int, upload: Upload) -> None:
    """Draw faults of one object: failed actions of AWS, changes of its records, and deletions."""

    def sometimes(kind: Kind, probability: float, begins: float, within: float, region: str = "") -> None:
        if draft.unit("whether", kind, number) < probability:
            at = begins + within * draft.unit("when", kind, number)
            draft.add(kind, region or draft.region("where", kind, number), at, name=upload.name)

    sometimes(Kind.LOSE_RECORD, 0.02, 600, 2400)
    sometimes(Kind.CHANGE_IN_REPLICA, 0.01, 600, 2400)
    sometimes(Kind.DUPLICATE, 0.15, upload.at, 400)
    sometimes(Kind.LOSE_EVENT, 0.04, 0, 0)
    sometimes(Kind.UNREPLICATED, 0.02, 0, 0, upload.region)
    sometimes(Kind.DELETE, 0.02, upload.at, 60, upload.region)
    sometimes(Kind.DELETE, 0.01, upload.at, 60)
    if draft.unit("deleted in both", number) < 0.012:  # noqa: PLR2004
        is_late = draft.unit("deleted late", number) < 0.5  # noqa: PLR2004 - what is lost afterwards cannot be made again
        for region in REGIONS:
            at = upload.at + (500 if is_late else 60 * draft.unit("deletion", number, region))
            draft.add(Kind.DELETE, region, at, name=upload.name)
        if is_late:
            draft.add(Kind.LOSE_RECORD, draft.region("lost with it", number), upload.at + 600, name=upload.name)


def _disaster(draft: _Draft) -> None:
    """Draw the loss of a region and a promotion of the other, or promotions back and forth with both alive."""
    kind = draft.unit("disaster")
    moment = 5 + 150 * draft.unit("moment")
    if draft.unit("late") < 0.06:  # noqa: PLR2004 - after the reconcilers have looked at everything
        moment = 7500 + 1500 * draft.unit("moment")
    if kind < 0.55:  # noqa: PLR2004
        lost = PRIMARY if kind < 0.45 else SECONDARY  # noqa: PLR2004
        draft.add(Kind.DESTROY, lost, moment)
        survivor = SECONDARY if lost == PRIMARY else PRIMARY
        draft.add(Kind.PROMOTE, survivor, moment + 300 * draft.unit("decision") - 20)
    elif kind < 0.85:  # noqa: PLR2004
        for number in range(1 + int(3 * draft.unit("promotions"))):
            draft.add(Kind.PROMOTE, draft.region("promoted", number), 240 * draft.unit("promotion", number))


def draw_busy(seed: int) -> Plan:
    """Return a plan with full batches of messages with several objects, and slow calls. No invocation may time out."""
    draft = _Draft(Chance(seed), 40)
    uploads = tuple(
        Upload(at=number / 2, region=PRIMARY, name=f"file-{number}", records="gb") for number in range(draft.objects)
    )
    for region in REGIONS:
        draft.add(Kind.OUTAGE, region, 0.0, lasts=60.0)
        draft.add(Kind.STALL, region, 0.0, lasts=1800.0, amount=round(0.2 + 0.3 * draft.unit("stall", region), 3))
    for number in range(8):
        draft.add(Kind.BUNDLE, PRIMARY, 2.5 * (number + 1), amount=number % 6)
    for upload in uploads:
        draft.add(Kind.LOSE_EVENT, PRIMARY, 0.0, name=upload.name)
    faults = tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region)))
    return Plan(seed=seed, uploads=uploads, faults=faults, slowest=0.1)


def draw_long(seed: int) -> Plan:
    """Return a plan whose files are too long for one invocation, because the table takes their records slowly.

    In one of three, reading them takes more than one invocation too.
    """
    drawn = draw(seed, objects=1 + Chance(seed).below(3, "long", "objects"))
    draft = _Draft(Chance(seed), len(drawn.uploads), list(drawn.faults))
    for number in range(draft.chance.below(4, "long", "promotions")):
        draft.add(Kind.PROMOTE, draft.region("long", number), 20 + 250 * draft.unit("long", "promotion", number))
    if draft.unit("long", "versions") < 0.4:  # noqa: PLR2004
        for number, region in enumerate((*REGIONS, *REGIONS)):
            at = 20 + 300 * draft.unit("long", "deployment", number)
            draft.add(Kind.DEPLOY, region, at, amount=1 + draft.chance.below(2, "plan", "long", "version", number))
    for number in range(draft.chance.below(4, "plan", "long", "crashes")):
        kind = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)[number % 2]
        draft.add(kind, draft.region("long", "crash", number), 1 + int(draft.unit("long", "crash at", number) * 500))
    return _prolonged(drawn, draft)


def draw_duel(seed: int) -> Plan:
    """Return a plan of such files in which two versions and several invocations compete for each.

    In one half, the active role goes to a region with another version and back while records are written. In the other,
    another version is deployed to the region while two invocations process one file. There are no other faults.
    """
    draft = _Draft(Chance(seed), 1 + Chance(seed).below(2, "duel", "objects"))
    at = 20 + 80 * draft.unit("duel", "first")
    uploads = [
        Upload(at=float(number), region=PRIMARY, name=f"file-{number}", records="") for number in range(draft.objects)
    ]
    if draft.unit("duel", "within one region") < 0.5:  # noqa: PLR2004
        draft.add(Kind.DEPLOY, PRIMARY, at + 80 * draft.unit("duel", "deployment"), amount=2)
        for number, upload in enumerate(uploads):
            draft.add(Kind.DUPLICATE, PRIMARY, 5 + 60 * draft.unit("duel", "again", number), name=upload.name)
    else:
        draft.add(Kind.DEPLOY, draft.region("duel", "new"), 1.0, amount=2)
        for number in range(1 + draft.chance.below(4, "duel", "promotions")):
            draft.add(Kind.PROMOTE, REGIONS[(number + 1) % 2], at)
            at += 5 + 100 * draft.unit("duel", "gap", number)
    plan = _prolonged(Plan(seed=seed, uploads=tuple(uploads), faults=(), lags=draft.shape()), draft)
    return replace(plan, reading=round(draft.unit("duel", "reading"), 3))


def _prolonged(drawn: Plan, draft: _Draft) -> Plan:
    """Return a plan with the draft's faults, and with files that several invocations process."""
    chance = draft.chance

    def longer(upload: Upload) -> Upload:
        size = 40 + chance.below(60, "long", "size", upload.name)
        letters = "".join("ggggbvw"[chance.below(7, "long", "record", upload.name, place)] for place in range(size))
        return replace(upload, records=letters)

    return replace(
        drawn,
        uploads=tuple(map(longer, drawn.uploads)),
        faults=tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region))),
        pace=round(2 + 2 * chance.unit("long", "pace"), 3),
        reading=round(2 + 4 * chance.unit("long", "reading"), 3) if chance.happens(1 / 3, "long", "slow reading") else 0.0,
    )


def draw_long_wait(seed: int) -> Plan:
    """Return a plan in which the passive region waits for two hours. One call in 100 crashes, and one is refused."""
    uploads = tuple(Upload(at=float(number), region=SECONDARY, name=f"file-{number}", records="ggb") for number in range(5))
    draft = _Draft(Chance(seed), len(uploads))
    draft.add(Kind.PARTITION, PRIMARY, 0.0, lasts=2 * 3600.0)
    for number in range(_LONG_WAIT_CALLS // 100):
        draft.add(Kind.REFUSED, SECONDARY, 1 + int(draft.unit("refused", number) * _LONG_WAIT_CALLS))
    return Plan(
        seed=seed,
        uploads=uploads,
        faults=tuple(draft.faults),
        horizon=2 * 3600.0,
        crash_rate=0.01,
        overdue=3000.0 if draft.chance.happens(0.5, "plan", "soon overdue") else OVERDUE_SECONDS,
    )


def draw_reprocessed(seed: int) -> Plan:
    """Return a plan in which several messages about an object arrive while an operator reprocesses it, perhaps twice.

    The calls are slow, so that invocations overlap. In most plans the duplicates fail first, so that they verify records.
    """
    draft = _Draft(Chance(seed), 1 + Chance(seed).below(4, "plan", "objects"))
    uploads = tuple(
        Upload(
            at=float(number),
            region=PRIMARY,
            name=f"file-{number}",
            records="".join("gbvw"[draft.chance.below(4, "plan", "record", number, n)] for n in range(1 + 5 * number)),
            direct=draft.unit("direct", number) < 0.3,  # noqa: PLR2004
            twin=draft.unit("twin", number) < 0.5,  # noqa: PLR2004
        )
        for number in range(draft.objects)
    )
    for region in REGIONS:
        draft.add(Kind.DEPLOY, region, 100 + 150 * draft.unit("deployment", region), amount=2)
        draft.add(Kind.STALL, region, 200.0, lasts=400.0, amount=round(1.5 * draft.unit("stall", region), 3))
    begins = 300.0
    if draft.unit("failed") < 0.8:  # noqa: PLR2004 - the duplicates fail, and are verified at their next delivery
        begins += VISIBILITY_SECONDS - 10
        draft.add(Kind.EXPIRED, PRIMARY, 285.0, lasts=50.0)
        draft.add(Kind.STALL, PRIMARY, 640.0, lasts=60.0, amount=round(0.3 * draft.unit("later stall"), 3))
    elif draft.unit("promoted") < 0.4:  # noqa: PLR2004
        draft.add(Kind.PROMOTE, SECONDARY, 250 + 80 * draft.unit("promotion"))
    for number in range(1 + draft.chance.below(3, "plan", "reprocessings")):
        draft.add(Kind.REPROCESS, PRIMARY, begins + 20 * draft.unit("reprocessing", number))
    for number in range(6 * draft.objects):
        name = f"file-{draft.chance.below(draft.objects, 'plan', 'again', number)}"
        draft.add(Kind.DUPLICATE, PRIMARY, 290 + 40 * draft.unit("again at", number), name=name)
    for number in range(draft.chance.below(4, "plan", "crashes")):
        kind = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)[number % 2]
        draft.add(
            kind, draft.region("crash", number), 1 + draft.chance.below(60 * draft.objects, "plan", "crash at", number)
        )
    faults = tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region)))
    page = 2 if draft.chance.happens(0.5, "plan", "page") else Plan.page
    return Plan(seed=seed, uploads=uploads, faults=faults, page=page)


def draw_storm(seed: int) -> Plan:
    """Return a plan with up to a dozen promotions and failbacks in bursts: at once, or within seconds of each other."""
    chance = Chance(seed)
    drawn = draw(seed, objects=1 + chance.below(8, "storm", "objects"))
    draft = _Draft(chance, len(drawn.uploads), [one for one in drawn.faults if one.kind is not Kind.PROMOTE])
    for burst in range(1 + chance.below(3, "storm", "bursts")):
        at = 200 * draft.unit("storm", "burst", burst)
        region = draft.region("storm", "first", burst)
        for number in range(2 + chance.below(4, "storm", "promotions", burst)):
            draft.add(Kind.PROMOTE, region, at)
            gap = draft.unit("storm", "gap", burst, number)
            at += 0.0 if gap < 0.2 else (0.1, 2.0, 20.0)[number % 3] * gap  # noqa: PLR2004 - one in five at once
            if draft.unit("storm", "other", burst, number) < 0.8:  # noqa: PLR2004
                region = SECONDARY if region == PRIMARY else PRIMARY
    for number, region in enumerate((*REGIONS, *REGIONS)):
        if draft.unit("storm", "versions") < 0.4:  # noqa: PLR2004
            at = 250 * draft.unit("storm", "deployment", number)
            draft.add(Kind.DEPLOY, region, at, amount=1 + chance.below(2, "storm", "version", number))
    faults = tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region)))
    return replace(drawn, faults=faults)
