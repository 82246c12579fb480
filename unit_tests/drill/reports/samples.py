"""Reports to render: of a passed drill, of a failed one, of one that never began, and a strategy for any report."""

import hashlib
import random
import typing
from types import NoneType, UnionType
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from drill.model import (
    DigestRow,
    DrillReport,
    Event,
    FaultRecord,
    Finding,
    GuardReport,
    Measure,
    NegativeControl,
    NegativeControls,
    NotTested,
    PhaseRecord,
    Previous,
    Proof,
    Sample,
    Verdict,
)

HOSTILE = "<script>pwned</script>\"'&<img src=x onerror=alert(1)> {{7*7}} ]]> \x1b[31m\u202e\x00"
PHASES = (
    ("preflight", 9.2),
    ("baseline", 14.0),
    ("load", 41.5),
    ("inject", 1.2),
    ("detect", 18.4),
    ("decide", 2.1),
    ("switch", 1.3),
    ("measure", 32.0),
    ("verify", 21.7),
    ("failback", 48.3),
    ("reconcile", 30.9),
    ("report", 0.8),
)
SOURCES = ("objects us-east-1", "objects us-west-2", "ledger us-east-1", "ledger us-west-2", "receipts")
_MEASURES = (
    ("detect", "Detected the outage", 18.4, None, "From the fault to the first health check that was unhealthy."),
    ("first_good_write_helper", "First good write with the helper", 6.3, 15.0, "By the client's own receipts."),
    (
        "first_good_write_dns",
        "First good write by DNS failover",
        112.0,
        150.0,
        "By a client that asks the record and keeps its TTL. Only AWS can show what all resolvers do.",
    ),
    ("backlog_zero", "Backlog zero after the decision", 24.8, 30.0, "Until no message was left in the shadow queue."),
    ("failback", "Failed back", 9.9, None, "From the order to the primary's first result."),
    ("full_drill", "The whole drill", 221.4, 300.0, "By this machine's clock."),
)


def _at(seconds: float) -> str:
    return f"2026-11-24T20:{15 + int(seconds) // 60:02d}:{int(seconds) % 60:02d}Z"


def _phases() -> tuple[PhaseRecord, ...]:
    begun, phases = 0.0, []
    for name, took in PHASES:
        outcome = f"{name} went as planned"
        phases.append(
            PhaseRecord(
                name=name, status="done", began_at=_at(begun), seconds=took, outcome=outcome, resumed=int(name == "measure")
            )
        )
        begun += took
    return tuple(phases)


def _samples() -> tuple[Sample, ...]:
    """Samples of a load to 65 s, a blackout from 65 s, a promotion at 87 s, no backlog from 112 s, healed at 141 s."""
    noise = random.Random(7)  # noqa: S311 - the same noise each time
    samples = []
    for second in range(0, 221, 2):
        up = not 65 <= second < 141
        writing = 90 + noise.uniform(-12, 12) if 24 <= second < 65 else 0.0
        waiting = 0 if second < 65 else max(0, min((second - 65) * 120, 2640) - max(0, second - 87) * 106)
        behind = 0.4 + noise.uniform(0, 0.3) if second < 65 else max(0.3, 76 - (second - 141) * 4)
        working = 106 + noise.uniform(-9, 9) if 87 <= second < 112 else writing * 0.98
        samples += [
            Sample(
                seconds=second,
                region="us-east-1",
                queue_depth=round(writing * 2 + noise.uniform(0, 9)) if up else None,
                shadow_age=0.0 if up else None,
                replication_lag=behind if up else None,
                dead_letters=0 if up else None,
                good_writes_per_second=writing if up else None,
                healthy=second < 72 or second >= 150,
            ),
            Sample(
                seconds=second,
                region="us-west-2",
                queue_depth=waiting,
                shadow_age=max(0.0, min(second - 65.0, 109.0 - second)) if waiting else 0.0,
                replication_lag=max(0.5, second - 65.0) if second < 141 else 0.4,
                dead_letters=0,
                good_writes_per_second=working,
                healthy=True,
            ),
        ]
    return tuple(samples)


def digests(**other: str) -> tuple[DigestRow, ...]:
    """Digests of two hours and 16 prefixes; `other` gives a source another one for the prefix 0, by its first word."""
    rows = []
    for source in SOURCES:
        for hour in ("2026-11-24T20", "2026-11-24T21"):
            for prefix in "0123456789abcdef":
                salt = other.get(source.split()[0], "") if prefix == "0" else ""
                total = hashlib.sha256(f"{hour}{prefix}{salt}".encode()).hexdigest()
                rows.append(DigestRow(source=source, hour=hour, prefix=prefix, count=312, sum=total))
    return tuple(rows)


def _proof() -> Proof:
    return Proof(
        at=_at(200),
        sources=SOURCES,
        objects=10_000,
        equal=True,
        lost=0,
        duplicated=0,
        divergent=0,
        digests=digests(),
        seconds=3.4,
        reads=412,
    )


def _controls() -> NegativeControls:
    names = {
        "duplicate": "a second RESULT row for the same object",
        "withheld_replica": "the replica of an object was taken away",
        "tampered_row": "one record's value was changed",
        "lost_receipt": "a receipt was added for an object that was never uploaded",
    }
    controls = tuple(
        NegativeControl(
            name=name,
            injected=done,
            object_id=hashlib.sha256(name.encode()).hexdigest(),
            found=True,
            how="by its digest, then by id",
            repaired=True,
        )
        for name, done in names.items()
    )
    return NegativeControls(injected=4, found=4, controls=controls)


def _timeline() -> tuple[Event, ...]:
    events = (
        (0, "preflight", "The stacks are equal to their templates", "info", None),
        (9, "baseline", "Both canaries answer, lags under a second", "good", None),
        (23, "load", "10,000 tagged objects begin to be uploaded", "info", "us-east-1"),
        (65, "inject", "blackout: the region answers nothing", "warning", "us-east-1"),
        (71, "detect", "First good write through the other region, by the helper", "good", "us-west-2"),
        (72, "detect", "The health check of the primary record is unhealthy", "bad", "us-east-1"),
        (87, "switch", "Epoch 1 claimed: us-west-2 is active", "good", "us-west-2"),
        (112, "measure", "The backlog is zero", "good", "us-west-2"),
        (141, "failback", "The region is back", "good", "us-east-1"),
        (188, "failback", "Epoch 2 claimed: us-east-1 is active", "good", "us-east-1"),
        (219, "reconcile", "All five sources are equal", "good", None),
    )
    return tuple(
        Event(at=_at(seconds), seconds=seconds, phase=phase, what=what, level=level, region=region)
        for seconds, phase, what, level, region in events
    )


def passed(**changes: Any) -> DrillReport:  # noqa: ANN401 - any field
    """A passed drill with a blackout of the primary."""
    fields: dict[str, Any] = {
        "drill_id": "20261124T201500Z-1a2b3c",
        "verdict": Verdict.PASSED,
        "reasons": ("Every target was met and the five sources are equal.", "All 4 negative controls were found."),
        "target": "local",
        "account": "111122223333",
        "environment": "prod",
        "primary_region": "us-east-1",
        "secondary_region": "us-west-2",
        "time_factor": 10,
        "began_at": _at(0),
        "ended_at": _at(221),
        "seed": 20261124,
        "faults": (
            FaultRecord(
                name="blackout",
                region="us-east-1",
                phase="inject",
                injected_at=_at(65),
                healed_at=_at(141),
                detail="The region answers nothing, runs no function and replicates nothing, both ways.",
            ),
        ),
        "objects": 10_000,
        "lost": 0,
        "duplicated": 0,
        "divergent": 0,
        "rto_seconds": {"detect": 18.4, "decide": 2.1, "switch": 1.3, "first_good_write_helper": 6.3, "backlog_zero": 24.8},
        "rpo_seconds": {"durable": 0.0, "accepted": 76.0},
        "measures": tuple(
            Measure(
                name=name,
                title=title,
                seconds=seconds,
                target_seconds=target,
                met=None if target is None else seconds <= target,
                time_factor=10 if "dns" in name else 1,
                how=how,
            )
            for name, title, seconds, target, how in _MEASURES
        ),
        "negative_controls": _controls(),
        "proof": _proof(),
        "guard": GuardReport(calls=318, allowed_regions=("us-west-2",)),
        "phases": _phases(),
        "timeline": _timeline(),
        "samples": _samples(),
        "not_tested": (
            NotTested(
                what="How long Route 53 takes to tell every resolver",
                why="The local name server answers by itself. Run the drill with --live to see it.",
            ),
            NotTested(
                what="S3 Replication Time Control under a real outage",
                why="The local cloud replicates with the lag that the drill sets; AWS promises 15 minutes for 99.9 %.",
            ),
        ),
        "tools": {"python": "3.11.2", "boto3": "1.43.106"},
        "git_revision": "0f" * 20,
        "journal_sha256": hashlib.sha256(b"").hexdigest(),
        "previous": Previous(drill_id="20261123T090000Z-ffeedd", report_sha256="ab" * 32),
    }
    return DrillReport(**{**fields, **changes})


def failed() -> DrillReport:
    """A failed drill: an object lost, one duplicated, a missed target, a forbidden call and a failed phase."""
    findings = (
        Finding(kind="lost", object_id="c0ffee" * 10, where="ledger us-west-2", what="the receipt says durable; no RESULT"),
        Finding(kind="duplicated", object_id="beef" * 16, where="ledger us-east-1", what="two RESULT rows, one should be"),
    )
    ordinary = passed()
    late = Measure(
        name="backlog_zero",
        title="Backlog zero after the decision",
        seconds=95.2,
        target_seconds=30,
        met=False,
        how="By queue.",
    )
    stuck = PhaseRecord(name="verify", status="failed", began_at=_at(120), seconds=21.7, outcome="unequal after bisection")
    rest = tuple(
        PhaseRecord(name=name, status="not begun" if name != "failback" else "skipped")
        for name in ("failback", "reconcile", "report")
    )
    return passed(
        verdict=Verdict.FAILED,
        reasons=(
            "1 object was lost, though its receipt was durable",
            "The backlog took 95.2 s, at most 30 s are allowed",
        ),
        lost=1,
        duplicated=1,
        measures=tuple(late if measure.name == late.name else measure for measure in ordinary.measures),
        proof=Proof(
            **{**_proof().model_dump(), "equal": False, "lost": 1, "duplicated": 1, "findings": findings},
        ).model_copy(update={"digests": digests(ledger="other")}),
        guard=GuardReport(calls=318, allowed_regions=("us-west-2",), violations=("sts.amazonaws.com GetCallerIdentity",)),
        phases=(*ordinary.phases[:8], stuck, *rest),
    )


def never_began() -> DrillReport:
    """A drill that preflight ended. Nothing was measured, so most values are None or empty."""
    return passed(
        verdict=Verdict.VOID,
        reasons=("preflight: no stack serverless-failover-prod in us-west-2",),
        faults=(FaultRecord(name="blackout", region="us-east-1", phase="inject"),),
        rto_seconds=dict.fromkeys(("detect", "decide", "switch"), None),
        rpo_seconds={"durable": None, "accepted": None},
        measures=(Measure(name="detect", title="Detected", seconds=None, target_seconds=15),),
        negative_controls=NegativeControls(injected=0, found=0),
        lost=None,
        duplicated=None,
        divergent=None,
        proof=None,
        guard=GuardReport(calls=0, allowed_regions=()),
        phases=(PhaseRecord(name="preflight", status="failed"), PhaseRecord(name="baseline", status="not begun")),
        timeline=(),
        samples=(),
        not_tested=(),
        tools={},
        git_revision=None,
        previous=None,
    )


_TEXTS = st.one_of(
    st.text(max_size=20), st.just(HOSTILE), st.sampled_from(["us-east-1", "us-west-2", "", "a|b", "2026-11-24"])
)
_MOMENTS = st.one_of(_TEXTS, st.just("2026-11-24T20:15:30Z"), st.just("2026-11-24T20:16:00"))


def _values(kind: Any, pattern: str = "") -> st.SearchStrategy[Any]:  # noqa: ANN401 - a type of any form
    """Return a strategy for a field of the model, by its type and pattern."""
    parts = typing.get_args(kind)
    if isinstance(kind, UnionType):
        return st.one_of(*map(_values, parts))
    if typing.get_origin(kind) is tuple:
        return st.lists(_values(parts[0]), max_size=8 if parts[0] in {DigestRow, Sample} else 4).map(tuple)
    if typing.get_origin(kind) is dict:
        return st.dictionaries(_values(parts[0]), _values(parts[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return st.builds(kind, **{name: _field(name, field) for name, field in kind.model_fields.items()})
    if pattern:
        return st.from_regex(pattern.replace("$", r"\Z"))
    finite = st.floats(allow_nan=False, allow_infinity=False) | st.floats(0, 600)
    plain = {str: _TEXTS, int: st.integers(0, 10**12), float: finite, NoneType: st.none()}
    return plain[kind] if kind in plain else st.from_type(kind)


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name == "schema_version":
        return st.just(field.default)
    if field.annotation in {str, str | None} and name.endswith("at"):
        return _MOMENTS if field.annotation is str else _MOMENTS | st.none()
    return _values(field.annotation, next((one.pattern for one in field.metadata if hasattr(one, "pattern")), ""))


REPORTS: st.SearchStrategy[DrillReport] = _values(DrillReport)
"""Any report that the model allows and JSON can express."""
