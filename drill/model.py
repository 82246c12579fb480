"""What a drill reports: one model, which every renderer and the next drill read.

Times are ISO 8601 in UTC; durations are seconds of this machine's clock unless a field says otherwise. `null` means "not
measured", never zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1.0"


class Verdict(StrEnum):
    """What the drill as a whole says."""

    PASSED = "passed"
    FAILED = "failed"
    """Something was lost, doubled, divergent or too late, or the drill could not be ended."""
    VOID = "void"
    """It proves nothing: a negative control was not found, or nothing could be measured."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FaultRecord(_Model):
    """One fault, and when it was there."""

    name: str
    """`blackout`, for example."""
    region: str
    phase: str
    """In which phase it was injected."""
    injected_at: str | None = None
    healed_at: str | None = None
    detail: str = ""


class Event(_Model):
    """One line of the timeline."""

    at: str
    seconds: float
    """Since the drill began."""
    phase: str
    what: str
    level: Annotated[str, Field(pattern="^(info|good|warning|bad)$")] = "info"
    region: str | None = None


class Sample(_Model):
    """What one region looked like at a moment; `null` where it did not answer."""

    seconds: float
    """Since the drill began."""
    region: str
    queue_depth: int | None = None
    """Messages visible, in flight and delayed."""
    shadow_age: float | None = None
    """Seconds since the oldest object that waits in the shadow was first seen."""
    replication_lag: float | None = None
    """Seconds that the region is behind the other one."""
    dead_letters: int | None = None
    good_writes_per_second: float | None = None
    """RESULT rows of the drill's own objects that appeared in this region's replica."""
    healthy: bool | None = None
    """What the region's health check says."""


class Measure(_Model):
    """One duration beside what was promised."""

    name: str
    """`first_good_write_helper`, for example."""
    title: str
    seconds: float | None
    target_seconds: float | None = None
    met: bool | None = None
    """None: there is no target, or it was not measured."""
    time_factor: float = 1
    """By how much the clocks of health checks, alarms and TTLs ran faster; `seconds` is already in their own time."""
    how: str = ""
    """How it was measured, and what of it only AWS can show."""


class Finding(_Model):
    """One object that is not as it should be."""

    kind: Annotated[str, Field(pattern="^(lost|duplicated|divergent)$")]
    object_id: str
    where: str
    """Which of the five sources: `objects us-east-1`, `ledger us-west-2`, `receipts`, ..."""
    what: str
    """What is there and what should be, in a sentence."""


class DigestRow(_Model):
    """The digest of one source for one hour and prefix."""

    source: str
    hour: str
    prefix: str
    count: int
    sum: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NegativeControl(_Model):
    """Damage that the drill did on purpose, to prove that its proof finds it."""

    name: Annotated[str, Field(pattern="^(duplicate|withheld_replica|tampered_row|lost_receipt)$")]
    injected: str
    """What was done, to which object."""
    object_id: str
    found: bool
    how: str = ""
    """By which finding."""
    repaired: bool = False


class NegativeControls(_Model):
    """How many were injected and how many were found; fewer found than injected voids the drill."""

    injected: int
    found: int
    controls: tuple[NegativeControl, ...] = ()


class Proof(_Model):
    """The comparison of the five sources."""

    at: str
    sources: tuple[str, ...]
    objects: int
    equal: bool
    lost: int
    duplicated: int
    divergent: int
    findings: tuple[Finding, ...] = ()
    """At most a hundred; the counts are of all."""
    digests: tuple[DigestRow, ...] = ()
    seconds: float = 0
    reads: int = 0


class GuardReport(_Model):
    """Calls to AWS during the failover: none may go to the lost region or to a global endpoint."""

    calls: int
    allowed_regions: tuple[str, ...]
    violations: tuple[str, ...] = ()


class PhaseRecord(_Model):
    """How a phase went."""

    name: str
    status: Annotated[str, Field(pattern="^(done|failed|skipped|not begun)$")]
    began_at: str | None = None
    seconds: float | None = None
    resumed: int = 0
    """How often it was begun again after the drill was killed in it."""
    said: str = ""


class Previous(_Model):
    """The drill before this one, by the SHA-256 of its report: the chain."""

    drill_id: str
    report_sha256: str


class NotTested(_Model):
    """What this drill cannot show, and why."""

    what: str
    why: str


class DrillReport(_Model):
    """`report.json`."""

    schema_version: str = SCHEMA_VERSION
    drill_id: str
    verdict: Verdict
    reasons: tuple[str, ...]
    """Why the verdict is what it is, worst first."""
    target: Annotated[str, Field(pattern="^(local|live)$")]
    account: str
    environment: str
    primary_region: str
    secondary_region: str
    time_factor: float
    began_at: str
    ended_at: str
    seed: int
    faults: tuple[FaultRecord, ...]
    objects: int
    """Tagged objects that were to be uploaded."""
    lost: int | None
    """Objects that are nowhere, or not where they should be; null: nothing was proved, so it is not known."""
    duplicated: int | None
    """Objects with more than one effect; null likewise."""
    divergent: int | None
    """Objects that differ between the sources; null likewise."""
    rto_seconds: dict[str, float | None]
    """By kind: `detect`, `decide`, `switch`, `first_good_write_helper`, `first_good_write_dns`, `backlog_zero`,
    `failback`."""
    rpo_seconds: dict[str, float | None]
    """By kind: `durable` (age of the oldest lost object whose receipt said durable; 0 if none), `accepted` (the longest
    that an accepted object was in one region only)."""
    measures: tuple[Measure, ...]
    negative_controls: NegativeControls
    proof: Proof | None
    """The last one, after the negative controls were taken out again."""
    guard: GuardReport
    phases: tuple[PhaseRecord, ...]
    timeline: tuple[Event, ...]
    samples: tuple[Sample, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    tools: dict[str, str] = {}
    git_revision: str | None = None
    journal_sha256: str
    previous: Previous | None = None
