"""The plan of a history: its uploads and faults. A plan can be stored and replayed."""

import json
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from simulation.chance import Shape

PRIMARY: Final = "us-east-1"
SECONDARY: Final = "us-west-2"
REGIONS: Final = (PRIMARY, SECONDARY)
SETTLE_SECONDS: Final = 4 * 3600.0
"""Seconds to settle for a history with lags of up to an hour: five visibility timeouts and the longest lag."""
SLOW_WRITERS: Final = 2
SLOW_BATCH: Final = 2
OVERDUE_SECONDS: Final = 4 * 86_400.0
"""The default of `limits.shadow_maximum_age_seconds`."""


class Kind(StrEnum):
    """The kinds of faults, and of actions of operators and users."""

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
    FAILBACK = "the primary becomes active again once the checks allow it, and the secondary is lost at once"
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
    COPIED = "another machine continues by a copy of the journal"
    KILL_BEFORE = "the client is killed before a request"
    KILL_AFTER = "the client is killed after a request"
    REQUEST_LOST = "a client's request is lost"
    RESPONSE_LOST = "the answer to a client is lost"
    TORN = "the client is killed while it writes its journal"
    REUSE_ID = "an upload id is used for other content"
    FORGE = "a receipt is forged"
    FIND = "a client asks where a file is"


class Watch(StrEnum):
    """The functions that watch the regions in a history, in addition to its checks."""

    NOTHING = ""
    RECONCILERS = "reconcilers"
    OBSERVERS = "observers"


REGION_CALL_FAULTS: Final = (
    Kind.CRASH_BEFORE,
    Kind.CRASH_AFTER,
    Kind.REFUSED,
    Kind.ANSWER_LOST,
    Kind.REPEATED,
    Kind.UNPROCESSED,
)
CLIENT_CALL_FAULTS: Final = (Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.REQUEST_LOST, Kind.RESPONSE_LOST)
STANDING_FAULTS: Final = (Kind.LOSE_EVENT, Kind.UNREPLICATED)
"""Faults of one object that are active from the beginning."""
CALL_FAULTS: Final = (*REGION_CALL_FAULTS, *CLIENT_CALL_FAULTS, Kind.TORN)
"""Faults of the call with a given number; the others begin at a time."""


class InvalidPlanError(ValueError):
    """Raised when JSON is not a plan; the message names the place and the allowed values."""


@dataclass(frozen=True)
class Upload:
    """A client's upload.

    Attributes:
        at: Seconds since the beginning.
        region: The region of its bucket.
        name: The file's name.
        records: A letter for each record: `g` good, `b` rejected by every transform, `v` rejected from version 2 on,
            `w` changed by version 2.
        damaged: Whether the whole file is unreadable.
        direct: Whether it is put without the issuer.
        twin: Whether it is uploaded twice under the same key, as by a client that lost the response.
        by_client: Whether the real client sends it through the real issuer, to `region` first.
        altered: Whether its bytes differ from the SHA-256 in its key.
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
    """A fault or an action.

    Attributes:
        kind: Its kind.
        region: Its region.
        at: Seconds since the beginning; for a fault of a call, the call's number in that region.
        lasts: Duration in seconds.
        amount: Seconds of skew or stall, factor of lag, version deployed, number of records that name no object. For an item
            that a replica loses: 0 for a record, 1 for RESULT.
        name: The name of the affected upload.
    """

    kind: Kind
    region: str
    at: float
    lasts: float = 0.0
    amount: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Plan:
    """The plan of a history.

    Attributes:
        seed: Determines every lag, latency and order.
        uploads: The uploads, in order of time.
        faults: The faults, in order of time.
        horizon: Seconds until the faults have stopped and everything must settle.
        crash_rate: Probability that a call crashes, in addition to the listed faults.
        unreplicated: If given, objects and items replicate at once, except the primary's writes with these numbers, which
            never do.
        lags: The distribution of the lags of replication and events.
        watch: The watchers of the regions: none, the reconcilers and their alarms, or the observers as well.
        watched_from: Seconds until the watchers begin.
        auto_promote: Whether the secondary's observer may promote its region.
        settle: Seconds after the faults within which everything must be processed.
        overdue: Seconds after which a message that waits in the passive region becomes a dead letter.
        slowest: Maximum seconds of a call without a delaying fault.
        page: Maximum records in a page of a query; AWS's pages end at 1 MB, and a record may have 400 KB.
        pace: Seconds between two batches that a region's table accepts, as its write limit would; 0 for no limit. With it,
            the processor has `SLOW_WRITERS` threads and batches of `SLOW_BATCH` records: some dozen records are too many for
            one invocation.
        reading: Seconds of an invocation that the transform of a record takes.
        part_bytes: Size of the parts in which clients send larger files, one byte more in every other run; 0 for one PUT.
    """

    seed: int
    uploads: tuple[Upload, ...]
    faults: tuple[Fault, ...]
    horizon: float = 3600.0
    crash_rate: float = 0.0
    unreplicated: frozenset[int] | None = None
    lags: Shape = Shape.HEAVY_TAIL
    watch: Watch = Watch.NOTHING
    watched_from: float = 0.0
    auto_promote: bool = False
    settle: float = SETTLE_SECONDS
    overdue: float = OVERDUE_SECONDS
    slowest: float = 3.0
    page: int = 1000
    pace: float = 0.0
    reading: float = 0.0
    part_bytes: int = 0

    @property
    def events(self) -> list[Upload | Fault]:
        """Return the events that shrinking can remove."""
        return [*self.uploads, *self.faults]

    def keeping(self, events: list[Upload | Fault]) -> "Plan":
        """Return the plan with these events only."""
        return replace(
            self,
            uploads=tuple(one for one in events if isinstance(one, Upload)),
            faults=tuple(one for one in events if isinstance(one, Fault)),
        )

    def to_json(self) -> str:
        """Return the plan as text for `from_json`."""
        return json.dumps(asdict(self), indent=1, default=sorted)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read a plan.

        Raises:
            InvalidPlanError: The text is not a plan; the message names the place and the allowed values.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidPlanError(f"the plan is no JSON ({error})") from error
        return cls.from_dict(raw)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Plan":
        """Return the plan in JSON data."""
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
        ("at", "lasts", "watched_from", "horizon", "settle", "overdue", "slowest", "pace", "reading"),
        (lambda seconds: 0 <= seconds <= _LONGEST_SECONDS, f"a number of seconds from 0 to {_LONGEST_SECONDS}"),
    ),
}
"""Allowed values of a stored plan's fields, in addition to the type, and the text that states them."""


def _checked(kind: type[Any], raw: object, where: str) -> dict[str, Any]:
    """Return the fields of a dataclass from JSON data."""
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
