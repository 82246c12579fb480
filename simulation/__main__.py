"""Runs histories: `nox -s simulate -- --histories 10000 --jobs 2`, `-- --seed 7 --story`, `-- --sabotage`."""

import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from simulation.exhaustive import plans
from simulation.history import History
from simulation.page import render
from simulation.plan import Plan, draw, draw_long_wait
from simulation.running import Totals, run
from simulation.sabotage import VARIANTS, sabotaged
from simulation.shrinking import shrink
from simulation.story import story

REGRESSIONS: Final = Path(__file__).with_name("regressions.json")
"""Every plan whose history once failed, with the invariant that it broke; a seed alone would mean another one later."""
REPORT: Final = Path("reports/simulation")
_CHUNK: Final = 50
_EXHAUSTIVE_OBJECTS: Final = 2
_MOST_SABOTAGED: Final = 400


def known_failures() -> list[Plan]:
    """Return every plan whose history once failed."""
    return [Plan.from_dict(one["plan"]) for one in json.loads(REGRESSIONS.read_text())]


def _chunks(chosen: list[Plan | int], jobs: int) -> Iterator[Totals]:
    chunks = [chosen[start : start + _CHUNK] for start in range(0, len(chosen), _CHUNK)]
    if jobs == 1:
        yield from map(run, chunks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run, chunks)


def _simulate(chosen: list[Plan | int], jobs: int) -> bool:
    totals, began = Totals(), time.monotonic()
    for part in _chunks(chosen, jobs):
        totals.histories += part.histories
        totals.objects += part.objects
        totals.calls += part.calls
        totals.coverage += part.coverage
        totals.broken += part.broken
        rate = totals.histories / (time.monotonic() - began)
        typer.echo(
            f"\r{totals.histories} of {len(chosen)} histories, {rate:.1f} a second, {len(totals.broken)} broken",
            nl=False,
        )
    typer.echo()
    seconds, smallest_histories = time.monotonic() - began, []
    REPORT.mkdir(parents=True, exist_ok=True)
    for plan, violations in totals.broken[:3]:
        history = History(shrink(plan, violations[0][0])).run()
        smallest_histories.append(history)
        kept = REPORT / f"seed-{plan.seed}.json"
        kept.write_text(history.plan.to_json())
        typer.echo(f"{story(history)}\nreplay: nox -s simulate -- --plan {kept}")
    _report(totals, seconds, smallest_histories)
    verdict = "every invariant holds" if not totals.broken else f"{len(totals.broken)} histories break an invariant"
    typer.echo(f"{verdict}: {totals.histories} histories, {totals.objects} objects, {totals.calls} calls in {seconds:.0f} s")
    return not totals.broken


def _report(totals: Totals, seconds: float, histories: list[History]) -> None:
    content: dict[str, Any] = {
        "histories": totals.histories,
        "objects": totals.objects,
        "calls": totals.calls,
        "seconds": round(seconds, 1),
        "histories_per_second": round(totals.histories / seconds, 1),
        "verdict": "broken" if totals.broken else "held",
        "broken": [{"seed": plan.seed, "violations": found} for plan, found in totals.broken],
        "coverage": dict(sorted(totals.coverage.items())),
    }
    (REPORT / "report.json").write_text(json.dumps(content, indent=1))
    (REPORT / "report.html").write_text(render(content, histories))
    typer.echo(f"report: {REPORT / 'report.html'}")


def convict(name: str) -> tuple[int, str] | None:
    """Return after how many histories a sabotaged variant is convicted, and by which invariant; None if it is not."""
    with sabotaged(name):
        for seed in range(_MOST_SABOTAGED):
            plan = draw_long_wait(seed) if seed % 20 == 19 else draw(seed)  # noqa: PLR2004 - one in twenty, as in a run
            violations = History(plan).run().violations
            if violations:
                return seed + 1, violations[0][0]
    return None


def _sabotage() -> bool:
    all_convicted = True
    for name in VARIANTS:
        found = convict(name)
        all_convicted = all_convicted and found is not None
        said = (
            f"convicted after {found[0]} histories: {found[1]}" if found else f"NOT convicted in {_MOST_SABOTAGED} histories"
        )
        typer.echo(f"{name:<42} {said}")
    return all_convicted


def main(  # noqa: PLR0913, PLR0917 - one for each option
    histories: Annotated[int, typer.Option(help="How many histories, beside the regression seeds.", min=0)] = 1500,
    jobs: Annotated[int, typer.Option(help="How many processes.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="The first seed; with --story the only one.")] = 0,
    story_: Annotated[bool, typer.Option("--story", help="Print the story of one seed.")] = False,  # noqa: FBT002
    plan: Annotated[Path | None, typer.Option(help="Replay a plan that was kept.")] = None,
    exhaustive: Annotated[bool, typer.Option("--exhaustive", help="Lose a region at each moment.")] = False,  # noqa: FBT002
    sabotage: Annotated[bool, typer.Option("--sabotage", help="Show that each wrong variant is convicted.")] = False,  # noqa: FBT002
) -> None:
    """Run histories of the real handlers in a simulated world; exit 1 if one breaks an invariant."""
    if plan or story_:
        history = History(Plan.from_json(plan.read_text()) if plan else draw(seed)).run()
        typer.echo(story(history))
        typer.echo(f"digest {history.digest()}")
        sys.exit(bool(history.violations))
    if sabotage:
        sys.exit(not _sabotage())
    drawn = plans(_EXHAUSTIVE_OBJECTS) if exhaustive else [*known_failures(), *range(seed, seed + histories)]
    sys.exit(not _simulate(list(drawn), jobs))


if __name__ == "__main__":
    typer.run(main)
