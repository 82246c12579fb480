"""Values that several renderers derive from a report, computed once so that they agree."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drill.model import DigestRow, DrillReport, Finding, Proof, Verdict
from drill.reports import formatting

_MODULUS: Final = 1 << 256
"""Digests are sums of SHA-256 hashes modulo 2^256."""
_SHORT: Final = 12

_Cell = tuple[str, str]
"""An hour and a prefix."""
_Digest = tuple[int, str]
_NOTHING: Final[_Digest] = (0, "0" * 64)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A compared source."""

    name: str
    objects: int
    digest: str
    cells: int
    unequal: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether the source has no difference and no finding."""
        return not self.unequal and not self.findings


@dataclass(frozen=True, kw_only=True)
class Span:
    """A named time span in seconds since the drill began; `end` is None if its end is unknown."""

    name: str
    start: float
    end: float | None


def headline(report: DrillReport) -> str:
    """Return the verdict in one sentence."""
    if report.verdict is Verdict.VOID:
        return "Void: this drill proves nothing"
    if report.verdict is Verdict.FAILED:
        counts = {"lost": report.lost, "duplicated": report.duplicated, "divergent": report.divergent}
        effects = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        return f"Failed: {effects} of {report.objects:,} objects" if effects else "Failed"
    passed = f"{report.objects:,} objects, and nothing lost, duplicated or divergent"
    if report.verdict is Verdict.NOT_ALL_MEASURED:
        return f"Passed, {unmeasured(report)} not measured: {passed}"
    return f"Passed: {passed}"


def unmeasured(report: DrillReport) -> str:
    """Return the number of targets that apply and were not measured: `1 target`, `2 targets`."""
    count = sum(one.target_seconds is not None and one.seconds is None for one in report.measures)
    return f"{count} target{'' if count == 1 else 's'}"


def verdict(report: DrillReport) -> str:
    """Return the verdict as text: `passed`, `passed, 2 targets not measured`, `failed` or `void`."""
    if report.verdict is Verdict.NOT_ALL_MEASURED:
        return f"passed, {unmeasured(report)} not measured"
    return report.verdict.value


def loss(report: DrillReport, kind: str) -> str:
    """Return the number of objects of a kind of RPO, as text; "" for a kind without one."""
    if kind not in report.rpo_objects:
        return ""
    count = report.rpo_objects[kind]
    return "not measured" if count is None else f"{count:,} objects"


def effects(report: DrillReport) -> str:
    """Return the numbers of lost, duplicated and divergent objects as text. Without a proof they are unknown, not zero."""
    counts = {"lost": report.lost, "duplicated": report.duplicated, "divergent": report.divergent}
    unknown = " or ".join(what for what, count in counts.items() if count is None)
    known = [f"{count:,} {what}" for what, count in counts.items() if count is not None]
    return ", ".join(
        [*known, *([f"nothing was compared, so the number of {unknown} objects is unknown"] if unknown else [])]
    )


def where(report: DrillReport) -> str:
    """Return environment, cloud and regions of the drill, in one line."""
    place = "the local cloud" if report.target == "local" else f"AWS account {report.account}"
    return f"{report.environment} on {place}, {report.primary_region} to {report.secondary_region} and back"


def faults(report: DrillReport) -> str:
    """Return the injected faults, in one line."""
    return ", ".join(f"{fault.name} of {fault.region} in {fault.phase}" for fault in report.faults) or "no fault"


def title(report: DrillReport) -> str:
    """Return the injected faults, as a title."""
    text = faults(report)
    return text[:1].upper() + text[1:]


def plan(report: DrillReport) -> list[tuple[str, str]]:
    """Return what the plan file states, as pairs of a name and a text; nothing for a drill by flags."""
    found = report.plan
    if found is None:
        return []
    targets = ", ".join(f"{formatting.kind(name)} {formatting.duration(seconds)}" for name, seconds in found.targets.items())
    return [
        ("Hypothesis", found.hypothesis),
        ("Watched by", found.watcher),
        ("Approved by", ", ".join(found.approvers)),
        ("Abort alarms", ", ".join(found.abort_alarms) or "none"),
        ("Targets of the plan", targets or "the usual ones"),
        ("File", f"{found.file}, SHA-256 {found.sha256}"),
    ]


def lasted(report: DrillReport) -> float | None:
    """Return the duration of the drill in seconds."""
    return formatting.since(report.ended_at, report.began_at)


def only_by_kind(report: DrillReport) -> dict[str, float | None]:
    """Return the recovery times that are not among the named measures, so that none is left out."""
    named = {measure.name for measure in report.measures}
    return {kind: value for kind, value in report.rto_seconds.items() if kind not in named}


def phase_spans(report: DrillReport) -> list[Span]:
    """Return the phases that began, by time."""
    spans = []
    for phase in report.phases:
        start = formatting.since(phase.began_at, report.began_at)
        if start is not None:
            spans.append(Span(name=phase.name, start=start, end=None if phase.seconds is None else start + phase.seconds))
    return spans


def fault_spans(report: DrillReport) -> list[Span]:
    """Return the faults that were injected, by time."""
    spans = []
    for fault in report.faults:
        start = formatting.since(fault.injected_at, report.began_at)
        if start is not None:
            name = f"{fault.name} {fault.region}"
            spans.append(Span(name=name, start=start, end=formatting.since(fault.healed_at, report.began_at)))
    return spans


def sources(proof: Proof | None) -> list[Source]:
    """Return each compared source, with its differences from most of the sources."""
    if proof is None:
        return []
    held = _by_source(proof.digests)
    names = list(dict.fromkeys([*proof.sources, *held, *(finding.where for finding in proof.findings)]))
    # A source without a digest of a cell holds nothing in it. A source without any digest was compared by ids.
    usual = {is_archive: _usual(held, is_archive=is_archive) for is_archive in (False, True)}
    found = [_source(name, held.get(name), usual[_is_archive(name)], proof.findings) for name in names]
    return [*found, *(_unread(name, why) for name, why in proof.unread.items())]


def _is_archive(name: str) -> bool:
    """Return whether a source is an archive. It holds rejected records and quarantined files only, unlike the others."""
    return name.startswith("archive ")


def _usual(held: Mapping[str, Mapping[_Cell, _Digest]], *, is_archive: bool) -> dict[_Cell, _Digest]:
    """Return the digest that most of the comparable sources have in each cell."""
    alike = [cells for name, cells in held.items() if _is_archive(name) is is_archive]
    cells = sorted({cell for source in alike for cell in source})
    return {cell: Counter(source.get(cell, _NOTHING) for source in alike).most_common(1)[0][0] for cell in cells}


def _unread(name: str, why: str) -> Source:
    finding = Finding(kind="divergent", object_id="", where=name, what=f"the source could not be read: {why}")
    return Source(name=name, objects=0, digest="", cells=0, unequal=0, findings=(finding,))


def _by_source(digests: Sequence[DigestRow]) -> dict[str, dict[_Cell, _Digest]]:
    held: dict[str, dict[_Cell, _Digest]] = defaultdict(dict)
    for row in digests:
        held[row.source][row.hour, row.prefix] = (row.count, row.sum)
    return dict(held)


def _source(
    name: str, held: Mapping[_Cell, _Digest] | None, usual: Mapping[_Cell, _Digest], findings: Sequence[Finding]
) -> Source:
    mine = held or {}
    total = sum(int(digest, 16) for _, digest in mine.values()) % _MODULUS
    return Source(
        name=name,
        objects=sum(count for count, _ in mine.values()),
        digest=f"{total:064x}"[:_SHORT] if mine else "",
        cells=len(usual) if held is not None else 0,
        unequal=sum(1 for cell, digest in usual.items() if mine.get(cell, _NOTHING) != digest) if held is not None else 0,
        findings=tuple(finding for finding in findings if finding.where == name),
    )
