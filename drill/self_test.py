"""Test the drill itself: it must pass for the unchanged product and convict each sabotage."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.console import Console
from rich.table import Table

from drill.folder import ROOT
from drill.model import GOOD, DrillReport
from drill.plan import FaultSpec, Plan, new_id
from drill.sabotages import ALL, Code, Sabotage
from drill.shared_cloud import SharedCloud, was_drilled
from operations.command_line import short
from reporting.atomic_file import write_whole
from reporting.text import markdown

FOLDER: Final = ROOT.parent / f"{ROOT.name}-self-test"
"""The folder of the self-test's drills, which are not part of the chain."""
OBJECTS: Final = 24
TIME_FACTOR: Final = 10.0
MOST_DRILLS: Final = 3
"""Maximum number of drills of a sabotage; one that none of them convicts has survived."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one sabotage."""

    name: str
    drills: int
    convicted: bool
    reason: str
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """Return the columns of the table."""
        outcome = "convicted" if self.convicted else "not convicted"
        return (self.name, str(self.drills), f"{self.seconds:.0f}", outcome, self.reason)


_COLUMNS: Final = ("sabotage", "drills", "seconds", "outcome", "first reason")


def run(console: Console, plan: Plan, sabotages: Sequence[Sabotage] = ALL) -> bool:
    """Deploy once, drill the unchanged product and each sabotage, report the outcomes, and return whether all are right."""
    plan = replace(plan, objects=OBJECTS, time_factor=TIME_FACTOR, faults=(FaultSpec("blackout"),))
    identity = new_id()
    console.print(f"deploy the platform to a local cloud, which all drills of {1 + len(sabotages)} rounds use")
    with SharedCloud(plan, FOLDER, FOLDER / identity) as cloud:
        code = Code(cloud.deployment)
        outcomes = [_drill(console, plan, cloud, Sabotage("the unchanged product", expected=""), most=1)]
        _report(identity, outcomes)
        for number, sabotage in enumerate(sabotages if not outcomes[0].convicted else (), start=1):
            console.print(f"sabotage {number} of {len(sabotages)}: {sabotage.name}", markup=False)
            with code.sabotaged(sabotage):
                outcomes.append(_drill(console, plan, cloud, sabotage, most=MOST_DRILLS))
            _report(identity, outcomes)
            cloud.clean()
    _show(console, outcomes)
    console.print(f"Report: {short(FOLDER / identity / 'summary.md')}", soft_wrap=True)
    return not outcomes[0].convicted and len(outcomes) == len(sabotages) + 1 and all(one.convicted for one in outcomes[1:])


def _drill(console: Console, plan: Plan, cloud: SharedCloud, sabotage: Sabotage, *, most: int) -> Outcome:
    name = sabotage.name
    began, drills, report = time.monotonic(), 0, None
    while drills < most and (report is None or not _convicting(report, sabotage.expected)):
        drills += 1
        report = cloud.drill(replace(plan, seed=drills), stop_early=True)
        text = f"{name}: drill {drills} ({time.monotonic() - began:.0f} s): {report.verdict}: {report.reasons[0]}"
        console.print(text, markup=False, soft_wrap=True)
    assert report is not None  # noqa: S101 - `most` is at least 1
    reasons = _convicting(report, sabotage.expected)
    return Outcome(name, drills, bool(reasons), (reasons or report.reasons)[0], time.monotonic() - began)


def _convicting(report: DrillReport, expected: str) -> list[str]:
    """Return the expected reasons against the product, without missed targets, which a busy machine causes too."""
    if report.verdict in GOOD or not was_drilled(report):
        return []
    late = tuple(f"{measure.title}: " for measure in report.measures if measure.met is False)
    reasons = [reason for reason in report.reasons if not (late and reason.startswith(late))]
    return [reason for reason in reasons if re.search(expected, reason)]


def _report(identity: str, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes after each sabotage, so that a run that is stopped leaves what it found."""
    lines = ["# Self-test of the drill", "", f"| {' | '.join(_COLUMNS)} |", "|---|---:|---:|---|---|"]
    lines += [f"| {' | '.join(map(markdown, one.cells()))} |" for one in outcomes]
    write_whole(FOLDER / identity / "summary.md", "\n".join([*lines, ""]))


def _show(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table(title="self-test of the drill", title_justify="left")
    for column in _COLUMNS:
        table.add_column(column)
    for number, one in enumerate(outcomes):
        *cells, reason = one.cells()
        table.add_row(*cells, reason[:160], style="bold red" if number and not one.convicted else None)
    console.print(table)
