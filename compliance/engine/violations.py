"""A rule written as a function that yields violations, for every version of a resource that its conditions allow."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from compliance.cfn.reading import branches
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, failed, not_evaluated

Violations: TypeAlias = Callable[[Resource, TemplateSet], Iterable[str]]
"""Yields what is wrong with one version of a resource. It may raise UnresolvedError."""

Applies: TypeAlias = Callable[[Resource, TemplateSet], bool]
"""Whether a rule concerns one version of a resource. It may raise UnresolvedError."""


def always(_resource: Resource, _world: TemplateSet) -> bool:
    """Return True: the rule concerns each resource of its types."""
    return True


class ViolationsJudge:
    """A rule's `judge` that asks for violations; `types` are those that it is about."""

    def __init__(self, violations: Violations, types: tuple[str, ...], applies: Applies) -> None:
        self.types = types
        self._violations = violations
        self._applies = applies
        self._plain = frozenset(types)
        self._patterns = tuple(wanted for wanted in types if "*" in wanted)

    def __call__(self, resource: Resource, world: TemplateSet) -> Judgement:
        """Answer about one resource."""
        # Asked of every resource by every rule: most answers end here.
        if resource.type not in self._plain and not any(fnmatchcase(resource.type, wanted) for wanted in self._patterns):
            return NOT_APPLICABLE
        versions = [replace(resource, properties=properties) for properties in branches(resource.properties)]
        concerned = [version for version in versions if self._applies(version, world)]
        if not concerned:
            return NOT_APPLICABLE
        return judge_each(concerned, lambda version: self._violations(version, world))


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
        violations: Tells what is wrong with one version. It may raise UnresolvedError.

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
