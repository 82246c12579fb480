"""Run histories: `nox -s simulate -- --histories 10000 --jobs 2`, `-- --seed 7 --story`, `-- --sabotage`."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from operations.command_line import end_like_ctrl_c_on
from simulation.drawing import draw, draw_busy, draw_duel, draw_long, draw_long_wait, draw_reprocessed, draw_storm
from simulation.exhaustive import plans
from simulation.history import History
from simulation.page import render
from simulation.plan import Plan
from simulation.running import Totals, run_all
from simulation.sabotage import VARIANTS, WATCHED, sabotaged
from simulation.shrinking import shrink
from simulation.story import MOST_LINES, story
from simulation.watched_plans import draw_backlog, draw_failback, draw_observed, draw_reconciled, plan_of

REGRESSIONS: Final = Path(__file__).with_name("regressions.json")
"""Plans whose histories once failed, with the broken invariants. A seed alone would draw another plan later."""
REPORT: Final = Path("reports/simulation")
_INTERRUPTED: Final = 130
_EXHAUSTIVE_OBJECTS: Final = 2
_MOST_SABOTAGED: Final = 400
_OFTEN: Final = {
    2: draw_reprocessed,
    4: draw_busy,
    6: draw_long,
    9: draw_reconciled,
    11: draw_reprocessed,
    14: draw_duel,
    16: draw_storm,
    19: draw_long_wait,
}
"""The kind of the plan of a seed, modulo 20, against which a sabotaged variant runs."""
_NEEDED: Final = {
    "RESULT follows its records": draw_duel,
    "a checkpoint follows its records": draw_duel,
    "attempt of another version overtaken unseen": draw_duel,
    "RESULT of this region trusted": draw_duel,
    "nothing pruned after a checkpoint": draw_duel,
    "a settled replica holds every record": draw_reprocessed,
    "what is reprocessed has the new version": draw_reprocessed,
    "the last delivery leaves a note": draw_long,
    "no message dies": draw_long_wait,
    "a failback leaves no backlog": draw_backlog,
    "a failback loses nothing": draw_failback,
    "a quiet platform allows a failback": draw_failback,
    "what waits too long is a dead letter": draw_long_wait,
}
"""The kind of every plan against which a variant runs, by its name or its invariant, where other kinds seldom convict it."""


def known_failures(*invariants: str) -> list[Plan]:
    """Return the plans whose histories once broke one of these invariants, or any."""
    failures = json.loads(REGRESSIONS.read_text())
    return [Plan.from_dict(one["plan"]) for one in failures if not invariants or one["broke"] in invariants]


def _simulate(chosen: list[Plan | int], jobs: int, objects: int | None) -> bool:
    try:
        REPORT.mkdir(parents=True, exist_ok=True)
        for name in ("report.json", "report.html"):  # of an earlier run, which is no verdict on this one
            (REPORT / name).unlink(missing_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"the report cannot be written ({error}); start in a folder that you may write") from error
    totals, began = Totals(), time.monotonic()
    try:
        for part in run_all(chosen, jobs=jobs, objects=objects):
            totals.add(part)
            rate = totals.histories / (time.monotonic() - began)
            typer.echo(
                f"\r{totals.histories} of {len(chosen)} histories, {rate:.1f} a second, {len(totals.broken)} broken",
                nl=False,
            )
        seconds = time.monotonic() - began
        typer.echo()
        _report(totals, seconds, [_smallest(plan, violations[0][0]) for plan, violations in totals.broken[:3]])
    except KeyboardInterrupt:
        seeds = ", ".join(str(plan.seed) for plan, _ in totals.broken)
        typer.echo(f"\nInterrupted after {totals.histories} of {len(chosen)} histories; there is no report.", err=True)
        if seeds:
            typer.echo(f"An invariant breaks with seed {seeds}.", err=True)
        sys.exit(_INTERRUPTED)
    verdict = "every invariant holds" if not totals.broken else f"{len(totals.broken)} histories break an invariant"
    typer.echo(f"{verdict}: {totals.histories} histories, {totals.objects} objects, {totals.calls} calls in {seconds:.0f} s")
    cost = totals.cpu_seconds / max(1, totals.histories)
    typer.echo(
        f"{totals.histories / seconds:.2f} histories a second; {cost:.3f} s of a core for one: "
        f"10,000 take {10_000 * cost / jobs / 60:.0f} minutes on {jobs} cores that do nothing else"
    )
    typer.echo(f"digest {totals.digest()}")
    return not totals.broken


def _smallest(plan: Plan, invariant: str) -> History:
    """Shrink a history that broke an invariant, print its story, and store its plan."""
    history = History(shrink(plan, invariant)).run()
    kept = REPORT / f"seed-{plan.seed}.json"
    kept.write_text(history.plan.to_json())
    typer.echo(f"{story(history, MOST_LINES)}\nreplay: nox -s simulate -- --plan {kept}")
    return history


def _report(totals: Totals, seconds: float, histories: list[History]) -> None:
    content: dict[str, Any] = {
        "histories": totals.histories,
        "objects": totals.objects,
        "calls": totals.calls,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(totals.cpu_seconds, 1),
        "histories_per_second": round(totals.histories / seconds, 2),
        "digest": totals.digest(),
        "verdict": "broken" if totals.broken else "held",
        "broken": [{"seed": plan.seed, "violations": found} for plan, found in totals.broken],
        "coverage": dict(sorted(totals.coverage.items())),
    }
    (REPORT / "report.json").write_text(json.dumps(content, indent=1))
    (REPORT / "report.html").write_text(render(content, histories))
    typer.echo(f"report: {REPORT / 'report.html'}")


def convict(name: str, invariant: str) -> int | None:
    """Return the number of histories until a sabotaged variant breaks its invariant; None if it does not."""
    needed = draw_observed if name in WATCHED else _NEEDED.get(name, _NEEDED.get(invariant))
    with sabotaged(name):
        for seed in range(_MOST_SABOTAGED):
            drawn = needed or _OFTEN.get(seed % 20, draw)
            if any(broken == invariant for broken, _ in History(drawn(seed)).run().violations):
                return seed + 1
    return None


def _sabotage() -> bool:
    all_convicted = True
    for name, (invariant, _) in (VARIANTS | WATCHED).items():
        found = convict(name, invariant)
        all_convicted = all_convicted and found is not None
        outcome = f"convicted after {found} histories" if found else f"NOT convicted in {_MOST_SABOTAGED} histories"
        typer.echo(f"{name:<46} {outcome}: {invariant}")
    return all_convicted


def main(  # noqa: PLR0913, PLR0917 - one for each option
    histories: Annotated[
        int, typer.Option(help="Number of histories, in addition to the regression plans.", min=0, max=1_000_000)
    ] = 1500,
    objects: Annotated[
        int | None,
        typer.Option(help="Objects of a history, without the regression plans; by default 1 to 12.", min=1, max=10_000),
    ] = None,
    jobs: Annotated[int, typer.Option(help="How many processes.", min=1, max=64)] = 2,
    seed: Annotated[int, typer.Option(help="The first seed; with --story the only one.", min=0, max=2**62)] = 0,
    story_: Annotated[bool, typer.Option("--story", help="Print the story of one seed.")] = False,  # noqa: FBT002
    plan: Annotated[Path | None, typer.Option(help="Replay a stored plan.", exists=True, dir_okay=False)] = None,
    exhaustive: Annotated[bool, typer.Option("--exhaustive", help="Lose a region between any two calls.")] = False,  # noqa: FBT002
    sabotage: Annotated[bool, typer.Option("--sabotage", help="Show that each wrong variant is convicted.")] = False,  # noqa: FBT002
) -> None:
    """Run histories of the real handlers in a simulated world; exit 1 if one breaks an invariant."""
    modes = {"--story": story_, "--plan": plan is not None, "--exhaustive": exhaustive, "--sabotage": sabotage}
    if len(asked := [name for name, is_asked in modes.items() if is_asked]) > 1:
        raise typer.BadParameter(f"{' and '.join(asked)} contradict each other; type one of them")
    end_like_ctrl_c_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if plan or story_:
        history = History(_kept(plan) if plan else plan_of(seed, objects=objects)).run()
        typer.echo(story(history))
        typer.echo(f"digest {history.digest()}")
        sys.exit(bool(history.violations))
    if sabotage:
        sys.exit(not _sabotage())
    if exhaustive:
        chosen: list[Plan | int] = list(plans(_EXHAUSTIVE_OBJECTS))
    else:
        chosen = [*([] if objects else known_failures()), *range(seed, seed + histories)]
    sys.exit(not _simulate(chosen, jobs, objects))


def _kept(path: Path) -> Plan:
    try:
        return Plan.from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{path}: {error}; a run that breaks an invariant keeps such plans in {REPORT}", param_hint="--plan"
        ) from error


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app(prog_name="python -m simulation")
