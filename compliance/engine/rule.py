"""What a rule of ours is: a pure function over a resource, and the words that teach."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.findings import RuleInfo, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A rule's answer about one resource. The message says what was found, where, and what is allowed."""

    verdict: Verdict
    message: str = ""


PASSED: Final = Judgement(Verdict.PASS)
NOT_APPLICABLE: Final = Judgement(Verdict.NOT_APPLICABLE)


def failed(message: str) -> Judgement:
    """The resource breaks the rule."""
    return Judgement(Verdict.FAIL, message)


def not_evaluated(message: str) -> Judgement:
    """The template does not say enough to tell. That fails the gate as a failure does."""
    return Judgement(Verdict.NOT_EVALUATED, message)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. A file in `compliance/rules/<service>` that defines `RULE` is all that it takes to add one.

    Attributes:
        id: `<Pack>-<Name>`; the qualified id is `<Pack>::<Pack>-<Name>`. `our_rules` sets it by the file's path.
        title: What it asks, in one sentence.
        why: What goes wrong where it is broken.
        fix: What to change.
        judge: Answers about one resource. It may look at every template of the world and must change none. It may
            raise UnresolvedError, or anything at all: the row is then NOT_EVALUATED.
        severity: Of a failure.
        controls: The control ids that it serves.
        types: The resource types that it is about, as `judge` has them where `rule_from` made it; `*` is any type, and
            `Custom::*` every type that begins so. A rule about any type covers none.
        is_local: Whether its answer about a resource depends on that resource, on its counterpart in the other region and on
            what stands beside the resources in templates, and on nothing else.
    """

    id: str = ""
    title: str
    why: str
    fix: str
    judge: Callable[[Resource, TemplateSet], Judgement]
    severity: Severity = Severity.ERROR
    controls: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    is_local: bool = False

    def __post_init__(self) -> None:
        """Take the types from `judge`, which is asked about nothing else."""
        if not self.types:
            object.__setattr__(self, "types", getattr(self.judge, "types", ("*",)))

    @property
    def info(self) -> RuleInfo:
        """The rule as reports name it."""
        return RuleInfo(
            id=f"{self.id.partition('-')[0]}::{self.id}",
            title=self.title,
            why=self.why,
            fix=self.fix,
            severity=self.severity,
            controls=self.controls,
            covers="*" not in self.types,
        )
