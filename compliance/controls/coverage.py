"""Compute the state of each control of each framework after a run. A mapping, not a certification."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from compliance.cfn.caching import cached
from compliance.controls.catalogue import Framework, catalogue, resolve, split
from compliance.controls.responsibility import Kind, Responsibility, responsible
from compliance.engine.findings import Finding, Findings, Verdict


class Status(StrEnum):
    """State of a control: that of the worst row behind it, or who else answers for it."""

    FAILING = "failing"
    NOT_EVALUATED = "not evaluated"
    ACKNOWLEDGED = "acknowledged"
    PASSING = "passing"
    INHERITED = "inherited from AWS"
    PROCEDURAL = "procedural"
    NOT_APPLICABLE = "not applicable"
    """No judged resource is of a type that its rules check, or responsibility.toml says why it does not apply."""
    UNDECIDED = "not decided by this gate"


AUTOMATED: Final = frozenset({Status.FAILING, Status.NOT_EVALUATED, Status.ACKNOWLEDGED, Status.PASSING})
"""States of a control for which at least one rule answered about at least one resource."""
_WORST_FIRST: Final = {
    Verdict.FAIL: Status.FAILING,
    Verdict.NOT_EVALUATED: Status.NOT_EVALUATED,
    Verdict.ACKNOWLEDGED: Status.ACKNOWLEDGED,
    Verdict.PASS: Status.PASSING,
}
_STATUS: Final = {
    Kind.INHERITED: Status.INHERITED,
    Kind.PROCEDURAL: Status.PROCEDURAL,
    Kind.NOT_APPLICABLE: Status.NOT_APPLICABLE,
    Kind.UNDECIDED: Status.UNDECIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """One control of one framework after a run.

    Attributes:
        framework: Its framework.
        control: Its id in the framework.
        title: Its title in the catalogue.
        status: The status of the worst row behind it, or who else answers for it.
        rules: The qualified ids of the rules that serve it, also those that judged no resource; none where
            responsibility.toml gives the control to AWS or to people.
        passed: Number of rows with the verdict PASS.
        failed: Number of rows with FAIL.
        acknowledged: Number of rows with ACKNOWLEDGED.
        not_evaluated: Number of rows with NOT_EVALUATED.
        resources: The construct paths of those rows, sorted, without duplicates.
        reason: Why it is inherited or does not apply; empty for others.
        owner: Who answers for a procedural control; empty for others.
        evidence: Where the evidence of an inherited or procedural control is.
    """

    framework: Framework
    control: str
    title: str
    status: Status
    rules: tuple[str, ...] = ()
    passed: int = 0
    failed: int = 0
    acknowledged: int = 0
    not_evaluated: int = 0
    resources: tuple[str, ...] = ()
    reason: str = ""
    owner: str = ""
    evidence: str = ""

    @property
    def automated(self) -> bool:
        """Whether a rule answered for it."""
        return self.status in AUTOMATED


@dataclass
class _Behind:
    rules: set[str] = field(default_factory=set)
    rows: list[Finding] = field(default_factory=list)


@cached
def control_states(ledger: Findings) -> tuple[ControlState, ...]:
    """Return the state of every control of every framework, in the frameworks' own order.

    Raises:
        UnknownControlError: A rule names a control that its framework does not have.
    """
    behind = _behind(ledger)
    types = {item.resource_type for item in ledger.coverage}
    ours = not any(subject.file for subject in ledger.subjects)
    return tuple(
        _state(
            framework, control, title, behind.get((framework, control)), responsible(framework, control, types, ours=ours)
        )
        for framework in Framework
        for control, title in catalogue(framework).items()
    )


def _behind(ledger: Findings) -> defaultdict[tuple[Framework, str], _Behind]:
    rows: dict[str, list[Finding]] = defaultdict(list)
    for finding in ledger.findings:
        rows[finding.rule].append(finding)
    behind: defaultdict[tuple[Framework, str], _Behind] = defaultdict(_Behind)
    for rule in ledger.rules.values():
        meant = {
            (framework, control) for framework, text in map(split, rule.controls) for control in resolve(framework, text)
        }
        for key in meant:
            behind[key].rules.add(rule.id)
            behind[key].rows += rows[rule.id]
    return behind


def _state(
    framework: Framework, control: str, title: str, found: _Behind | None, other: Responsibility | None
) -> ControlState:
    if other:
        return ControlState(
            framework=framework,
            control=control,
            title=title,
            status=_STATUS[other.kind],
            reason=other.reason,
            owner=other.owner,
            evidence=other.evidence,
        )
    if not found:
        return ControlState(framework=framework, control=control, title=title, status=Status.UNDECIDED)
    counts = Counter(row.verdict for row in found.rows)
    status = next((status for verdict, status in _WORST_FIRST.items() if counts[verdict]), Status.NOT_APPLICABLE)
    return ControlState(
        framework=framework,
        control=control,
        title=title,
        status=status,
        rules=tuple(sorted(found.rules)),
        passed=counts[Verdict.PASS],
        failed=counts[Verdict.FAIL],
        acknowledged=counts[Verdict.ACKNOWLEDGED],
        not_evaluated=counts[Verdict.NOT_EVALUATED],
        resources=tuple(sorted({row.path for row in found.rows})),
        reason="no judged resource is of a type that its rules check" if status is Status.NOT_APPLICABLE else "",
    )
