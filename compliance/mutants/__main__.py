"""Command line of the mutation test: `python -m compliance.mutants`."""

import os
import random
import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from compliance.cfn.loading import LoadError
from compliance.engine.matrix import MatrixError, read_environments
from compliance.engine.user_rules import RuleError
from compliance.mutants import report
from compliance.mutants.mutant import Mutant
from compliance.mutants.operators import mutants_of
from compliance.mutants.outcome import Outcome
from compliance.mutants.survivors import DEFAULT_FILE, SurvivorsError, read_explanations, read_rules_without_mutants
from compliance.mutants.trial import Trial, load_world, try_all
from compliance.rules import our_rules

_PROGRESS_EVERY = 200
"""Number of mutants between two lines of progress, if there is no terminal for a progress bar."""

_Placed = tuple[Path, Mutant]
"""An assembly and a mutant of its templates."""

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command()
def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    assembly: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="The cloud assembly to damage; of a further one only what no earlier one has."),
    ] = [Path("cdk.out")],  # noqa: B006 - an option's default
    environment: Annotated[
        str, typer.Option(help="The environment that it was synthesized for.", show_default="prod, or the file's first")
    ] = "",
    sample: Annotated[
        int, typer.Option(min=0, metavar="N", help="Try N mutants chosen at random instead of all; 0 for all.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the sample: the same seed selects the same mutants.")] = 0,
    only: Annotated[str, typer.Option(metavar="TYPE", help="Damage this resource type only.")] = "",
    operator: Annotated[str, typer.Option(metavar="NAME", help="Use this operator only, for example `insert`.")] = "",
    fix: Annotated[  # noqa: FBT002 - an option of the command, named where it is given
        bool, typer.Option("--fix", help="Repair each mutant that is found, and report how many are repaired.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Number of mutants that are tried in parallel.", show_default="as many as CPUs"
        ),
    ] = os.cpu_count() or 1,
    explained: Annotated[
        Path,
        typer.Option(
            "--survivors", help="File of the explained survivors.", show_default="compliance/mutants/survivors.toml"
        ),
    ] = DEFAULT_FILE,
    output: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("reports/mutants"),
) -> None:
    """Test the gate: damage synthesized templates, and report each damage that no rule finds.

    Operators drop properties, turn switches, widen policies, move limits, change names and references, and insert
    forbidden settings, in both regions alike. A damage that no rule finds needs an entry in survivors.toml or a rule.

    python -m infra.cdk_cli synth --quiet && python -m compliance.mutants

    python -m compliance.mutants --sample 200 --seed 7        a quick look

    python -m compliance.mutants --only AWS::SQS::Queue       one resource type

    python -m compliance.mutants --operator insert            one operator

    python -m compliance.mutants --fix --sample 100           how many of the found ones --fix repairs

    Exit status: 0 every rule found a damage and every survivor is explained; 1 otherwise; 2 wrong use.
    """
    errors = Console(stderr=True, emoji=False)
    try:
        explanations, without_mutants = read_explanations(explained), read_rules_without_mutants(explained)
        environment = environment or read_environments()[0].environment
        every = _every(assembly, environment)
        mutants = [one for one in every if only in {"", one[1].resource_type} and operator in {"", one[1].operator}]
        _require(mutants, every, only, operator)
        chosen = _sample(mutants, sample, seed)
        trials = _try(environment, chosen, errors, processes, fix=fix)
    except (LoadError, MatrixError, RuleError, SurvivorsError) as error:
        errors.print(f"ERROR: {error}", style="bold red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    outcome = Outcome(
        environment=environment,
        trials=trials,
        rules=tuple(rule.info.id for rule in our_rules()),
        explanations=explanations,
        complete=len(chosen) == len(every),
        without_mutants=without_mutants,
    )
    files = report.write(outcome, output)
    _show(outcome, files)
    raise typer.Exit(0 if outcome.passed else 1)


def _every(assemblies: list[Path], environment: str) -> list[_Placed]:
    """Return the mutants of each assembly; of a further one only those that no earlier one has."""
    seen, found = set[str](), list[_Placed]()
    for assembly in assemblies:
        new = [mutant for mutant in mutants_of(load_world(assembly, environment)) if str(mutant) not in seen]
        seen |= {str(mutant) for mutant in new}
        found += [(assembly, mutant) for mutant in new]
    return found


def _require(mutants: list[_Placed], every: list[_Placed], only: str, operator: str) -> None:
    if not mutants:
        operators = ", ".join(sorted({mutant.operator for _, mutant in every})) or "none"
        asked = "".join((f" of type {only}" if only else "", f" by operator {operator}" if operator else ""))
        raise LoadError(f"there is nothing to damage{asked}; the operators are {operators}")


def _sample(mutants: list[_Placed], size: int, seed: int) -> list[_Placed]:
    if not size or size >= len(mutants):
        return mutants
    return random.Random(seed).sample(mutants, size)  # noqa: S311 - a choice of tests, not a secret


def _try(environment: str, mutants: list[_Placed], errors: Console, processes: int, *, fix: bool) -> list[Trial]:
    by_assembly: dict[Path, list[Mutant]] = {}
    for assembly, mutant in mutants:
        by_assembly.setdefault(assembly, []).append(mutant)
    tried = (try_all(where, environment, held, processes=processes, fix=fix) for where, held in by_assembly.items())
    columns = (TextColumn("mutants"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=len(mutants))
        trials: list[Trial] = []
        for trial in chain.from_iterable(tried):
            trials.append(trial)
            progress.advance(task)
            if not errors.is_terminal and (len(trials) % _PROGRESS_EVERY == 0 or len(trials) == len(mutants)):
                errors.print(f"{len(trials)} of {len(mutants)} mutants tried")
        return trials


def _show(outcome: Outcome, files: list[Path]) -> None:
    console = Console(soft_wrap=True, emoji=False)
    for trial in outcome.unexplained:
        console.print(f"SURVIVED {trial.mutant}", style="red", markup=False, highlight=False)
    for rule in outcome.toothless:
        console.print(f"TOOTHLESS {rule}: it found no mutant", style="red", markup=False, highlight=False)
    for pattern in outcome.stale:
        console.print(f"STALE {pattern}: no survivor needs it", style="red", markup=False, highlight=False)
    table = Table(title=f"Mutants of {outcome.environment}")
    table.add_column("operator")
    shown = report.columns(outcome)
    for column in shown:
        table.add_column(column, justify="right")
    for operator, row in outcome.by_operator().items():
        table.add_row(operator, *(f"{row[column]:,}" for column in shown))
    console.print(table)
    if outcome.repairs:
        console.print(report.share_repaired(outcome))
    console.print(
        f"{'PASSED' if outcome.passed else 'FAILED'}: {files[0]}", style="bold green" if outcome.passed else "bold red"
    )


if __name__ == "__main__":
    sys.exit(app(prog_name="python -m compliance.mutants"))
