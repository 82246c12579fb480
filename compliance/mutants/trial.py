"""Judge damaged templates with every rule of the gate, and record which rules find the damage."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeAlias

from compliance.cfn.loading import LoadError, load_assembly
from compliance.cfn.symmetry import path_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.findings import Verdict
from compliance.engine.judge import FindingsBuilder, judge
from compliance.engine.matrix import Configuration
from compliance.engine.repair import Repairer
from compliance.gate import packs_on, world_of
from compliance.mutants.mutant import Mutant, damage
from compliance.packs import native
from compliance.rules import our_rules
from reporting.worker_processes import worker_pool

LOADS: Final = f"{native.PACK}::Loads"
"""Marks that the CDK refuses to load a damaged template."""

_CHUNK: Final = 16
_CHUNKS_A_PROCESS: Final = 12  # Node.js keeps every construct that it ever made

_BESIDE: Final = "|"

Case: TypeAlias = tuple[str, str, str, str]
"""Rule, template, construct path, message."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The result for a mutant.

    Attributes:
        mutant: The damage.
        killers: The qualified ids of the rules that found it, sorted; empty if it survived.
        remaining: The rules that still find something after the repair of a killed mutant; None where none was tried.
        is_restored: Whether the repair gives the undamaged templates back.
    """

    mutant: Mutant
    killers: tuple[str, ...]
    remaining: tuple[str, ...] | None = None
    is_restored: bool = False

    @property
    def is_repaired(self) -> bool:
        """Whether the verdict after the repair is that of the undamaged templates."""
        return self.remaining == ()


def load_world(assembly: Path, environment: str) -> TemplateSet:
    """Return the templates of a cloud assembly as rules see them.

    Raises:
        LoadError: It is not an assembly, or one of its templates cannot be read.
    """
    return world_of(load_assembly(assembly), Configuration.of(environment))


def try_all(
    assembly: Path, environment: str, mutants: Sequence[Mutant], *, processes: int, fix: bool = False
) -> Iterator[Trial]:
    """Try mutants in separate processes, a chunk at a time, in order.

    Args:
        assembly: The folder of the templates.
        environment: The environment of the templates.
        mutants: The mutants to try.
        processes: Number of parallel processes.
        fix: Whether to repair each killed mutant, and to judge the repair.
    """
    chunks = [mutants[start : start + _CHUNK] for start in range(0, len(mutants), _CHUNK)]
    # Spawned, for a forked child would share its parent's Node.js. A pool of concurrent.futures that renews its processes
    # can wait for ever in Python 3.11 (CPython's issue 115634).
    with worker_pool(processes, tasks_per_process=_CHUNKS_A_PROCESS) as pool:
        for trials in pool.imap(partial(_try_chunk, str(assembly), environment, fix), chunks):
            yield from trials


def _try_chunk(assembly: str, environment: str, fix: bool, mutants: Sequence[Mutant]) -> list[Trial]:  # noqa: FBT001
    bench = _bench(assembly, environment)
    worlds = [damage(bench.world, mutant) for mutant in mutants]
    killers = [
        bench.ours(world, mutant) | bench.validation(world, mutant) for world, mutant in zip(worlds, mutants, strict=True)
    ]
    # AWS refuses to deploy such a template, so the packs need not judge it.
    valid = [number for number, found in enumerate(killers) if not any(native.PACK in rule for rule in found)]
    for number, found in zip(valid, bench.packs([(worlds[n], mutants[n]) for n in valid]), strict=True):
        killers[number] |= found
    trials = [Trial(mutant=m, killers=tuple(sorted(found))) for m, found in zip(mutants, killers, strict=True)]
    return _repaired(bench, trials, worlds) if fix else trials


def _repaired(bench: "_Bench", trials: list[Trial], worlds: Sequence[TemplateSet]) -> list[Trial]:
    """Return the trials with what is left of each killed mutant after its repair."""
    after = {number: bench.repair(worlds[number]) for number, trial in enumerate(trials) if trial.killers}
    remaining = {number: bench.everywhere(world) for number, world in after.items()}
    green = [number for number, found in remaining.items() if not found]
    for number, found in zip(green, bench.packs([(after[n], trials[n].mutant) for n in green]), strict=True):
        remaining[number] |= found
    for number, world in after.items():
        same = [one.body for one in world.templates] == [one.body for one in bench.world.templates]
        trials[number] = replace(trials[number], remaining=tuple(sorted(remaining[number])), is_restored=same)
    return trials


@cache
def _bench(assembly: str, environment: str) -> "_Bench":
    return _Bench(load_world(Path(assembly), environment))


class _Bench:
    """The judges, with the findings of each on the undamaged templates."""

    def __init__(self, world: TemplateSet) -> None:
        self.world = world
        self._ours = _failing(judge(world, our_rules()))
        self._validation = _failing(native.validate(world))
        self._packs = _failing(packs_on(world, world.templates))
        self._repairer = Repairer(our_rules(), native.validate)

    def repair(self, damaged: TemplateSet) -> TemplateSet:
        """Return the repaired templates. What the undamaged ones do not satisfy either stays, as what a decision covers."""
        open_before = {(rule, stack, path) for rule, stack, path, _ in self._ours | self._validation}
        return self._repairer.repair(damaged, lambda row: (row.rule, row.stack, row.path) in open_before).world

    def everywhere(self, world: TemplateSet) -> set[str]:
        """Return our rules and AWS's with findings in any template that the undamaged ones do not have."""
        found = _failing(judge(world, our_rules())) | _failing(native.validate(world))
        return _rules(found - self._ours - self._validation)

    def ours(self, world: TemplateSet, mutant: Mutant) -> set[str]:
        """Return our rules with new findings. They judge every template, because a rule may compare two."""
        # These rules read every text of every resource, which takes half of the time of all rules.
        local = [rule for rule in our_rules() if rule.is_local and mutant.logical_id]
        found = judge(world, [rule for rule in our_rules() if rule not in local])
        found.extend(judge(world, local, about=partial(_is_near, mutant=mutant, paths=self._paths(mutant))))
        return _rules(_failing(found) - self._ours)

    def _paths(self, mutant: Mutant) -> frozenset[str]:
        """Return the paths of the damaged construct within its stacks."""
        return frozenset(
            path_of(resource)
            for template in self.world.templates
            if template.name in mutant.stacks
            for resource in template.resources
            if resource.logical_id == mutant.logical_id
        )

    def validation(self, world: TemplateSet, mutant: Mutant) -> set[str]:
        """Return the new findings of AWS's validation on the damaged templates."""
        return _rules(_failing(native.validate(_only(world, mutant))) - self._validation)

    def packs(self, damaged: Sequence[tuple[TemplateSet, Mutant]]) -> list[set[str]]:
        """Return the cdk-nag rules with new findings, for many damaged template sets in one synthesis."""
        if not damaged:
            return []
        try:
            beside = _side_by_side([_only(world, mutant) for world, mutant in damaged])
            findings = packs_on(beside, beside.templates)
        except LoadError:
            if len(damaged) == 1:
                return [{LOADS}]
            half = len(damaged) // 2
            return self.packs(damaged[:half]) + self.packs(damaged[half:])
        by_number: dict[int, set[Case]] = defaultdict(set)
        for rule, stack, path, message in _failing(findings):
            number, _, name = stack.partition(_BESIDE)
            by_number[int(number)].add((rule, name, path, message))
        return [_rules(by_number[number] - self._packs) for number in range(len(damaged))]


def _is_near(resource: Resource, *, mutant: Mutant, paths: frozenset[str]) -> bool:
    """Return whether it is the damaged resource, or its counterpart in another region."""
    return resource.logical_id == mutant.logical_id or path_of(resource) in paths


def _only(world: TemplateSet, mutant: Mutant) -> TemplateSet:
    return replace(world, templates=tuple(t for t in world.templates if t.name in mutant.stacks))


def _side_by_side(worlds: Sequence[TemplateSet]) -> TemplateSet:
    """Return one template set of many, each template's name prefixed with the number of its own set."""
    templates = tuple(
        replace(template, name=f"{number}{_BESIDE}{template.name}")
        for number, world in enumerate(worlds)
        for template in world.templates
    )
    return replace(worlds[0], templates=templates)


def _failing(findings: FindingsBuilder) -> set[Case]:
    return {
        (row.rule, row.stack, row.path, row.message)
        for row in findings.rows
        if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}
    }


def _rules(cases: set[Case]) -> set[str]:
    return {rule.partition("[")[0] for rule, *_ in cases}
