"""The model of a drill's report, which every renderer and the next drill read.

Times are ISO 8601 in UTC; durations are seconds of this machine's clock unless a field says otherwise. `null` means "not
measured", never zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1.0"


class Verdict(StrEnum):
    """The verdict on the whole drill."""

    PASSED = "passed"
    """Every target that applies was measured and met, and nothing was lost, duplicated or divergent."""
    NOT_ALL_MEASURED = "passed_not_all_measured"
    """As `PASSED`, but some targets were not measured; the first reason names them."""
    FAILED = "failed"
    """Something was lost, duplicated, divergent or too late, or the drill could not be completed."""
    VOID = "void"
    """The drill proves nothing: a negative control was not found, or nothing could be measured."""


GOOD: Final = frozenset({Verdict.PASSED, Verdict.NOT_ALL_MEASURED})
"""Verdicts on a drill in which nothing measured is wrong."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ReviewedPlan(_Model):
    """A plan file (`--plan`), as it was reviewed before the drill."""

    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file's bytes."""
    hypothesis: str
    """The sentence that the drill tests."""
    watcher: str
    """The person who watches the drill, and where."""
    approvers: tuple[str, ...]
    abort_alarms: tuple[str, ...] = ()
    """Names of alarms, in which `{prefix}` and `{environment}` stand for the drill's; one in ALARM ends the drill."""
    targets: dict[str, float] = {}
    """Targets in seconds that replace the usual ones, by the name of the measure."""


class FaultRecord(_Model):
    """A fault and the time of its injection and healing."""

    name: str
    """For example `blackout`."""
    region: str
    phase: str
    """The phase of the injection."""
    injected_at: str | None = None
    healed_at: str | None = None
    detail: str = ""


class Event(_Model):
    """A line of the timeline."""

    at: str
    seconds: float
    """Seconds since the drill began."""
    phase: str
    what: str
    level: Annotated[str, Field(pattern="^(info|good|warning|bad)$")] = "info"
    region: str | None = None


class Sample(_Model):
    """The state of a region at one time; `null` for values that it did not return."""

    seconds: float
    """Seconds since the drill began."""
    region: str
    queue_depth: int | None = None
    """Messages visible, in flight and delayed."""
    shadow_age: float | None = None
    """Age in seconds of the oldest object in the shadow queue, since it was first seen."""
    replication_lag: float | None = None
    """Seconds that the region is behind the other one; null while either of them does not answer."""
    dead_letters: int | None = None
    good_writes_per_second: float | None = None
    """RESULT rows of the drill's own objects that appeared in this region's replica."""
    healthy: bool | None = None
    """The state of the region's health check."""


class Measure(_Model):
    """A duration and its target."""

    name: str
    """For example `first_good_write_helper`."""
    title: str
    seconds: float | None
    target_seconds: float | None = None
    met: bool | None = None
    """Null without a target or a measured value."""
    time_factor: float = 1
    """Factor by which the clocks of health checks, alarms and TTLs ran faster; `seconds` is in their time."""
    how: str = ""
    """The method of measurement, and its limits."""


class Finding(_Model):
    """An object whose state is wrong."""

    kind: Annotated[str, Field(pattern="^(lost|duplicated|divergent)$")]
    object_id: str
    where: str
    """The source: `objects us-east-1`, `ledger us-west-2`, `receipts`, ..."""
    what: str
    """A sentence on the actual and the expected state."""


class DigestRow(_Model):
    """The digest of a source for an hour and prefix."""

    source: str
    hour: str
    prefix: str
    count: int
    sum: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NegativeControl(_Model):
    """Damage that the drill injected to test its proof."""

    name: Annotated[
        str,
        Field(
            pattern="^(duplicate|withheld_replica|tampered_row|lost_receipt|forged_receipt|emptied_archive|"
            "result_without_records|forged_samples)$"
        ),
    ]
    injected: str
    """The damage and its object."""
    object_id: str
    found: bool
    how: str = ""
    """The finding that detected it."""
    repaired: bool = False


class NegativeControls(_Model):
    """The numbers of injected and found controls. A control that is not found makes the drill void."""

    injected: int
    found: int
    controls: tuple[NegativeControl, ...] = ()


class Proof(_Model):
    """The comparison of the sources."""

    at: str
    sources: tuple[str, ...]
    """The sources that were read."""
    unread: dict[str, str] = {}
    """Why a source could not be read, by its name. Such a source is never equal."""
    objects: int
    equal: bool
    lost: int
    duplicated: int
    divergent: int
    findings: tuple[Finding, ...] = ()
    """At most 100; the counts include all."""
    digests: tuple[DigestRow, ...] = ()
    seconds: float = 0
    reads: int = 0


class Allowance(_Model):
    """Findings of the surviving region that the promise allows."""

    sentence: str
    """The sentence of the promise."""
    objects: int
    examples: tuple[Finding, ...] = ()
    """At most three."""


class GuardReport(_Model):
    """Calls to AWS during the failover. No call may go to the lost region or to a global endpoint."""

    calls: int
    allowed_regions: tuple[str, ...]
    violations: tuple[str, ...] = ()


class PhaseRecord(_Model):
    """The course of a phase."""

    name: str
    status: Annotated[str, Field(pattern="^(done|failed|skipped|not begun)$")]
    began_at: str | None = None
    seconds: float | None = None
    resumed: int = 0
    """Number of restarts of the phase after an interruption."""
    outcome: str = ""


class Previous(_Model):
    """The previous drill and the SHA-256 of its report, which form the chain."""

    drill_id: str
    report_sha256: str


class NotTested(_Model):
    """Something that this drill does not test, and the reason."""

    what: str
    why: str


class DrillReport(_Model):
    """`report.json`."""

    schema_version: str = SCHEMA_VERSION
    drill_id: str
    verdict: Verdict
    reasons: tuple[str, ...]
    """The reasons for the verdict, worst first."""
    plan: ReviewedPlan | None = None
    """The plan file; null for a drill by flags."""
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
    """Number of tagged objects to upload."""
    lost: int | None
    """Number of objects that are missing in a place where they should be; null without a proof."""
    duplicated: int | None
    """Number of objects with more than one effect; null without a proof."""
    divergent: int | None
    """Number of objects that differ between the sources; null without a proof."""
    rto_seconds: dict[str, float | None]
    """By kind: `detect`, `decide`, `switch`, `first_good_write_helper`, `first_good_write_dns`, `backlog_zero`,
    `failback`."""
    rpo_seconds: dict[str, float | None]
    """By kind. `durable` and `accepted`: age at the fault of the oldest object of that state that the surviving region
    lacked in `verify`; 0 if it lacked none. `one_region`: the longest time that an object was in one region only."""
    rpo_objects: dict[str, int | None] = {}
    """By kind, `durable` and `accepted`: number of objects of that state that the surviving region lacked in `verify`."""
    allowed: tuple[Allowance, ...] = ()
    """The findings of `verify` that the promise allows, by the sentence that allows them."""
    stations: dict[str, int] = {}
    """At the fault: number of the drill's objects at each station of their way, by the name of the station."""
    uploads_by_phase: dict[str, int] = {}
    """Number of files that a region accepted in each phase."""
    measures: tuple[Measure, ...]
    negative_controls: NegativeControls
    proof: Proof | None
    """The last proof, after the negative controls were repaired."""
    guard: GuardReport
    phases: tuple[PhaseRecord, ...]
    timeline: tuple[Event, ...]
    samples: tuple[Sample, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    tools: dict[str, str] = {}
    git_revision: str | None = None
    journal_sha256: str
    previous: Previous | None = None
