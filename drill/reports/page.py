"""index.html: what a person looks at. One file that asks no network for anything.

A report may hold text from anywhere: error messages, object keys. Jinja escapes whatever it says, the curves' data is
inert, and the page's policy runs only the one script and the one style sheet that are ours, by their hashes.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from drill.model import DrillReport, Measure
from drill.reports import curves, facts, words
from reporting import self_contained
from reporting.text import printable

_TILES: Final = 4
_FULL: Final = 100
"""Pixels of a measure that is exactly at its target."""
_LONGEST: Final = 1.25
_LEVELS: Final = {"info": "·", "good": "✓", "warning": "!", "bad": "✕"}


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A measure beside its target, drawn."""

    measure: Measure
    css: str
    bar: float


def render(report: DrillReport, report_sha256: str = "") -> str:
    """Return the report as HTML text, the same bytes for the same report.

    Args:
        report: The drill's.
        report_sha256: Of report.json, which the next drill will name.
    """
    style, script = _asset("page.css"), _asset("page.js")
    text: str = _template().render(
        report=report,
        report_sha256=report_sha256,
        policy=self_contained.policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - a file of ours
        data=self_contained.inert(_curves_data(report)),
        facts=facts,
        words=words,
        measures=[_beside(measure) for measure in report.measures],
        tiles=[_beside(m) for m in report.measures if m.target_seconds is not None][:_TILES],
        sources=facts.sources(report.proof),
        sizes=[
            (name, curves.plan(report, width), curves.charts(report, width))
            for name, width in (("wide", curves.WIDE), ("narrow", curves.NARROW))
        ],
        regions=curves.regions(report),
        metrics=curves.METRICS,
        levels=_LEVELS,
    )
    return text


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


@cache
def _template() -> Any:  # noqa: ANN401 - jinja2.Template, whose type says nothing of what it is given
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template("page.html")


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever the template writes
    """Text without the characters that HTML forbids or that turn the direction of what follows."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


def _beside(measure: Measure) -> Beside:
    said = words.met(measure)
    target = measure.target_seconds
    share = 0.0 if not target or measure.seconds is None else min(max(measure.seconds / target, 0.0), _LONGEST)
    return Beside(measure=measure, css=said.replace(" ", "-"), bar=round(share * _FULL, 1))


def _curves_data(report: DrillReport) -> dict[str, Any]:
    """What the script tells of a moment: each region's samples, and what was going on."""
    fields = [metric.field for metric in curves.METRICS]
    ordered = sorted(report.samples, key=lambda sample: sample.seconds)
    return {
        "regions": list(curves.regions(report)),
        "units": [metric.unit for metric in curves.METRICS],
        "samples": [
            [sample.seconds, sample.region, *(getattr(sample, field) for field in fields), sample.healthy]
            for sample in ordered
        ],
        "phases": [[span.start, span.end, printable(span.name)] for span in facts.phase_spans(report)],
        "faults": [[span.start, span.end, printable(span.name)] for span in facts.fault_spans(report)],
    }
