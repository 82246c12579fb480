"""Compare the surviving region's content with the platform's promise, while the other region is lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from drill.model import Allowance, Finding
from drill.proof.scope import moment_of

DURABLE: Final = "The loss of a region loses no object whose receipt says `durable`."
ACCEPTED: Final = (
    "An accepted object that is not durable is late by the replication lag, and is lost only if its region is destroyed."
)
_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Upload:
    """An accepted object, as its sender knows it.

    Attributes:
        object_id: The object's identity.
        region: The region that accepted it.
        durable: Whether the platform reported that both regions hold the object.
        at: Epoch seconds of the start of its upload; None if its id holds no time.
    """

    object_id: str
    region: str
    durable: bool = False
    at: float | None = None

    @classmethod
    def of_receipt(cls, receipt: Any) -> Upload:  # noqa: ANN401 - a receipt of the client, or of a test
        """Read a receipt of the client."""
        text = moment_of(receipt.upload_id)
        at = None if text is None else datetime.fromisoformat(text).timestamp()
        return cls(receipt.id, receipt.region, receipt.durable, at)


@dataclass(frozen=True)
class Judgement:
    """The result of the comparison.

    Attributes:
        broken: A sentence for each way in which the promise is broken; empty if it holds.
        allowed: The other findings, by the sentence that allows them.
        seconds: By state of the receipts, the age at the fault of the oldest object that the surviving region lacks. None
            if no receipt has that state, because nothing was measured.
        objects: By state, the number of objects that the surviving region lacks; None in the same case.
    """

    broken: tuple[str, ...]
    allowed: tuple[Allowance, ...]
    seconds: dict[str, float | None]
    objects: dict[str, int | None]

    def as_dict(self) -> dict[str, Any]:
        """Return the judgement as the journal's data."""
        allowed = [one.model_dump(mode="json") for one in self.allowed]
        return {"broken": list(self.broken), "allowed": allowed, "seconds": self.seconds, "objects": self.objects}


def judge(
    findings: Sequence[Finding], uploads: Iterable[Upload], *, surviving: str, fault_at: float, now: float
) -> Judgement:
    """Judge all findings of a proof of the surviving region; times are epoch seconds."""
    known = {one.object_id: one for one in uploads}
    by_object: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_object[finding.object_id].append(finding)
    absent = [known[one] for one, found in by_object.items() if one in known and _is_absent(found, surviving)]
    late = {one.object_id for one in absent if not one.durable and one.region != surviving}
    late = {one for one in late if all(found.kind != "duplicated" for found in by_object[one])}
    broken = {one: found for one, found in by_object.items() if one not in late}
    lost_durable = sum(one.durable for one in absent)
    sentences = (
        [f"{lost_durable} durable objects are not in {surviving} while the other region is lost"] if lost_durable else []
    )
    sentences += _sentences(broken, surviving)
    return Judgement(
        broken=tuple(sentences),
        allowed=tuple(_allowed({one: by_object[one] for one in sorted(late)})),
        seconds=_ages(known, absent, fault_at, now),
        objects={
            name: sum(one.durable is durable for one in absent) if _has(known, durable=durable) else None
            for name, durable in (("durable", True), ("accepted", False))
        },
    )


def _is_absent(found: Sequence[Finding], region: str) -> bool:
    return any(one.kind == "lost" and one.where == f"objects {region}" for one in found)


def _sentences(broken: Mapping[str, Sequence[Finding]], surviving: str) -> list[str]:
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for found in broken.values():
        for kind in sorted({one.kind for one in found}):
            kinds[kind].append(next(one for one in found if one.kind == kind))
    return [
        f"{len(found)} objects {kind} in {surviving} while the other region is lost, for example {found[0].object_id} in "
        f"{found[0].where}: {found[0].what}"
        for kind, found in kinds.items()
    ]


def _allowed(late: Mapping[str, Sequence[Finding]]) -> list[Allowance]:
    if not late:
        return []
    examples = tuple(found[0] for found in list(late.values())[:_EXAMPLES])
    return [Allowance(sentence=ACCEPTED, objects=len(late), examples=examples)]


def _ages(known: Mapping[str, Upload], absent: Sequence[Upload], fault_at: float, now: float) -> dict[str, float | None]:
    ages: dict[str, float | None] = {}
    for name, durable in (("durable", True), ("accepted", False)):
        mine = [one.at for one in absent if one.durable is durable]
        if not _has(known, durable=durable) or None in mine:
            ages[name] = None
            continue
        # An object that was accepted after the fault, in a region that still accepts, is at risk until now.
        seconds = [(fault_at if at <= fault_at else now) - at for at in mine if at is not None]
        ages[name] = round(max(seconds, default=0.0), 2)
    return ages


def _has(known: Mapping[str, Upload], *, durable: bool) -> bool:
    return any(one.durable is durable for one in known.values())
