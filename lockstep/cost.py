"""`lockstep cost`: what a month of a configuration costs, and what a change of it costs or saves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from infra.cost import NOT_INCLUDED, PRICES_OF, UPLOADS, Line, environments, idle, read_assembly, synthesized
from infra.cost_of_load import Load, levers, loaded
from infra.settings import Settings
from lockstep.commands import EnvironmentOption
from operations.errors import Refused
from operations.selection import printing_failures
from operations.settings_file import read_settings

_HALF_A_CENT: Final = 0.005
_MOST: Final = 1e15
"""More than any month has, and less than infinity, which JSON does not know."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def cost(  # noqa: PLR0913, PLR0917 - one for each flag
    environment: EnvironmentOption = None,
    diff: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Compare with this cloud assembly (cdk.out) of another revision.")
    ] = None,
    objects: Annotated[
        float | None, typer.Option(min=0, max=_MOST, help="With --records and --gigabytes: files a month.")
    ] = None,
    records: Annotated[float | None, typer.Option(min=0, max=_MOST, help="Records of these files together.")] = None,
    gigabytes: Annotated[float | None, typer.Option(min=0, max=_MOST, help="Size of these files together, in GB.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Print what a month of this configuration costs: list prices times the quantities.

    It is an idle month, or with --objects, --records and --gigabytes one with these uploads, and the changes that save most.

    For a pull request, type `lockstep synth` on the other revision, keep its cdk.out, and type `lockstep cost --diff DIR`
    here.
    """
    with printing_failures():
        settings = read_settings(environment)
        load = _load(objects, records, gigabytes)
        before = (
            {line.what: line for line in [*_other(diff, settings.environment), *(loaded(load) if load else ())]}
            if diff
            else None
        )
    without = idle(synthesized(settings))
    now = sorted([*without, *(loaded(load) if load else ())], key=lambda line: -line.usd)
    saving = levers(settings, load, _sum(without)) if load and before is None else []
    if as_json:
        typer.echo(json.dumps(_as_dict(settings, now, before) | ({"levers": dict(saving)} if saving else {}), indent=2))
        return
    console = Console(soft_wrap=True, emoji=False)
    title = f"{'A' if load else 'An idle'} month of {settings.environment}, both regions, list prices of {PRICES_OF}"
    console.print(_table(title, now) if before is None else _differences(title, now, before))
    left_out = NOT_INCLUDED if load else (UPLOADS, *NOT_INCLUDED)
    console.print(f"Together: {_sum(now):.2f} USD. Not included: {', '.join(left_out)}.")
    for what, usd in saving:
        console.print(f"{what}: saves {usd:.2f} USD.")
    if before is not None:
        console.print(f"Before: {_sum(before.values()):.2f} USD; difference {_sum(now) - _sum(before.values()):+.2f} USD.")


def _load(objects: float | None, records: float | None, gigabytes: float | None) -> Load | None:
    if objects is None and records is None and gigabytes is None:
        return None
    if objects is None or records is None or gigabytes is None:
        raise Refused(
            "--objects, --records and --gigabytes describe the uploads of a month together.",
            hint="Type all three, for example: lockstep cost --objects 100000 --records 10000000 --gigabytes 5",
        )
    return Load(objects, records, gigabytes)


def _other(folder: Path, environment: str) -> list[Line]:
    try:
        templates = read_assembly(folder)
        found = environments(templates) - {environment}
        if not found:
            return idle(templates)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{folder} is not a cloud assembly: {error}",
            hint="Allowed: the cdk.out folder of another revision. Type `lockstep synth` there.",
        ) from error
    raise Refused(
        f"{folder} holds {', '.join(sorted(found))}, and this month is of {environment}.",
        hint=f"Type `lockstep cost --environment {min(found)} --diff {folder}`, or the cdk.out of {environment}.",
    )


def _sum(lines: Iterable[Line]) -> float:
    return sum(line.usd for line in lines)


def _table(title: str, lines: list[Line]) -> Table:
    table = Table(title=title)
    for column in ("for", "how many", "of", "USD", "counted by"):
        table.add_column(column, justify="right" if column in {"how many", "USD"} else "left")
    for line in lines:
        table.add_row(line.what, f"{line.count:,.0f}", line.unit, f"{line.usd:.2f}", line.counted)
    return table


def _differences(title: str, now: list[Line], before: Mapping[str, Line]) -> Table:
    """Return the lines whose cost differs by half a cent or more, the largest difference first."""
    table = Table(title=title)
    for column in ("for", "before, USD", "now, USD", "difference, USD"):
        table.add_column(column, justify="left" if column == "for" else "right")
    changes = [(line, before[line.what].usd) for line in now]
    for line, then in sorted(changes, key=lambda change: -abs(change[0].usd - change[1])):
        if abs(line.usd - then) >= _HALF_A_CENT:
            table.add_row(line.what, f"{then:.2f}", f"{line.usd:.2f}", f"{line.usd - then:+.2f}")
    return table


def _as_dict(settings: Settings, now: list[Line], before: Mapping[str, Line] | None) -> dict[str, Any]:
    lines = [
        {
            "what": line.what,
            "count": line.count,
            "unit": line.unit,
            "usd": round(line.usd, 4),
            **({} if before is None else {"usd_before": round(before[line.what].usd, 4)}),
            "counted": line.counted,
            "source": line.source,
        }
        for line in now
    ]
    total = {"usd": round(_sum(now), 4)} | ({} if before is None else {"usd_before": round(_sum(before.values()), 4)})
    return {"environment": settings.environment, "prices_of": PRICES_OF, **total, "lines": lines}
