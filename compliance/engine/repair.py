"""Repair templates by what the rules say of them: find a small change that every rule agrees to.

A repair is looked for in the damaged templates alone. It is kept only if its finding becomes a pass, no other finding opens,
and nothing that passed stops to.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, TypeAlias

from compliance.cfn.symmetry import counterpart, twins
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.engine.candidates import Candidate, body_of, guesses
from compliance.engine.findings import Finding, Verdict
from compliance.engine.judge import FindingsBuilder, judge
from compliance.engine.requirements import RequirementsJudge
from compliance.engine.rule import Rule, ViolationsJudge

Key: TypeAlias = tuple[str, str, str]
"""Rule, template, logical id."""
Place: TypeAlias = tuple[str, str]
"""Template and logical id; without a logical id, the template beside its resources."""
Change: TypeAlias = Mapping[Place, Json]
"""New bodies by place."""

OPEN: Final = frozenset({Verdict.FAIL, Verdict.NOT_EVALUATED})
_TRIED: Final = 5
"""Most candidates of a finding that every rule is asked about."""
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """A finding with its repair, or with the reason why it has none.

    Attributes:
        finding: The finding.
        change: What was changed; empty where nothing was.
        reason: Why nothing was changed.
    """

    finding: Finding
    change: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Repairs:
    """The result of a repair.

    Attributes:
        world: The templates after it.
        done: The findings that are repaired.
        left: The findings that are not.
    """

    world: TemplateSet
    done: tuple[Repaired, ...] = ()
    left: tuple[Repaired, ...] = ()


class _Verdicts:
    """The answers of every rule about some templates."""

    def __init__(self, rows: Iterable[Finding]) -> None:
        self.rows = {key_of(row): row for row in rows}
        self.opened = {key for key, row in self.rows.items() if row.verdict in OPEN}
        self.passed = self.rows.keys() - self.opened

    def is_worse_than(self, before: "_Verdicts", *, may_end: bool) -> bool:
        """Return whether a finding is open that was not; unless `may_end`, also whether an answer is missing."""
        lost = () if may_end else before.passed - self.passed
        return bool(self.opened - before.opened or lost)


def key_of(row: Finding) -> Key:
    """Return what is the same of a finding before and after a repair."""
    return row.rule, row.stack, row.logical_id


class Repairer:
    """Repairs templates by our rules and AWS's validation."""

    def __init__(self, rules: Sequence[Rule], validate: Callable[[TemplateSet], FindingsBuilder]) -> None:
        self._rules = {rule.info.id: rule for rule in rules}
        self._validate = validate

    def repair(
        self,
        world: TemplateSet,
        stays: Callable[[Finding], bool] = lambda _row: False,
        untouchable: Container[Place] = (),
    ) -> Repairs:
        """Return the templates with as many findings repaired as possible.

        Args:
            world: The templates.
            stays: Whether a finding is not to be repaired.
            untouchable: What no repair may change.
        """
        now = first = self._judge(world)
        changes: dict[Key, str] = {}
        reasons: dict[Key, str] = {}
        tried: TemplateSet | None = None
        while tried is not world:  # a later repair may give an earlier one the value that it copies
            tried, reasons = world, {}
            while targets := [now.rows[key] for key in now.opened - reasons.keys() if not stays(now.rows[key])]:
                target = min(targets, key=self._order)
                group = [target, *self._alike(target, now, world)]
                found = self._search(group, now, world, untouchable)
                if found is None:
                    reasons |= {key_of(row): self._reason(row) for row in group}
                    continue
                change, world, after = found
                changes |= dict.fromkeys(now.opened - after.opened, change)
                now = after
        return Repairs(
            world=world,
            done=tuple(Repaired(finding=first.rows[key], change=text) for key, text in changes.items() if key in first.rows),
            left=tuple(Repaired(finding=now.rows[key], reason=text) for key, text in reasons.items() if key in now.opened),
        )

    def _judge(self, world: TemplateSet) -> _Verdicts:
        return _Verdicts([*judge(world, self._rules.values()).rows, *self._validate(world).rows])

    def _order(self, row: Finding) -> tuple[bool, bool, Key]:
        """Findings of rules that know their repair come first: they need no guess, and others often end with them."""
        rule = self._rules.get(row.rule)
        return rule is None, not (rule and callable(rule.repair)), key_of(row)

    def _reason(self, row: Finding) -> str:
        rule = self._rules.get(row.rule)
        if rule is None:
            return "no similar resource has a value that AWS accepts. By hand: the message says what it accepts"
        why = rule.repair if isinstance(rule.repair, str) else "no single change of the template is certainly right"
        return f"{why}. By hand: {rule.fix}"

    def _alike(self, target: Finding, now: _Verdicts, world: TemplateSet) -> list[Finding]:
        """Return the same finding about the same construct in other regions."""
        resource = _resource(target, world)
        if resource is None:
            return []
        others = [counterpart(resource, twin) for twin in twins(resource, world)]
        keys = [(target.rule, each.template.name, each.logical_id) for each in others if each is not None]
        return [now.rows[key] for key in keys if key in now.opened]

    def _search(
        self, group: Sequence[Finding], before: _Verdicts, world: TemplateSet, untouchable: Container[Place]
    ) -> tuple[str, TemplateSet, _Verdicts] | None:
        rule = self._rules.get(group[0].rule)
        if rule is not None and isinstance(rule.repair, str):
            return None
        may_end = rule is not None and callable(rule.repair)
        for text, change in _together([(key_of(row)[1:], self._passing(row, world)) for row in group]):
            changed = apply(world, change)
            if any(place in untouchable for place in change) or self._near(changed, change).opened - before.opened:
                continue
            after = self._judge(changed)
            ends = not any(key_of(row) in after.opened for row in group)
            if ends and not after.is_worse_than(before, may_end=may_end):
                return text, changed, after
        return None

    def _near(self, world: TemplateSet, change: Change) -> _Verdicts:
        """Return our rules' answers about what was changed and its counterparts: most bad changes show there."""
        ids = {logical_id for _, logical_id in change}
        return _Verdicts(judge(world, self._rules.values(), about=lambda each: each.logical_id in ids).rows)

    def _passing(self, row: Finding, world: TemplateSet) -> list[Candidate]:
        """Return the first candidates after which the finding's own rule passes; none where several values would do."""
        resource = _resource(row, world)
        if resource is None:
            return []
        passing: list[Candidate] = []
        seen = {repr((key_of(row)[1:], body_of(resource)))}
        for candidate in self._candidates(row, resource, world):
            if (text := repr((_place(row, candidate), candidate.body))) in seen:
                continue
            seen.add(text)
            if self._passes(row, candidate, world):
                passing.append(candidate)
                if sum(not each.choice for each in passing) == _TRIED:
                    break
        places = [each.choice for each in passing]
        return [each for each in passing if not each.choice or places.count(each.choice) == 1][:_TRIED]

    def _candidates(self, row: Finding, resource: Resource, world: TemplateSet) -> Iterable[Candidate]:
        rule = self._rules.get(row.rule)
        every = frozenset(resource.properties) if isinstance(resource.properties, Mapping) else frozenset()
        if rule is None:
            words = frozenset(_WORD.findall(row.message))
            return guesses(resource, world, words) if resource.logical_id else ()
        known = _known(rule, resource, world)
        if not resource.logical_id:
            return known
        read = frozenset(rule.judge.read) if isinstance(rule.judge, ViolationsJudge) else every
        exact, limits = (
            [rule.judge.repairs(resource, world, exact=exact) for exact in (True, False)]
            if isinstance(rule.judge, RequirementsJudge)
            else [(), ()]
        )
        return chain(known, exact, guesses(resource, world, read), limits)

    def _passes(self, row: Finding, candidate: Candidate, world: TemplateSet) -> bool:
        rule = self._rules.get(row.rule)
        if rule is None:
            template = next(each for each in world.templates if each.name == row.stack)
            alone = replace(template, body={"Resources": {row.logical_id: candidate.body}}, text="", file="")
            rows = self._validate(replace(world, templates=(alone,))).rows
            return not any(each.rule == row.rule for each in rows)
        changed = apply(world, {_place(row, candidate): candidate.body})
        rows = judge(
            changed, [rule], about=lambda each: (each.template.name, each.logical_id) == (row.stack, row.logical_id)
        ).rows
        return all(each.verdict not in OPEN for each in rows) and (bool(rows) or callable(rule.repair))


def _known(rule: Rule, resource: Resource, world: TemplateSet) -> list[Candidate]:
    """Return the repairs that the rule knows; none of a resource that it cannot read."""
    try:
        return list(rule.repair(resource, world)) if callable(rule.repair) else []
    except Exception:  # noqa: BLE001 - a template may hold anything; the finding is then left
        return []


def how(rule: Rule) -> str:
    """Return in words which repair a rule knows; empty where `--fix` looks for one in the templates."""
    if isinstance(rule.repair, str):
        return f"by hand: {rule.repair}"
    if rule.repair is not None:
        return (rule.repair.__doc__ or "").strip().splitlines()[0]
    return rule.judge.known() if isinstance(rule.judge, RequirementsJudge) else ""


def apply(world: TemplateSet, change: Change) -> TemplateSet:
    """Return the templates with some bodies replaced."""
    templates = []
    for template in world.templates:
        new = {logical_id: body for (name, logical_id), body in change.items() if name == template.name}
        if new:
            body = new.pop("", template.body)
            body = {**body, "Resources": {**body["Resources"], **new}}
            template = replace(template, body=body, text="", file="")  # noqa: PLW2901 - the changed one
        templates.append(template)
    return replace(world, templates=tuple(templates))


def _together(found: Sequence[tuple[Place, Sequence[Candidate]]]) -> Iterator[tuple[str, Change]]:
    """Yield the candidates of one resource alone, the last region's first, then those of all regions side by side."""
    for place, candidates in reversed(found):
        for each in candidates[: _TRIED if len(found) == 1 else 2]:
            yield each.change, {_of(each) or place: each.body}
    if len(found) > 1:
        for together in zip(*(candidates for _, candidates in found), strict=False):
            yield (
                together[0].change,
                {_of(each) or place: each.body for (place, _), each in zip(found, together, strict=True)},
            )


def _of(candidate: Candidate) -> Place | None:
    return (candidate.of.template.name, candidate.of.logical_id) if candidate.of else None


def _place(row: Finding, candidate: Candidate) -> Place:
    return _of(candidate) or (row.stack, row.logical_id)


def _resource(row: Finding, world: TemplateSet) -> Resource | None:
    template = next((each for each in world.templates if each.name == row.stack), None)
    if template is None:
        return None
    return template.by_logical_id.get(row.logical_id) if row.logical_id else template.as_resource
