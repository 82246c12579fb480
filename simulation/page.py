"""report.html: the verdict, each broken history as a timeline of two lanes, and what was covered. No script, no network."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reporting import self_contained
from simulation.history import History
from simulation.plan import REGIONS
from simulation.story import happened, planned


def render(report: dict[str, Any], histories: list[History]) -> str:
    """Return the report as HTML text, the same bytes for the same report.

    Args:
        report: What report.json holds.
        histories: Shrunk histories that broke an invariant.
    """
    here = Path(__file__).parent
    style = (here / "page.css").read_text("utf-8")
    environment = Environment(
        autoescape=True, loader=FileSystemLoader(here), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text: str = environment.get_template("page.html").render(
        report=report,
        regions=REGIONS,
        stories=[(history, planned(history), happened(history)) for history in histories],
        coverage=_coverage(report["coverage"]),
        policy=self_contained.policy(style),
        style=Markup(style),  # noqa: S704 - a file of ours
    )
    return text


def _coverage(cells: dict[str, int]) -> dict[str, dict[str, dict[str, int]]]:
    """Return how often each fault met each call, by fault, call and phase."""
    table: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for cell, count in cells.items():
        fault, phase, call = cell.split(" x ")
        table[fault][call][phase] = count
    return table
