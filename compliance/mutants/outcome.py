"""The outcome of a run over all mutants, which the console and the files render."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from compliance.mutants.survivors import Explanation, stale
from compliance.mutants.trial import Trial
from compliance.packs import nag, native


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        environment: The environment of the templates.
        trials: Every mutant with the rules that found it.
        rules: The qualified ids of our own rules.
        explanations: Why some mutants may survive.
        complete: Whether every systematic mutant was tried, not a sample.
        without_mutants: Rules that no mutant can show to work, with the reasons.
    """

    environment: str
    trials: Sequence[Trial]
    rules: tuple[str, ...]
    explanations: tuple[Explanation, ...]
    complete: bool
    without_mutants: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def survivors(self) -> tuple[Trial, ...]:
        """The mutants that no rule found."""
        return tuple(trial for trial in self.trials if not trial.killers)

    @cached_property
    def unexplained(self) -> tuple[Trial, ...]:
        """Survivors without a reason, which are gaps of the gate."""
        return tuple(t for t in self.survivors if not any(e.covers(t.mutant) for e in self.explanations))

    @cached_property
    def blind_spots(self) -> tuple[Trial, ...]:
        """Mutants of valid templates that only our rules found."""
        return tuple(trial for trial in self.trials if trial.killers and not _by_others(trial))

    @cached_property
    def kills(self) -> Counter[str]:
        """The number of mutants that each rule found."""
        return Counter(killer for trial in self.trials for killer in trial.killers)

    @cached_property
    def toothless(self) -> tuple[str, ...]:
        """Our rules that found no mutant and have no reason for it. Empty unless the run is complete."""
        idle = (rule for rule in self.rules if not self.kills[rule] and rule not in self.without_mutants)
        return tuple(idle) if self.complete else ()

    @cached_property
    def stale(self) -> tuple[str, ...]:
        """Explanations, patterns in them and reasons of rules that are not needed. Empty unless the run is complete."""
        if not self.complete:
            return ()
        idle = [rule for rule in self.rules if not self.kills[rule]]
        rules = [f"the reason of the rule {rule}" for rule in self.without_mutants if rule not in idle]
        return (*stale(self.explanations, [t.mutant for t in self.survivors]), *rules)

    @property
    def passed(self) -> bool:
        """Whether every rule found a mutant and every survivor is explained."""
        return bool(self.trials) and not (self.unexplained or self.toothless or self.stale)

    @property
    def repairs(self) -> tuple[Trial, ...]:
        """The killed mutants that a repair was tried on."""
        return tuple(trial for trial in self.trials if trial.remaining is not None)

    @cached_property
    def repaired_by_rule(self) -> dict[str, tuple[int, int]]:
        """For each rule that found a mutant, how many of these were repaired and how many were tried."""
        tried = Counter(rule for trial in self.repairs for rule in trial.killers)
        repaired = Counter(rule for trial in self.repairs if trial.is_repaired for rule in trial.killers)
        return {rule: (repaired[rule], number) for rule, number in sorted(tried.items())}

    def by_operator(self) -> dict[str, Counter[str]]:
        """For each operator: `mutants`, `killed`, and of these by `ours`, `AWS`, `packs`, `only ours`; `survived`.

        Of the killed ones also: `repaired`, with the undamaged templates' verdict, and `restored`, with their very text.
        """
        table: dict[str, Counter[str]] = {}
        for trial in self.trials:
            row = table.setdefault(trial.mutant.operator, Counter())
            row["mutants"] += 1
            row["killed" if trial.killers else "survived"] += 1
            packs = {killer.partition("::")[0] for killer in trial.killers}
            row["ours"] += any(killer in self.rules for killer in trial.killers)
            row["AWS"] += native.PACK in packs
            row["packs"] += bool(packs & set(nag.PACKS))
            row["only ours"] += bool(trial.killers) and not _by_others(trial)
            row["repaired"] += trial.is_repaired
            row["restored"] += trial.is_repaired and trial.is_restored
        return dict(sorted(table.items()))


def _by_others(trial: Trial) -> bool:
    return any(killer.partition("::")[0] in {native.PACK, *nag.PACKS} for killer in trial.killers)
