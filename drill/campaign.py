"""Run a campaign: a seeded set of drills on one deployment, and the distribution of every measure."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from drill.distribution import Distribution
from drill.faults import FAULTS
from drill.folder import ROOT
from drill.model import GOOD, DrillReport
from drill.plan import FAULT_PHASES, FaultSpec, Plan, new_id
from drill.reports import chain, formatting
from drill.shared_cloud import SharedCloud
from operations.command_line import short
from operations.errors import Refused
from reporting.atomic_file import write_whole
from reporting.text import markdown as cell

FOLDER: Final = ROOT.parent / f"{ROOT.name}-campaigns"
"""The folder of the campaigns. Their drills are in the drills' own folder and are links of the chain."""
OBJECTS: Final = 40
TIME_FACTOR: Final = 10.0
NAMES: Final = ("smoke", "nightly")
"""`smoke`: each fault. `nightly`: each fault, and each pair of faults."""
_LEAST: Final = 3
"""Minimum number of values on both sides for a comparison with the last campaign."""
_SLOWER: Final = 1.25
_SLOWER_SECONDS: Final = 2.0
"""A measure regresses if its median grows by more than this factor and by more than these seconds."""

Faults = tuple[FaultSpec, ...]


@dataclass(frozen=True)
class Round:
    """A drill of a campaign and its outcome."""

    faults: str
    drill_id: str
    verdict: str
    reason: str
    values: dict[str, float]
    """Seconds by the name of the measure; a measure without a value is absent."""

    @classmethod
    def of(cls, report: DrillReport) -> Round:
        """Take the outcome from a report."""
        values = {one.name: one.seconds for one in report.measures} | {
            f"rpo_{kind}": seconds for kind, seconds in report.rpo_seconds.items()
        }
        faults = " ".join(f"{one.name}@{one.phase}" for one in report.faults)
        known = {name: seconds for name, seconds in values.items() if seconds is not None}
        return cls(faults, report.drill_id, report.verdict.value, report.reasons[0], known)


@dataclass(frozen=True)
class Campaign:
    """`campaign.json`: a campaign and what it measured."""

    campaign_id: str
    name: str
    seed: int
    objects: int
    time_factor: float
    planned: int
    compared_with: str | None
    """The last campaign of the same name, seed, number of files and time factor."""
    rounds: tuple[Round, ...] = ()
    measures: dict[str, Distribution] = field(default_factory=dict)
    regressions: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether every planned drill passed, something was measured, and nothing regressed."""
        all_good = len(self.rounds) == self.planned and all(one.verdict in GOOD for one in self.rounds)
        return all_good and bool(self.measures) and not self.regressions


def plan_rounds(name: str, seed: int) -> list[Faults]:
    """Return the faults of each drill of a campaign, the same ones for the same arguments.

    Args:
        name: One of `NAMES`, or the number of drills to draw from `nightly`.
        seed: Determines the phases, the order and the draw.

    Raises:
        Refused: There is no such campaign.
    """
    dice = random.Random(f"{seed}/campaign")  # noqa: S311 - the same drills for the same seed, no secret
    singles: list[Faults] = [(FaultSpec(one),) for one in FAULTS]
    pairs = [_pair(dice, *two) for two in itertools.combinations(FAULTS, 2)]
    if name == "smoke":
        return _final_last(singles)
    if name == "nightly":
        return _final_last([*singles, *pairs])
    if not name.isdecimal() or not 1 <= int(name) <= len(singles) + len(pairs):
        raise Refused(
            f"--campaign {name}: there is no such campaign.",
            hint=f"Type {', '.join(NAMES)}, or a number of drills from 1 to {len(singles) + len(pairs)}.",
        )
    return _final_last(dice.sample([*singles, *pairs], int(name)))


def _pair(dice: random.Random, *names: str) -> Faults:
    """Return two faults; the second fault's phase is drawn.

    A fault that the region's own APIs inject must come before a fault that takes them away.
    """
    first, second = sorted(dice.sample(names, 2), key=lambda one: not FAULTS[one].takes_apis)
    early = FAULTS[first].is_final or (FAULTS[first].takes_apis and FAULTS[second].needs_apis)
    phase = dice.choice(FAULT_PHASES[: FAULT_PHASES.index("inject")] if early else FAULT_PHASES)
    return FaultSpec(first), FaultSpec(second, phase)


def _final_last(rounds: list[Faults]) -> list[Faults]:
    """Put the drills that destroy a region at the end, because each needs a deployment of its own."""
    return sorted(rounds, key=lambda specs: any(FAULTS[one.name].is_final for one in specs))


def run(console: Console, plan: Plan, name: str) -> bool:
    """Run a campaign, report it after each drill, and return whether it is good."""
    rounds, campaign_id = plan_rounds(name, plan.seed), new_id()
    folder = FOLDER / campaign_id
    alike = ("local", plan.objects, plan.time_factor)
    earlier = [Round.of(one) for one in chain.reports(ROOT) if (one.target, one.objects, one.time_factor) == alike]
    before = _last(name, plan)
    planned = Campaign(
        campaign_id=campaign_id,
        name=name,
        seed=plan.seed,
        objects=plan.objects,
        time_factor=plan.time_factor,
        planned=len(rounds),
        compared_with=before.campaign_id if before else None,
    )
    done: list[Round] = []
    console.print(f"campaign {name}, seed {plan.seed}: {len(rounds)} drills on one local cloud", markup=False)
    with SharedCloud(plan, ROOT, folder) as cloud:
        for number, specs in enumerate(rounds, start=1):
            report = cloud.drill(replace(plan, faults=specs, seed=plan.seed + number))
            done.append(Round.of(report))
            text = f"drill {number} of {len(rounds)}: {done[-1].faults}: {done[-1].verdict}: {done[-1].reason}"
            console.print(text, markup=False, soft_wrap=True)
            campaign = _measured(planned, done, earlier, before)
            _write(folder, campaign)
            if number < len(rounds):
                cloud.clean()
    for sentence in campaign.regressions:
        console.print(f"- {sentence}", markup=False, soft_wrap=True)
    console.print(f"Report: {short(folder / 'summary.md')}, campaign.json", soft_wrap=True)
    good = sum(one.verdict in GOOD for one in done)
    console.print(f"{good} of {len(done)} drills passed, {len(campaign.regressions)} regressions", style="bold")
    return campaign.is_good


def _measured(planned: Campaign, done: Sequence[Round], earlier: Sequence[Round], before: Campaign | None) -> Campaign:
    """Return the campaign with its drills until now and what they measured."""
    names = dict.fromkeys(measure for one in done for measure in one.values)
    measures = {measure: Distribution.of(_values(done, measure), _values(earlier, measure)) for measure in names}
    found = tuple(regressions(before, done, measures)) if before else ()
    return replace(planned, rounds=tuple(done), measures=measures, regressions=found)


def regressions(before: Campaign, done: Iterable[Round], measures: dict[str, Distribution]) -> Iterator[str]:
    """Yield a sentence for each drill that passed in the last campaign and fails now, and each slower or lost measure."""
    passed = {one.faults: one.drill_id for one in before.rounds if one.verdict in GOOD}
    for one in done:
        if one.verdict not in GOOD and one.faults in passed:
            yield f"{one.faults} {one.verdict} in {one.drill_id} and passed in {passed[one.faults]}: {one.reason}"
    for name, then in before.measures.items():
        if then.n < _LEAST:
            continue
        now = measures.get(name)
        if now is None or now.n < _LEAST:
            yield f"{name}: measured {now.n if now else 0} times, in {before.campaign_id} {then.n} times"
        elif now.p50 > then.p50 * _SLOWER and now.p50 - then.p50 > _SLOWER_SECONDS:
            yield f"{name}: the median is {now.p50:.1f} s (n {now.n}), in {before.campaign_id} {then.p50:.1f} s (n {then.n})"


def _values(rounds: Iterable[Round], measure: str) -> list[float]:
    return [one.values[measure] for one in rounds if measure in one.values]


def _last(name: str, plan: Plan) -> Campaign | None:
    """Return the newest finished campaign with the same drills, or None."""
    for file in sorted(FOLDER.glob("*/campaign.json"), reverse=True):
        held = load(file)
        same = (held.name, held.seed, held.objects, held.time_factor)
        if same == (name, plan.seed, plan.objects, plan.time_factor) and len(held.rounds) == held.planned:
            return held
    return None


def load(file: Path) -> Campaign:
    """Read a `campaign.json`.

    Raises:
        Refused: It is none.
    """
    try:
        held: dict[str, Any] = json.loads(file.read_text("utf-8"))
        rounds = tuple(Round(**one) for one in held["rounds"])
        measures = {name: Distribution(**one) for name, one in held["measures"].items()}
        return Campaign(**{**held, "rounds": rounds, "measures": measures, "regressions": tuple(held["regressions"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "Remove its folder, and type the same command."
        raise Refused(f"{short(file)} is not the report of a campaign: {error}.", hint=hint) from error


def _write(folder: Path, campaign: Campaign) -> None:
    write_whole(folder / "campaign.json", json.dumps(asdict(campaign), indent=1) + "\n")
    write_whole(folder / "summary.md", summary(campaign))


def summary(campaign: Campaign) -> str:
    """Return the campaign as Markdown text."""
    good = sum(one.verdict in GOOD for one in campaign.rounds)
    compared = f"clocks {formatting.times(campaign.time_factor)}, compared with {campaign.compared_with or 'no campaign'}"
    lines = [
        f"# Campaign {cell(campaign.name)}: {good} of {campaign.planned} drills passed",
        "",
        *(f"* **{cell(sentence)}**" for sentence in campaign.regressions),
        f"{campaign.campaign_id}, seed {campaign.seed}, {campaign.objects} files a drill; {compared}.",
        "",
        "| Measure | n | p50 | 95 % interval | p95 | p99 | worst | chain p50 (n) | trend, s a drill |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    lines += [f"| {cell(formatting.kind(name))} | {_cells(one)} |" for name, one in campaign.measures.items()]
    lines += [
        "",
        "Seconds. Percentiles are measured values (nearest rank): p95 is the worst below 20 values, p99 below 100.",
    ]
    lines += ["", "| Faults | Drill | Verdict | First reason |", "|---|---|---|---|"]
    lines += [f"| {cell(one.faults)} | {one.drill_id} | {one.verdict} | {cell(one.reason)} |" for one in campaign.rounds]
    return "\n".join([*lines, ""])


def _cells(one: Distribution) -> str:
    interval = "fewer than 6 values" if one.low is None else f"{one.low:.1f} to {one.high:.1f}"
    chain = "none" if one.chain_p50 is None else f"{one.chain_p50:.1f} ({one.chain_n})"
    trend = "" if one.trend is None else f"{one.trend:+.2f}"
    return f"{one.n} | {one.p50:.1f} | {interval} | {one.p95:.1f} | {one.p99:.1f} | {one.worst:.1f} | {chain} | {trend}"
