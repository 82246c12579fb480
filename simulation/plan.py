"""What a history is made of: uploads and faults, drawn from a seed, and nothing else; a plan can be kept and replayed."""

import json
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final

from simulation.chance import Chance, Shape

PRIMARY: Final = "us-east-1"
SECONDARY: Final = "us-west-2"
REGIONS: Final = (PRIMARY, SECONDARY)
SETTLE_SECONDS: Final = 4 * 3600.0
"""Of a history with lags of up to an hour: five visibility timeouts and the longest lag."""
OVERDUE_SECONDS: Final = 4 * 86_400.0
"""The default of `limits.shadow_maximum_age_seconds`."""
_OBJECTS: Final = 12
_LONG_WAIT_CALLS: Final = 8000
"""About as many as the passive region makes in two hours of waiting."""


class Kind(StrEnum):
    """What can go wrong, or be done by a person."""

    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call"
    REFUSED = "a call is refused"
    ANSWER_LOST = "a call's answer is lost"
    REPEATED = "a call is repeated by the SDK"
    UNPROCESSED = "a batch is processed in part"
    DESTROY = "the region is destroyed"
    BLACKOUT = "the region is dark"
    PARTITION = "the regions are parted"
    STALL = "every call is slow"
    LAG = "replication is slow"
    SKEW = "the clock is wrong"
    PROMOTE = "the region is promoted"
    DEPLOY = "another transform is deployed"
    DELETE = "a version is deleted"
    DUPLICATE = "an event comes again"
    LOSE_EVENT = "S3 sends no event of an object"
    UNREPLICATED = "S3 does not replicate an object"
    BUNDLE = "one message names several objects"
    REPROCESS = "objects are processed again on purpose"
    REDRIVE = "the dead letters are redriven"
    OUTAGE = "the function is throttled"
    LOSE_RECORD = "a record is deleted"
    LOSE_IN_REPLICA = "a replica alone loses a record"
    CHANGE_IN_REPLICA = "a replica alone changes a record"
    LOSE_MESSAGES = "the queue is purged"
    SILENCE = "the schedules do not run"
    FORCE = "clients are sent to the secondary"
    UNFORCE = "clients are sent where the region is healthy"
    EXPIRED = "the functions' credentials have expired"
    KEY_DENIED = "the secret's key denies its use"
    ROTATE = "the secret is rotated"
    UNREACHABLE = "clients cannot reach the region"
    LOGGED_OUT = "the clients' credentials have expired"
    KILL_CLIENT = "the client is killed"
    KILL_BEFORE = "the client is killed before a request"
    KILL_AFTER = "the client is killed after a request"
    REQUEST_LOST = "a client's request is lost"
    RESPONSE_LOST = "the answer to a client is lost"
    TORN = "the client is killed while it writes its journal"
    REUSE_ID = "an upload id is used for other content"


class Watch(StrEnum):
    """What watches the regions in a history, beside its checks."""

    NOTHING = ""
    RECONCILERS = "reconcilers"
    OBSERVERS = "observers"


_REGION_CALL_FAULTS: Final = (
    Kind.CRASH_BEFORE,
    Kind.CRASH_AFTER,
    Kind.REFUSED,
    Kind.ANSWER_LOST,
    Kind.REPEATED,
    Kind.UNPROCESSED,
)
CLIENT_CALL_FAULTS: Final = (Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.REQUEST_LOST, Kind.RESPONSE_LOST)
STANDING_FAULTS: Final = (Kind.LOSE_EVENT, Kind.UNREPLICATED)
"""Faults of one object that hold from the beginning."""
CALL_FAULTS: Final = (*_REGION_CALL_FAULTS, *CLIENT_CALL_FAULTS, Kind.TORN)
"""Faults that hit the call of a number; the others begin at a time."""

_CLIENT_SHARE: Final = 0.2
"""Of the histories, in which the real client uploads: each costs about twice as much as one without."""
_CLIENT_TIMED_FAULTS: Final = (
    (Kind.UNREACHABLE, 0.2, 400.0),
    (Kind.LOGGED_OUT, 0.1, 300.0),
    (Kind.EXPIRED, 0.1, 300.0),
    (Kind.KEY_DENIED, 0.1, 600.0),
)


class InvalidPlanError(ValueError):
    """Raised when JSON holds no plan; the message says where it does not, and what is allowed there."""


@dataclass(frozen=True)
class Upload:
    """A client's upload.

    Attributes:
        at: Seconds since the beginning.
        region: Whose bucket it goes to.
        name: The file's name.
        records: One letter a record: `g` good, `b` rejected by every transform, `v` rejected from version 2 on,
            `w` changed by version 2.
        damaged: Whether the file cannot be read at all.
        direct: Whether it is put without the issuer.
        twin: Whether it is uploaded once more under the same key, as a client does that lost the answer.
        by_client: Whether the real client sends it through the real issuer, to `region` first.
        altered: Whether its bytes differ from those that its key names the SHA-256 of.
    """

    at: float
    region: str
    name: str
    records: str
    damaged: bool = False
    direct: bool = False
    twin: bool = False
    by_client: bool = False
    altered: bool = False

    @property
    def is_unreadable(self) -> bool:
        """Whether the whole file is quarantined."""
        return self.damaged or self.altered


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        kind: What.
        region: Where.
        at: Seconds since the beginning; for a fault of a call, the call's number in that region.
        lasts: Seconds.
        amount: Seconds of skew or stall, factor of lag, version deployed, number of records that name no object.
        name: The upload that it is about.
    """

    kind: Kind
    region: str
    at: float
    lasts: float = 0.0
    amount: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Plan:
    """A history before it happens.

    Attributes:
        seed: Decides every lag, latency and order.
        uploads: In order of time.
        faults: In order of time.
        horizon: Seconds until the faults have stopped and everything must settle.
        crash_rate: Probability that any one call is a crash, beside the faults that are listed.
        unreplicated: If given, objects replicate at once, and so do items, except the primary's writes of these numbers,
            which never do.
        lags: How the lags of replication and of events are distributed.
        watch: What watches the regions: nothing, the reconcilers and their alarms, or the observers as well.
        auto_promote: Whether the secondary's observer may promote its region.
        settle: Seconds within which everything must be processed once the faults have stopped.
        overdue: Seconds after which a message that waits in the passive region becomes a dead letter.
        page: Records that one page of a query holds at most; AWS's pages end at 1 MB, and a record may have 400 KB.
    """

    seed: int
    uploads: tuple[Upload, ...]
    faults: tuple[Fault, ...]
    horizon: float = 3600.0
    crash_rate: float = 0.0
    unreplicated: frozenset[int] | None = None
    lags: Shape = Shape.HEAVY_TAIL
    watch: Watch = Watch.NOTHING
    auto_promote: bool = False
    settle: float = SETTLE_SECONDS
    overdue: float = OVERDUE_SECONDS
    page: int = 1000

    @property
    def events(self) -> list[Upload | Fault]:
        """Return what can be left out when a history is shrunk."""
        return [*self.uploads, *self.faults]

    def keeping(self, events: list[Upload | Fault]) -> "Plan":
        """Return the plan with these events only."""
        return replace(
            self,
            uploads=tuple(one for one in events if isinstance(one, Upload)),
            faults=tuple(one for one in events if isinstance(one, Fault)),
        )

    def to_json(self) -> str:
        """Return it as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1, default=sorted)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan.

        Raises:
            InvalidPlanError: The text is no plan; the message says where, and what is allowed.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidPlanError(f"the plan is no JSON ({error})") from error
        return cls.from_dict(raw)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Plan":
        """Return the plan that JSON holds.

        Raises:
            InvalidPlanError: It is no plan.
        """
        given = _checked(cls, raw, "the plan")
        for name in ("uploads", "faults"):
            if not isinstance(given[name], list):
                raise InvalidPlanError(f"{name} of the plan is {given[name]!r:.80}; allowed is a list")
        uploads = [Upload(**_checked(Upload, one, f"upload {number}")) for number, one in enumerate(given["uploads"], 1)]
        faults = [Fault(**_checked(Fault, one, f"fault {number}")) for number, one in enumerate(given["faults"], 1)]
        missing = given.get("unreplicated")
        if not (missing is None or (isinstance(missing, list) and all(isinstance(one, int) for one in missing))):
            raise InvalidPlanError(
                f"unreplicated of the plan is {missing!r:.80}; allowed is null or a list of whole numbers"
            )
        unreplicated = None if missing is None else frozenset(missing)
        return cls(**{**given, "uploads": tuple(uploads), "faults": tuple(faults), "unreplicated": unreplicated})


_TYPES: Final[dict[object, tuple[type, ...]]] = {
    float: (int, float),
    int: (int,),
    str: (str,),
    bool: (bool,),
    Kind: (str,),
    Shape: (str,),
    Watch: (str,),
}
_LONGEST_SECONDS: Final = 30 * 86_400
_ALLOWED: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "seed": (lambda seed: abs(seed) < 1 << 63, "a whole number of 64 bits"),
    "region": (lambda region: region in REGIONS, f"one of {', '.join(REGIONS)}"),
    "kind": (lambda kind: kind in set(Kind), f"one of {', '.join(Kind)}"),
    "lags": (lambda shape: shape in set(Shape), f"one of {', '.join(Shape)}"),
    "watch": (lambda watch: watch in set(Watch), f"one of {', '.join(map(repr, map(str, Watch)))}"),
    "records": (lambda letters: set(letters) <= set("gbvw"), "text of the letters g, b, v and w"),
    "amount": (lambda amount: abs(amount) < _LONGEST_SECONDS, f"a number from -{_LONGEST_SECONDS} to {_LONGEST_SECONDS}"),
    "page": (lambda records: 0 < records <= 1000, "a whole number from 1 to 1000"),  # noqa: PLR2004 - as stated
    "crash_rate": (lambda rate: 0 <= rate <= 1, "a number from 0 to 1"),
    **dict.fromkeys(
        ("at", "lasts", "horizon", "settle", "overdue"),
        (lambda seconds: 0 <= seconds <= _LONGEST_SECONDS, f"a number of seconds from 0 to {_LONGEST_SECONDS}"),
    ),
}
"""What a field of a plan that was kept may be, beside its type."""


def _checked(kind: type[Any], raw: object, where: str) -> dict[str, Any]:
    """Return the fields of a dataclass, as JSON holds them.

    Raises:
        InvalidPlanError: One is missing, unknown, of another type, or out of its range.
    """
    known = {one.name: one for one in fields(kind)}
    if not isinstance(raw, dict):
        raise InvalidPlanError(f"{where} is {raw!r:.80}; allowed is an object with {', '.join(known)}")
    if unknown := sorted(raw.keys() - known.keys()):
        raise InvalidPlanError(f"{where} has {', '.join(map(repr, unknown))}; allowed are {', '.join(known)}")
    if absent := [name for name, one in known.items() if one.default is MISSING and name not in raw]:
        raise InvalidPlanError(f"{where} has no {', '.join(absent)}")
    for name, value in raw.items():
        types = _TYPES.get(known[name].type)
        is_allowed, allowed = _ALLOWED.get(name, (lambda _: True, getattr(known[name].type, "__name__", "")))
        is_of_type = types is None or (isinstance(value, types) and (bool in types or not isinstance(value, bool)))
        if not (is_of_type and is_allowed(value)):  # NaN is in no range
            raise InvalidPlanError(f"{name} of {where} is {value!r:.80}; allowed is {allowed}")
    enumerations: dict[str, type[StrEnum]] = {"kind": Kind, "lags": Shape, "watch": Watch}
    return {name: enumerations[name](value) if name in enumerations else value for name, value in raw.items()}


@dataclass
class _Draft:
    chance: Chance
    objects: int
    faults: list[Fault] = field(default_factory=list)

    def unit(self, *what: object) -> float:
        return self.chance.unit("plan", *what)

    def region(self, *what: object) -> str:
        return REGIONS[self.chance.below(2, "plan", *what)]

    def add(self, kind: Kind, region: str, at: float, **more: Any) -> None:  # noqa: ANN401 - the fault's own
        self.faults.append(Fault(kind, region, round(at, 3), **more))


def draw(seed: int, *, objects: int | None = None) -> Plan:
    """Return the plan of a seed.

    Args:
        seed: The same seed gives the same plan.
        objects: How many uploads; None draws 1 to 12.
    """
    draft = _Draft(Chance(seed), objects or 1 + Chance(seed).below(_OBJECTS, "plan", "objects"))
    uploads = tuple(sorted((_upload(draft, number) for number in range(draft.objects)), key=lambda one: (one.at, one.name)))
    _call_faults(draft)
    _timed_faults(draft, uploads)
    _disaster(draft)
    if any(one.by_client for one in uploads):
        _client_faults(draft, uploads)
    faults = tuple(sorted(draft.faults, key=lambda one: (one.at, one.kind, one.region)))
    shape = Shape.HEAVY_TAIL
    if draft.unit("are lags of another shape") < 0.6:  # noqa: PLR2004
        shape = list(Shape)[draft.chance.below(len(Shape), "plan", "lags")]
    page = (2, 25, 1000, 1000)[draft.chance.below(4, "plan", "page")]
    horizon = max(Plan.horizon, *(one.at + 1200 for one in faults if one.kind is Kind.DESTROY), 0.0)
    return Plan(seed=seed, uploads=uploads, faults=faults, lags=shape, page=page, horizon=horizon)


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
    """Draw what happens to clients, to the secret, and to the issuer's credentials."""
    for number in range(int(draft.unit("client calls") * 5)):
        kind = CLIENT_CALL_FAULTS[draft.chance.below(len(CLIENT_CALL_FAULTS), "plan", "client call fault", number)]
        draft.add(kind, PRIMARY, 1 + draft.chance.below(6 * len(uploads), "plan", "client call", number))
    if draft.unit("torn") < 0.15:  # noqa: PLR2004
        draft.add(Kind.TORN, draft.region("torn"), 1 + draft.chance.below(2 * len(uploads), "plan", "torn write"))
    for number, upload in enumerate(uploads):
        moment = upload.at + 4 * draft.unit("client moment", number)
        if draft.unit("killed", number) < 0.1:  # noqa: PLR2004
            draft.add(Kind.KILL_CLIENT, upload.region, moment)
        if draft.unit("reused", number) < 0.06:  # noqa: PLR2004
            draft.add(Kind.REUSE_ID, draft.region("reused", number), moment + 5, name=upload.name)
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


def _call_faults(draft: _Draft) -> None:
    for number in range(int(draft.unit("call faults") * (2 + draft.objects / 3))):
        kind = _REGION_CALL_FAULTS[int(draft.unit("call fault", number) * len(_REGION_CALL_FAULTS))]
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
    if draft.unit("deployed") < 0.3:  # noqa: PLR2004
        for region in REGIONS:  # one region before the other, as a deployment goes
            draft.add(Kind.DEPLOY, region, 300 * draft.unit("deployment", region), amount=2)
        if draft.unit("reprocessed") < 0.4:  # noqa: PLR2004
            draft.add(Kind.REPROCESS, PRIMARY, 310 + 900 * draft.unit("reprocessing"))
    sometimes(Kind.LOSE_MESSAGES, 0.05)
    for number, upload in enumerate(uploads):
        if draft.unit("lose record", number) < 0.02:  # noqa: PLR2004
            at = 600 + 2400 * draft.unit("lost record", number)
            draft.add(Kind.LOSE_RECORD, draft.region("lost record", number), at, name=upload.name)
    for number, upload in enumerate(uploads):
        if draft.unit("event again", number) < 0.15:  # noqa: PLR2004
            region = draft.region("event again", number)
            draft.add(Kind.DUPLICATE, region, upload.at + 400 * draft.unit("again", number), name=upload.name)
        if draft.unit("deleted", number) < 0.03:  # noqa: PLR2004
            where = REGIONS if draft.unit("deleted in both", number) < 0.2 else (upload.region,)  # noqa: PLR2004
            for region in where if draft.unit("deleted there", number) < 0.7 else [draft.region("deleted", number)]:  # noqa: PLR2004
                draft.add(Kind.DELETE, region, upload.at + 60 * draft.unit("deletion", number, region), name=upload.name)
        _object_faults(draft, number, upload)
    if draft.unit("bundles") < 0.15:  # noqa: PLR2004
        for number in range(1 + draft.chance.below(3, "plan", "bundles")):
            at = 5 + 150 * draft.unit("bundle", number)
            draft.add(Kind.BUNDLE, draft.region("bundle", number), at, amount=draft.chance.below(3, "plan", "in it", number))


def _object_faults(draft: _Draft, number: int, upload: Upload) -> None:
    """Draw what AWS fails to do with one object, and what befalls its records in one replica."""
    if draft.unit("event lost", number) < 0.04:  # noqa: PLR2004
        draft.add(Kind.LOSE_EVENT, draft.region("event lost", number), 0.0, name=upload.name)
    if draft.unit("unreplicated", number) < 0.02:  # noqa: PLR2004
        draft.add(Kind.UNREPLICATED, upload.region, 0.0, name=upload.name)
    if draft.unit("changed", number) < 0.01:  # noqa: PLR2004
        at = 600 + 2400 * draft.unit("change", number)
        draft.add(Kind.CHANGE_IN_REPLICA, draft.region("changed", number), at, name=upload.name)


def _disaster(draft: _Draft) -> None:
    """Lose a region, promote the other; or promote back and forth with both alive."""
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


def draw_long_wait(seed: int) -> Plan:
    """Return a plan in which the passive region waits for two hours; one call in 100 is a crash, another is refused."""
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
        overdue=3000.0 if seed % 2 else OVERDUE_SECONDS,
    )
