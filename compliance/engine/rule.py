"""A rule of ours, and the judge that asks it about every version of a resource that its conditions allow."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from compliance.cfn.reading import TooManyConditionsError, branches
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.engine.candidates import Candidate
from compliance.engine.findings import RuleInfo, Severity, Verdict

Violations: TypeAlias = Callable[[Resource, TemplateSet], Iterable[str]]
"""Yields what is wrong with one version of a resource. It may raise UnresolvedError."""

Applies: TypeAlias = Callable[[Resource, TemplateSet], bool]
"""Whether a rule concerns one version of a resource. It may raise UnresolvedError."""


Repair: TypeAlias = Callable[[Resource, TemplateSet], Iterable[Candidate]]
"""Yields the changed bodies of a resource after which a rule may pass, the best first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A rule's answer about one resource. The message says what was found, where, and what is allowed."""

    verdict: Verdict
    message: str = ""


PASSED: Final = Judgement(Verdict.PASS)
NOT_APPLICABLE: Final = Judgement(Verdict.NOT_APPLICABLE)


def failed(message: str) -> Judgement:
    """Return the judgement that the resource breaks the rule."""
    return Judgement(Verdict.FAIL, message)


def not_evaluated(message: str) -> Judgement:
    """Return the judgement that the template does not determine the answer. It fails the gate as a failure does."""
    return Judgement(Verdict.NOT_EVALUATED, message)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: the `RULE` of a file in `compliance/rules/<service>/`, or an entry of the service's table of requirements.

    Attributes:
        id: `<Pack>-<Name>`; the qualified id is `<Pack>::<Pack>-<Name>`. `our_rules` sets it by the file's path.
        title: The requirement, in one sentence.
        why: The consequence of breaking it.
        fix: The change that satisfies it.
        judge: Judges one resource. It may read every template and change none. Any exception that it raises, such as
            UnresolvedError, makes the row NOT_EVALUATED.
        severity: Of a failure.
        controls: The control ids that it serves.
        types: The resource types that it judges; `rule_from` sets them. `*` is any type, and `Custom::*` every type with
            that prefix. A rule about any type counts as coverage of none.
        repair: Yields changes that may end a finding, the best first; or the reason why none is safe. Without it, one is
            looked for in similar resources.
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
    repair: Repair | str | None = None
    is_local: bool = False

    def __post_init__(self) -> None:
        """Take the types from `judge`, which passes over all others."""
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


def always(_resource: Resource, _world: TemplateSet) -> bool:
    """Return True: the rule concerns each resource of its types."""
    return True


class _Recorded(dict[str, Json]):
    """Properties that record the names that are read."""

    def __init__(self, asked: set[str], properties: Mapping[str, Json]) -> None:
        super().__init__(properties)
        self._asked = asked

    def __getitem__(self, name: str) -> Json:
        self._asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Json = None) -> Json:
        self._asked.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._asked.update(super().keys())
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        self._asked.update(super().keys())
        return super().keys()

    def items(self) -> ItemsView[str, Json]:  # type: ignore[override]
        self._asked.update(super().keys())
        return super().items()

    def values(self) -> ValuesView[Json]:  # type: ignore[override]
        self._asked.update(super().keys())
        return super().values()


class ViolationsJudge:
    """A rule's `judge` that asks for violations; `types` are those that it is about, `read` the properties it has read."""

    def __init__(self, violations: Violations, types: tuple[str, ...], applies: Applies) -> None:
        self.types = types
        self.read: set[str] = set()
        self._violations = violations
        self._applies = applies
        self._plain = frozenset(types)
        self._patterns = tuple(wanted for wanted in types if "*" in wanted)

    def __call__(self, resource: Resource, world: TemplateSet) -> Judgement:
        """Answer about one resource."""
        # Asked of every resource by every rule: most answers end here.
        if resource.type not in self._plain and not any(fnmatchcase(resource.type, wanted) for wanted in self._patterns):
            return NOT_APPLICABLE
        try:
            versions = branches(resource.properties, resource.template)
            return self._judge(resource, (_Recorded(self.read, version) for version in versions), world)
        except TooManyConditionsError:
            return self._judge_what_is_read(resource, world)

    def _judge(self, resource: Resource, versions: Iterable[Json], world: TemplateSet) -> Judgement:
        concerned = [
            version
            for version in (replace(resource, properties=properties) for properties in versions)
            if self._applies(version, world)
        ]
        if not concerned:
            return NOT_APPLICABLE
        return judge_each(concerned, lambda version: self._violations(version, world))

    def _judge_what_is_read(self, resource: Resource, world: TemplateSet) -> Judgement:
        """Judge every version of the properties that the rule reads: conditions of others do not change its answer.

        Raises:
            TooManyConditionsError: These alone depend on too many.
        """
        read: set[str] = set()
        while True:
            asked: set[str] = set()
            rest = {name: value for name, value in resource.properties.items() if name not in read}
            needed = {name: value for name, value in resource.properties.items() if name in read}
            versions = [_Recorded(asked, {**rest, **version}) for version in branches(needed, resource.template)]
            try:
                answer = self._judge(resource, versions, world)
            except Exception:
                # A property that was not read before may still hold an Fn::If, which the rule does not expect.
                if asked <= read:
                    raise
            else:
                if asked <= read:
                    return answer
            read |= asked


def rule_from(violations: Violations, *types: str, applies: Applies = always) -> ViolationsJudge:
    """Return a rule's `judge`, made from the function that yields its violations.

    Args:
        violations: Asked of each version, whose properties are free of Fn::If, AWS::NoValue and null.
        types: The resource types that the rule is about; `Custom::*` is every type that begins so.
        applies: Which of their resources it concerns; one version that it concerns is enough.
    """
    return ViolationsJudge(violations, types, applies)


def judge_each(versions: Iterable[Json], violations: Callable[[Json], Iterable[str]]) -> Judgement:
    """Judge every version of something by what is wrong with it.

    Args:
        versions: Usually the branches of a resource's properties. A rule must hold for each.
        violations: Yields what is wrong with one version. It may raise UnresolvedError.

    Returns:
        A failure with every violation, else NOT_EVALUATED if a version could not be read whole, else a pass.
    """
    found: dict[str, None] = {}
    unresolved: dict[str, None] = {}
    for version in versions:
        try:
            for violation in violations(version):
                found[violation] = None
        except UnresolvedError as error:
            unresolved[str(error)] = None
    if found:
        return failed("; ".join(found))
    return not_evaluated("; ".join(unresolved)) if unresolved else PASSED
