"""Compute the positions in a drill's charts: the plan of phases and the curves of each region. page.html draws them.

All charts of one width share one time axis, so that they can be compared vertically. Lengths are CSS pixels.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drill.model import DrillReport, Sample
from drill.reports import facts, formatting
from reporting.text import printable

WIDE: Final = 1160
NARROW: Final = 352
_HEIGHT: Final = 150
_TOP: Final = 10
_BOTTOM: Final = 22
_RIGHT: Final = 14
_LEFT: Final = 108
"""Space for the names of phases and regions on the left."""
_ROW: Final = 20
_BAR: Final = 12
_LONGEST_NAME: Final = 17
_TIME_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
_HALVES: Final = (1, 2, 5, 10)
_SHORTEST: Final = 1.0
_LONGEST: Final = 1e8
"""Maximum length of an axis in seconds. A report with longer times is broken but is rendered."""

_HIGHEST: Final = 1e15
_LOWEST: Final = 1e-6
"""Smallest peak of a curve that is drawn to scale."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A field of the samples that a chart shows."""

    field: str
    title: str
    unit: str
    why: str


METRICS: Final = (
    Metric(
        field="good_writes_per_second",
        title="Good writes per second",
        unit="/s",
        why="Results of the drill's objects that appeared in the region's replica.",
    ),
    Metric(
        field="queue_depth",
        title="Queue depth",
        unit="",
        why="Messages visible, in flight and delayed; in the passive region this is the work to recover.",
    ),
    Metric(
        field="shadow_age",
        title="Shadow age",
        unit=" s",
        why="Waiting time of the oldest object in the shadow queue.",
    ),
    Metric(
        field="replication_lag",
        title="Replication lag",
        unit=" s",
        why="Time by which the region is behind the other one.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A tick of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A time span; `css` is its class, `label` its tooltip."""

    x: float
    width: float
    css: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The curve of a region as SVG path data, with a summary in words."""

    region: str
    css: str
    path: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The time axis."""

    width: int
    left: float
    right: float
    end: float
    """Seconds at the right end of the axis."""
    ticks: tuple[Tick, ...]

    def x(self, seconds: float) -> float:
        """Return the position of a time; times outside the drill are at the ends of the axis."""
        return round(self.left + (self.right - self.left) * min(max(seconds / self.end, 0.0), 1.0), 1)

    def bar(self, span: facts.Span, css: str) -> Bar:
        """Return a visible bar for a time span. A span without an end extends to the end of the axis."""
        start, end = self.x(span.start), self.x(self.end if span.end is None else span.end)
        when = f"{formatting.clock(span.start)} to {'the end' if span.end is None else formatting.clock(span.end)}"
        return Bar(x=start, width=round(max(end - start, 2.0), 1), css=css, label=printable(f"{span.name}, {when}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of a metric over time."""

    metric: Metric
    axis: Axis
    height: int
    top: float
    bottom: float
    bands: tuple[Bar, ...]
    lines: tuple[Line, ...]
    levels: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the plan: a phase, a fault, or the health of a region."""

    y: float
    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan: phases, faults and health over time."""

    axis: Axis
    height: int
    rows: tuple[Row, ...]
    bands: tuple[Bar, ...]
    bar_height: int = _BAR


def regions(report: DrillReport) -> dict[str, str]:
    """Return the CSS class of each region in the report: `primary`, `secondary` or `other`."""
    known = {report.primary_region: "primary", report.secondary_region: "secondary"}
    return known | {sample.region: "other" for sample in report.samples if sample.region not in known}


def axis(report: DrillReport, width: int) -> Axis:
    """Return the axis that all charts of a width share."""
    end = _end(report)
    left, right = float(_LEFT), float(width - _RIGHT)
    step = time_step(end, 4 if width < WIDE else 10)
    marks = [step * number for number in range(math.floor(end / step) + 1)]
    ticks = [Tick(at=round(left + (right - left) * mark / end, 1), label=formatting.clock(mark)) for mark in marks]
    return Axis(width=width, left=left, right=right, end=end, ticks=tuple(ticks))


def _end(report: DrillReport) -> float:
    spans = [*facts.phase_spans(report), *facts.fault_spans(report)]
    moments = [sample.seconds for sample in report.samples] + [event.seconds for event in report.timeline]
    moments += [moment for span in spans for moment in (span.start, span.end or 0.0)] + [facts.lasted(report) or 0.0]
    return min(max([_SHORTEST, *filter(math.isfinite, moments)]), _LONGEST)


def time_step(end: float, wanted: int) -> float:
    """Return the seconds between the ticks of an axis of `end` seconds, with at most `wanted` ticks."""
    fitting = (step for step in _TIME_STEPS if end / step <= wanted)
    return next(fitting, None) or math.ceil(end / wanted / _TIME_STEPS[-1]) * _TIME_STEPS[-1]


def value_step(peak: float, wanted: int = 3) -> float:
    """Return a round step between the ticks of a scale up to `peak`, with about `wanted` ticks."""
    if peak < _LOWEST:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(peak / wanted))
    return next((magnitude * half for half in _HALVES if peak / (magnitude * half) <= wanted), peak)


def plan(report: DrillReport, width: int) -> Plan:
    """Return the plan of the phases, the faults and the health checks."""
    shared = axis(report, width)
    statuses = {phase.name: phase.status for phase in report.phases}
    named: list[tuple[str, list[Bar]]] = [
        (span.name, [shared.bar(span, "bad" if statuses[span.name] == "failed" else "phase")])
        for span in facts.phase_spans(report)
    ]
    named += [(span.name.partition(" ")[0], [shared.bar(span, "fault")]) for span in facts.fault_spans(report)]
    named += [(f"{region} health", bars) for region, bars in _health(report, shared).items()]
    rows = [Row(y=_TOP + number * _ROW, name=_fitting(name), bars=tuple(bars)) for number, (name, bars) in enumerate(named)]
    return Plan(axis=shared, height=_TOP + len(rows) * _ROW + _BOTTOM, rows=tuple(rows), bands=_faults(report, shared))


def _fitting(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def _health(report: DrillReport, shared: Axis) -> dict[str, list[Bar]]:
    """Return the time spans in which a region's health check did not change."""
    states: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for sample in sorted(report.samples, key=lambda sample: sample.seconds):
        if sample.healthy is not None:
            states[sample.region].append((sample.seconds, sample.healthy))
    return {region: _stretches(seen, shared) for region, seen in states.items()}


def _stretches(states: Sequence[tuple[float, bool]], shared: Axis) -> list[Bar]:
    bars = []
    since, state = states[0]
    for moment, healthy in [*states[1:], (shared.end, not states[-1][1])]:
        if healthy is not state:
            span = facts.Span(name="healthy" if state else "unhealthy", start=since, end=moment)
            bars.append(shared.bar(span, "good" if state else "bad"))
            since, state = moment, healthy
    return bars


def charts(report: DrillReport, width: int) -> list[Chart]:
    """Return a chart for every metric that was measured."""
    shared = axis(report, width)
    bands = (*_phases(report, shared), *_faults(report, shared))
    drawn = (_chart(report, metric, shared, bands) for metric in METRICS)
    return [chart for chart in drawn if chart.lines]


def _phases(report: DrillReport, shared: Axis) -> tuple[Bar, ...]:
    spans = facts.phase_spans(report)
    return tuple(shared.bar(span, "even" if number % 2 else "odd") for number, span in enumerate(spans))


def _faults(report: DrillReport, shared: Axis) -> tuple[Bar, ...]:
    return tuple(shared.bar(span, "fault") for span in facts.fault_spans(report))


def _chart(report: DrillReport, metric: Metric, shared: Axis, bands: tuple[Bar, ...]) -> Chart:
    by_region = {region: values for region, values in _series(report.samples, metric).items() if _measured(values)}
    peak = max((value for values in by_region.values() for value in _measured(values)), default=0.0)
    step = value_step(min(peak, _HIGHEST))
    top_value = max(math.ceil(min(peak, _HIGHEST) / step) * step, step)
    top, bottom = float(_TOP), float(_HEIGHT - _BOTTOM)

    def place(moment: float, value: float) -> Point:
        share = min(max(value / top_value, 0.0), 1.0)
        return shared.x(moment), round(bottom - (bottom - top) * share, 1)

    levels = [step * number for number in range(round(top_value / step) + 1)]
    return Chart(
        metric=metric,
        axis=shared,
        height=_HEIGHT,
        top=top,
        bottom=bottom,
        bands=bands,
        lines=tuple(
            Line(
                region=region,
                css=css,
                path=path(place(moment, value) if value is not None else None for moment, value in by_region[region]),
                summary=_summary(by_region[region], metric),
            )
            for region, css in regions(report).items()
            if region in by_region
        ),
        levels=tuple(Tick(at=place(0, level)[1], label=formatting.number(level)) for level in levels),
    )


_Series = list[tuple[float, float | None]]


def _series(samples: Iterable[Sample], metric: Metric) -> Mapping[str, _Series]:
    found: dict[str, _Series] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.seconds):
        found[sample.region].append((sample.seconds, getattr(sample, metric.field)))
    return found


def _measured(series: _Series) -> list[float]:
    return [value for _, value in series if value is not None]


def _summary(series: _Series, metric: Metric) -> str:
    """Return a text with the highest and the last value of a curve."""
    measured = [(moment, value) for moment, value in series if value is not None]
    moment, peak = max(measured, key=lambda point: point[1])
    last = measured[-1][1]
    highest = f"at most {formatting.number(peak)}{metric.unit}, at {formatting.clock(moment)}"
    return f"{highest}; at the end {formatting.number(last)}{metric.unit}"


def path(points: Iterable[Point | None]) -> str:
    """Return SVG path data; None is a gap. In each column of pixels only the lowest and the highest point are kept."""
    pieces: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    return "".join(_piece(_thinned(piece)) for piece in pieces if piece)


def _thinned(piece: Sequence[Point]) -> list[Point]:
    columns: dict[int, list[Point]] = defaultdict(list)
    for point in piece:
        columns[round(point[0])].append(point)
    kept = []
    for column in columns.values():
        extremes = {min(column, key=lambda point: point[1]), max(column, key=lambda point: point[1])}
        kept += [point for point in dict.fromkeys([column[0], *column[1:]]) if point in extremes]
    return kept


def _piece(points: Sequence[Point]) -> str:
    """Return the path through points. A single point becomes a dot, which the round line cap makes visible."""
    first, *rest = points
    return f"M{first[0]:g} {first[1]:g}" + ("".join(f"L{x:g} {y:g}" for x, y in rest) or "h0")
