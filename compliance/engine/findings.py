"""Findings, the input of every report: one row for each rule and resource, with one of five verdicts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Final


class Verdict(StrEnum):
    """Result of a rule on a resource. Only PASS, ACKNOWLEDGED and NOT_APPLICABLE allow a deployment."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    """The rule failed or was not evaluated, and a decision in the registry covers exactly this rule and path."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_EVALUATED = "NOT_EVALUATED"
    """The rule raised an error, or the value is known only at deployment. Never a pass."""


NOTHING_EVALUATED: Final = "nothing was evaluated, so there is no verdict"
"""Text of every report about a run without a single answer, which never passes."""
COLUMNS: Final = (
    Verdict.FAIL,
    Verdict.NOT_EVALUATED,
    Verdict.ACKNOWLEDGED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
"""The verdicts in the order of the reports."""


class Severity(StrEnum):
    """Severity of a failure. Both fail the gate; errors are listed first."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """A rule as reports describe it.

    Attributes:
        id: The qualified id, `<pack>::<rule>`, as in an acknowledgement.
        title: One sentence: the requirement (our rules) or the fault (the cdk-nag packs).
        why: Why it matters.
        fix: What to change or to type.
        severity: Of a failure.
        controls: The controls that it serves, each as `<framework>:<control>`, for example `NIST-800-53-R5:SC-28`.
        covers: Whether an answer about a resource covers the resource's type. A rule for any type, as on names, tags or
            references, covers none.
    """

    id: str
    title: str
    why: str
    fix: str
    severity: Severity = Severity.ERROR
    controls: tuple[str, ...] = ()
    covers: bool = True

    @property
    def pack(self) -> str:
        """The part of the id before `::`."""
        return _pack(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A resource under judgement: the fields that all rows about it share.

    Attributes:
        configuration: The settings under judgement, for example `prod`; empty when a row is about none.
        stack: The template's name: the stack's construct id, or the file.
        region: Of the stack; empty when unknown.
        path: The construct path, or the logical id where a template carries no path.
        logical_id: In the template; empty for the template as a whole.
        resource_type: For example `AWS::SQS::Queue`.
        line: In the template, from 1; 0 when unknown.
        source: The file and line of the Python that made the construct, `infra/constructs/queue.py:42`, relative to
            the project; empty when unknown.
    """

    configuration: str = ""
    stack: str = ""
    region: str = ""
    path: str = ""
    logical_id: str = ""
    resource_type: str = ""
    line: int = 0
    source: str = ""

    def row(self, rule: str, verdict: Verdict, message: str = "") -> "Finding":
        """Return a row about this place."""
        return Finding(rule=rule, verdict=verdict, message=message, **dict(zip(_PLACE, _of_place(self), strict=True)))


_PLACE: Final = tuple(Place.__dataclass_fields__)
_of_place: Final = attrgetter(*_PLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Place):
    """One row: the result of one rule on one resource of one template in one configuration.

    Attributes:
        rule: The qualified id.
        verdict: See Verdict.
        message: The fault in one or two sentences. Empty for a pass.
        decision: The id of the decision that acknowledges it; empty unless the verdict is ACKNOWLEDGED.
        observed: The values that a rule which passed read, as `EnableKeyRotation = true`; empty where they are unknown.
    """

    rule: str
    verdict: Verdict
    message: str = ""
    decision: str = ""
    observed: str = ""

    @property
    def pack(self) -> str:
        """The part of the rule's id before `::`."""
        return _pack(self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedWith:
    """A property of a resource that names a key of the templates.

    Attributes:
        configuration: The settings under judgement.
        key: The key's template and logical id, `PrimaryKeys/KeysQueue1234`.
        alias: Its aliases; empty where it has none.
        region: Of the key.
        path: The construct path of the resource that is encrypted with it.
        resource_type: Of that resource.
        property: The property that names the key.
    """

    configuration: str
    key: str
    alias: str
    region: str
    path: str
    resource_type: str
    property: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A warning of AWS's validation or of the CDK, which does not fail the gate."""

    rule: str
    configuration: str
    stack: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A judged template with its SHA-256, which links a report to a deployment.

    Attributes:
        configuration: The settings that it was made for.
        name: The stack's construct id, or the file's name.
        stack_name: The stack's name in AWS; empty when unknown.
        region: Of the stack; empty when unknown.
        sha256: Of `text`, in hexadecimal.
        resources: How many it has.
        text: The template, JSON or YAML, as it was judged. The evidence bundle holds it; the reports do not.
        file: The file of --template; empty if the template was synthesized.
        account: The account that it is for, 12 digits; empty when unknown.
    """

    configuration: str
    name: str
    stack_name: str
    region: str
    sha256: str
    resources: int
    text: str = field(default="", repr=False)
    file: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTerms:
    """The part of a decision that reports show.

    Attributes:
        id: Short, stable id for reports.
        title: The decision in one sentence.
        reason: Why the finding is accepted; at least 20 characters.
        owner: The person or team that is responsible for it.
        approver: The person or group that accepted it.
        ticket: Where it was discussed: a ticket, a pull request or a document.
        decided: The day of the approval.
        expires: The last day on which it holds.
    """

    id: str
    title: str
    reason: str
    owner: str
    approver: str
    ticket: str
    decided: date
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUse(DecisionTerms):
    """A decision of the registry, and the number of findings that it acknowledged in this run."""

    acknowledged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCoverage:
    """Coverage of a resource type.

    Attributes:
        resource_type: For example `AWS::SQS::Queue`.
        resources: Number of its resources, in all configurations.
        rules: For each pack, the number of its rules that answered about one of them; empty when none did.
        others: The same for rules for any type: AWS's validation, names, tags, references.
    """

    resource_type: str
    resources: int
    rules: Mapping[str, int]
    others: Mapping[str, int]

    @property
    def covered(self) -> bool:
        """Whether a rule checked it."""
        return bool(self.rules)


def type_coverage(
    findings: Sequence[Finding],
    rules: Mapping[str, RuleInfo],
    silent: Mapping[str, Iterable[Place]],
) -> tuple[TypeCoverage, ...]:
    """Return the coverage of each resource type, by type.

    Args:
        findings: The rows, except those with the verdict NOT_APPLICABLE.
        rules: By qualified id, those of the rows at least.
        silent: The places that a rule does not apply to.
    """
    met: dict[str, set[tuple[str, str, str]]] = {}
    answered: dict[str, set[str]] = {}
    # A place is one object for hundreds of rules, so a comparison by identity comes first: it is the fastest.
    places = {id(place): place for among in silent.values() for place in among}
    everywhere: Iterable[Place | Finding] = (*places.values(), *findings)
    for place in everywhere:
        if place.logical_id and place.resource_type:
            met.setdefault(place.resource_type, set()).add((place.configuration, place.stack, place.logical_id))
    for finding in findings:
        if finding.verdict is not Verdict.NOT_EVALUATED or not finding.rule.endswith("::Ran"):
            answered.setdefault(finding.resource_type, set()).add(_base(finding.rule))
    covering = {_base(rule) for rule, info in rules.items() if info.covers}
    return tuple(_type_coverage(kind, len(met[kind]), answered.get(kind, set()), covering) for kind in sorted(met))


def _type_coverage(kind: str, resources: int, rules: set[str], covering: set[str]) -> TypeCoverage:
    alike = rules - covering
    return TypeCoverage(
        resource_type=kind,
        resources=resources,
        rules=_by_pack(rules - alike),
        others=_by_pack(alike),
    )


def _base(rule: str) -> str:
    """Return a rule's id without the finding's detail, which some packs append in brackets."""
    return rule.partition("[")[0]


def _by_pack(rules: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(map(_pack, rules)).items()))


def _in_template(row: Finding) -> tuple[str, int, str, str, str]:
    return row.stack, row.line, row.path, row.verdict, row.message


def _pack(rule: str) -> str:
    return rule.partition("::")[0]


_RANK: Final = {
    (Verdict.FAIL, Severity.ERROR): 0,
    (Verdict.NOT_EVALUATED, Severity.ERROR): 1,
    (Verdict.FAIL, Severity.WARNING): 2,
    (Verdict.NOT_EVALUATED, Severity.WARNING): 3,
}


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A --fail-on other than the default, which decides in place of the ledger's own verdict.

    Attributes:
        fail_on: Its name, for example `error`.
        passed: Whether the threshold allows a deployment.
        summary: The verdict in one line, with the numbers.
        tolerated: Open findings that do not fail the run.
    """

    fail_on: str
    passed: bool
    summary: str
    tolerated: frozenset[Finding] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The ledger: all results of a run. Reports render it and add nothing.

    Attributes:
        findings: The rows, except those with the verdict NOT_APPLICABLE: `rows` has them all.
        rules: Every rule that a row names, by qualified id.
        silent: The places that a rule does not apply to, by qualified id. They are nine rows of ten, so each is kept
            as a place alone.
        configurations: The judged configurations, in order.
        subjects: The judged templates.
        decisions: The decisions, each with the number of findings that it acknowledged.
        advice: Warnings that do not fail the gate.
        judged_on: The day for which expiry was checked.
        registry: The registry's text; empty when there was none.
        threshold: The threshold that decides whether the run passed; None for the default.
        revision: The project's commit, `commit` and `dirty`, or why it is `unknown`; empty if it was not read.
        encrypted: Which key encrypts what.
        run: Who ran the gate, where and when, as `compliance.reports.provenance.run` returns it; empty if it is unknown.
    """

    findings: tuple[Finding, ...]
    rules: Mapping[str, RuleInfo]
    judged_on: date
    silent: Mapping[str, Sequence[Place]] = field(default_factory=dict, repr=False)
    configurations: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()
    decisions: tuple[DecisionUse, ...] = ()
    advice: tuple[Advice, ...] = ()
    registry: str = field(default="", repr=False)
    threshold: Threshold | None = None
    revision: Mapping[str, Any] = field(default_factory=dict)
    encrypted: tuple[EncryptedWith, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[Finding]:
        """Yield every row, also NOT_APPLICABLE ones, by configuration, rule, and place in the templates."""
        found: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            found.setdefault((finding.configuration, finding.rule), []).append(finding)
        silent: dict[tuple[str, str], list[Place]] = {}
        for rule, places in self.silent.items():
            for place in places:
                silent.setdefault((place.configuration, rule), []).append(place)
        order = {name: number for number, name in enumerate(self.configurations)}
        rank = self._rank_of_places()
        for configuration, rule in sorted({*found, *silent}, key=lambda key: (order.get(key[0], len(order)), key)):
            places = sorted(silent.get((configuration, rule), ()), key=lambda place: rank[id(place)])
            rows = [place.row(rule, Verdict.NOT_APPLICABLE) for place in places]
            if (configuration, rule) in found:
                rows = sorted((*rows, *found[configuration, rule]), key=_in_template)
            yield from rows

    def _rank_of_places(self) -> dict[int, int]:
        """The order of the places that rules do not apply to, by identity: each is one object for hundreds of rules."""
        places = {id(place): place for among in self.silent.values() for place in among}
        ordered = sorted(places.values(), key=lambda place: (place.stack, place.line, place.path))
        return {id(place): number for number, place in enumerate(ordered)}

    @cached_property
    def not_applicable(self) -> dict[str, int]:
        """The number of NOT_APPLICABLE answers of each pack."""
        counted: Counter[str] = Counter()
        for rule, places in self.silent.items():
            counted[_pack(rule)] += len(places)
        return dict(counted)

    @cached_property
    def memory(self) -> dict[str, object]:
        """Cached results by function; see `compliance.cfn.caching`."""
        return {}

    @cached_property
    def coverage(self) -> tuple[TypeCoverage, ...]:
        """The coverage of each resource type, by type."""
        return type_coverage(self.findings, self.rules, self.silent)

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """The number of rows of each verdict, with every verdict present."""
        counted = Counter(finding.verdict for finding in self.findings)
        counted[Verdict.NOT_APPLICABLE] += sum(self.not_applicable.values())
        return {verdict: counted[verdict] for verdict in Verdict}

    @cached_property
    def by_pack(self) -> dict[str, dict[Verdict, int]]:
        """The same counts for each pack, the pack with the most open findings first."""
        counted: dict[str, Counter[Verdict]] = {pack: Counter() for pack in self.not_applicable}
        for finding in self.findings:
            counted.setdefault(finding.pack, Counter())[finding.verdict] += 1
        for pack, times in self.not_applicable.items():
            counted[pack][Verdict.NOT_APPLICABLE] += times
        worst_first = sorted(counted, key=lambda pack: (*(-counted[pack][verdict] for verdict in COLUMNS[:3]), pack))
        return {pack: {verdict: counted[pack][verdict] for verdict in COLUMNS} for pack in worst_first}

    @cached_property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that fail the gate, worst first, then by rule and place."""
        failing = (f for f in self.findings if f.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED})
        return tuple(sorted(failing, key=lambda f: (self.rank(f), f.rule, f.configuration, f.stack, f.path)))

    @property
    def evaluated(self) -> int:
        """The number of rows that evaluate a resource. Zero is an error, because the run then proves nothing."""
        return self.counts[Verdict.PASS] + self.counts[Verdict.FAIL] + self.counts[Verdict.ACKNOWLEDGED]

    @property
    def passed(self) -> bool:
        """Whether a deployment is allowed: by the threshold, or else if no finding is open."""
        if self.evaluated == 0:
            return False
        return self.threshold.passed if self.threshold else not self.failures

    def counts_against(self, finding: Finding) -> bool:
        """Return whether an open finding fails the run: it does unless the threshold tolerates it."""
        return self.threshold is None or finding not in self.threshold.tolerated

    def rank(self, finding: Finding) -> int:
        """Return the rank of a finding; 0 is the worst."""
        return _RANK.get((finding.verdict, self.rules[finding.rule].severity), len(_RANK))
