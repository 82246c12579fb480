"""The contract of every report: one row for each rule and resource, with one of five verdicts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final


class Verdict(StrEnum):
    """What a rule found on a resource. Only PASS, ACKNOWLEDGED and NOT_APPLICABLE let a deployment through."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    """Would fail or could not be evaluated, and a decision in the registry covers exactly this rule and path."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_EVALUATED = "NOT_EVALUATED"
    """The rule threw, or met a value that only a deployment can know. Never a pass."""


COLUMNS: Final = (
    Verdict.FAIL,
    Verdict.NOT_EVALUATED,
    Verdict.ACKNOWLEDGED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
"""The verdicts in the order in which a reader wants them."""


class Severity(StrEnum):
    """How bad a failure of the rule is. Both fail the gate; errors are listed first."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """What a report says of a rule.

    Attributes:
        id: The qualified id, `<pack>::<rule>`, as an acknowledgement writes it.
        title: One sentence: what the rule asks (ours) or what it found missing (the cdk-nag packs).
        why: Why it matters.
        fix: What to change or to type.
        severity: Of a failure.
        controls: What the rule serves, each as `<framework>:<control>`, for example `NIST-800-53-R5:SC-28`.
    """

    id: str
    title: str
    why: str
    fix: str
    severity: Severity = Severity.ERROR
    controls: tuple[str, ...] = ()

    @property
    def pack(self) -> str:
        """The part of the id before `::`."""
        return self.id.partition("::")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row: what one rule found on one resource of one template in one configuration.

    Attributes:
        rule: The qualified id.
        verdict: See Verdict.
        configuration: The settings under judgement, for example `prod`; empty when the row is about none.
        stack: The template's name: the stack's construct id, or the file.
        region: Of the stack; empty when unknown.
        path: The construct path, or the logical id where a template carries no path.
        logical_id: In the template; empty for the template as a whole.
        resource_type: For example `AWS::SQS::Queue`.
        message: What was found, in one or two sentences. Empty for a pass.
        line: In the template, from 1; 0 when unknown.
        source: The file and line of the Python that made the construct, `infra/constructs/queue.py:42`, relative to
            the project; empty when unknown.
        decision: The id of the decision that acknowledges it; empty unless the verdict is ACKNOWLEDGED.
    """

    rule: str
    verdict: Verdict
    configuration: str = ""
    stack: str = ""
    region: str = ""
    path: str = ""
    logical_id: str = ""
    resource_type: str = ""
    message: str = ""
    line: int = 0
    source: str = ""
    decision: str = ""

    @property
    def pack(self) -> str:
        """The part of the rule's id before `::`."""
        return self.rule.partition("::")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Something worth reading that fails nothing: a warning of AWS's validation or of the CDK."""

    rule: str
    configuration: str
    stack: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A template that was judged, by its SHA-256, so that a report can be tied to what was deployed.

    Attributes:
        configuration: The settings that it was written for.
        name: The stack's construct id, or the file's name.
        stack_name: The stack's name in AWS; empty when unknown.
        region: Of the stack; empty when unknown.
        sha256: Of `text`, in hexadecimal.
        resources: How many it has.
        text: The template, JSON or YAML, as it was judged. The evidence bundle holds it; the reports do not.
    """

    configuration: str
    name: str
    stack_name: str
    region: str
    sha256: str
    resources: int
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUse:
    """A decision of the registry, and how many findings it acknowledged in this run."""

    id: str
    title: str
    reason: str
    owner: str
    expires: date
    acknowledged: int


_RANK: Final = {
    (Verdict.FAIL, Severity.ERROR): 0,
    (Verdict.NOT_EVALUATED, Severity.ERROR): 1,
    (Verdict.FAIL, Severity.WARNING): 2,
    (Verdict.NOT_EVALUATED, Severity.WARNING): 3,
}


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Everything a run found out. Reports are renderings of it and add nothing.

    Attributes:
        findings: The rows, except those with the verdict NOT_APPLICABLE, which are only counted.
        rules: Every rule that a row names, by qualified id.
        not_applicable: How many times each pack answered NOT_APPLICABLE.
        configurations: What was judged, in order.
        subjects: The templates that were judged.
        decisions: The registry, with what each decision acknowledged.
        advice: Warnings that fail nothing.
        judged_on: The day on which expiry was judged.
        registry: The registry's text, as it was judged; empty when there was none.
    """

    findings: tuple[Finding, ...]
    rules: Mapping[str, RuleInfo]
    judged_on: date
    not_applicable: Mapping[str, int] = field(default_factory=dict)
    configurations: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()
    decisions: tuple[DecisionUse, ...] = ()
    advice: tuple[Advice, ...] = ()
    registry: str = field(default="", repr=False)

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """How many rows have each verdict, every verdict present."""
        counted = Counter(finding.verdict for finding in self.findings)
        counted[Verdict.NOT_APPLICABLE] += sum(self.not_applicable.values())
        return {verdict: counted[verdict] for verdict in Verdict}

    @cached_property
    def by_pack(self) -> dict[str, dict[Verdict, int]]:
        """The same counts for each pack, the pack with the most to mend first."""
        counted: dict[str, Counter[Verdict]] = {pack: Counter() for pack in self.not_applicable}
        for finding in self.findings:
            counted.setdefault(finding.pack, Counter())[finding.verdict] += 1
        for pack, times in self.not_applicable.items():
            counted[pack][Verdict.NOT_APPLICABLE] += times
        worst_first = sorted(counted, key=lambda pack: (*(-counted[pack][verdict] for verdict in COLUMNS[:3]), pack))
        return {pack: {verdict: counted[pack][verdict] for verdict in COLUMNS} for pack in worst_first}

    @cached_property
    def failures(self) -> tuple[Finding, ...]:
        """What fails the gate, worst first, then by rule and place."""
        failing = (f for f in self.findings if f.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED})
        return tuple(sorted(failing, key=lambda f: (self.rank(f), f.rule, f.configuration, f.stack, f.path)))

    @property
    def evaluated(self) -> int:
        """How many rules gave an answer about a resource. Zero is an error: a gate that saw nothing proves nothing."""
        return self.counts[Verdict.PASS] + self.counts[Verdict.FAIL] + self.counts[Verdict.ACKNOWLEDGED]

    @property
    def passed(self) -> bool:
        """Whether what was judged may be deployed."""
        return self.evaluated > 0 and not self.failures

    def rank(self, finding: Finding) -> int:
        """How bad a finding is: 0 is the worst."""
        return _RANK.get((finding.verdict, self.rules[finding.rule].severity), len(_RANK))
