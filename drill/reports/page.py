"""Render index.html: the report as one page that makes no network request.

A report may hold untrusted text, such as error messages and object keys. Jinja escapes all text, the curves' data is inert,
and the page's policy allows only its own script and style sheet, by their hashes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drill.model import DrillReport, Measure
from drill.reports import charts, facts, formatting
from reporting.self_contained import Page, inert
from reporting.text import printable

_PAGE: Final = Page(Path(__file__).parent)
_TILES: Final = 4
_FULL: Final = 100
"""Width in pixels of a measure that equals its target."""
_LONGEST: Final = 1.25
_LEVELS: Final = {"info": "·", "good": "✓", "warning": "!", "bad": "✕"}


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A measure with the bar that compares it with its target."""

    measure: Measure
    css: str
    bar: float


def render(report: DrillReport, report_sha256: str = "") -> str:
    """Return the report as HTML text, the same bytes for the same report."""
    return _PAGE.render(
        report=report,
        report_sha256=report_sha256,
        data=inert(_curves_data(report)),
        facts=facts,
        words=formatting,
        measures=[_beside(measure) for measure in report.measures],
        tiles=[_beside(m) for m in report.measures if m.target_seconds is not None][:_TILES],
        sources=facts.sources(report.proof),
        sizes=[
            (name, charts.plan(report, width), charts.charts(report, width))
            for name, width in (("wide", charts.WIDE), ("narrow", charts.NARROW))
        ],
        regions=charts.regions(report),
        metrics=charts.METRICS,
        levels=_LEVELS,
    )


def _beside(measure: Measure) -> Beside:
    verdict = formatting.met(measure)
    target = measure.target_seconds
    share = 0.0 if not target or measure.seconds is None else min(max(measure.seconds / target, 0.0), _LONGEST)
    return Beside(measure=measure, css=verdict.replace(" ", "-"), bar=round(share * _FULL, 1))


def _curves_data(report: DrillReport) -> dict[str, Any]:
    """Return the data of the page's script: each region's samples, and the phases and faults over time."""
    fields = [metric.field for metric in charts.METRICS]
    ordered = sorted(report.samples, key=lambda sample: sample.seconds)
    return {
        "regions": list(charts.regions(report)),
        "units": [metric.unit for metric in charts.METRICS],
        "samples": [
            [sample.seconds, sample.region, *(getattr(sample, field) for field in fields), sample.healthy]
            for sample in ordered
        ],
        "phases": [[span.start, span.end, printable(span.name)] for span in facts.phase_spans(report)],
        "faults": [[span.start, span.end, printable(span.name)] for span in facts.fault_spans(report)],
    }
