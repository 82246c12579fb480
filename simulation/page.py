"""Render report.html, without script or network: verdict, timelines of the broken histories, and coverage."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from reporting.self_contained import Page
from simulation.history import History
from simulation.plan import REGIONS
from simulation.story import happened, planned

_PAGE: Final = Page(Path(__file__).parent)


def render(report: dict[str, Any], histories: list[History]) -> str:
    """Return the report as HTML text, the same bytes for the same report."""
    return _PAGE.render(
        report=report,
        regions=REGIONS,
        stories=[(history, planned(history), happened(history)) for history in histories],
        coverage=_coverage(report["coverage"]),
    )


def _coverage(cells: dict[str, int]) -> dict[str, dict[str, dict[str, int]]]:
    """Return the number of times that each fault met each call, by fault, call and phase."""
    table: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for cell, count in cells.items():
        fault, phase, call = cell.split(" x ")
        table[fault][call][phase] = count
    return table
