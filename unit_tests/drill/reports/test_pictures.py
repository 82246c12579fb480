"""Test the positions in the charts, and the format of numbers and times."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drill.model import Sample
from drill.reports import charts, facts, formatting
from unit_tests.drill.reports.samples import REPORTS, passed


def test_gap_stays_open_and_a_single_point_is_a_dot() -> None:
    assert charts.path([(0, 1), (2, 3), None, (5, 5), None, (8, 1), (9, 2)]) == "M0 1L2 3M5 5h0M8 1L9 2"
    assert charts.path([None, None]) == ""


def test_peak_within_one_pixel_is_not_lost() -> None:
    points: list[charts.Point | None] = [(10 + number / 1000, 50.0) for number in range(400)]
    points[200] = (10.2, 3.0)

    drawn = charts.path(points)

    assert " 3" in drawn
    assert drawn.count("L") <= 3


@pytest.mark.property
@given(st.floats(1, 1e8), st.integers(2, 12))
@example(1.0, 4)
def test_axis_has_enough_marks_and_no_more(end: float, wanted: int) -> None:
    step = charts.time_step(end, wanted)

    assert end / step <= wanted + 1e-6


@pytest.mark.property
@given(st.floats(1e-6, 1e15))
@example(7.0)
@example(1e15)
def test_scale_has_few_round_marks(peak: float) -> None:
    step = charts.value_step(peak)

    assert peak / step <= 3 + 1e-6
    digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(math.isclose(digits, half, rel_tol=1e-6) for half in (1, 2, 5))


@pytest.mark.property
@given(REPORTS)
def test_shapes_stay_inside_their_chart(report: object) -> None:
    for width in (charts.WIDE, charts.NARROW):
        plan, drawn = charts.plan(report, width), charts.charts(report, width)  # type: ignore[arg-type]
        for bar in [*plan.bands, *(bar for row in plan.rows for bar in row.bars)]:
            assert plan.axis.left <= bar.x <= bar.x + bar.width <= width
        for chart in drawn:
            for line in chart.lines:
                numbers = [float(text) for text in re.findall(r"[ML]([\d.e+-]+)", line.path)]
                assert all(chart.axis.left <= x <= chart.axis.right for x in numbers)
                heights = [float(text) for text in re.findall(r" ([\d.e+-]+)", line.path)]
                assert all(chart.top <= y <= chart.bottom for y in heights)


def test_lines_are_at_the_samples() -> None:
    samples = tuple(
        Sample(seconds=second, region="us-east-1", queue_depth=depth) for second, depth in ((0, 0), (50, 300), (100, 150))
    )
    report = passed(samples=samples, timeline=(), phases=(), faults=(), began_at="?")

    (chart,) = charts.charts(report, charts.WIDE)

    middle, right = (chart.axis.left + chart.axis.right) / 2, chart.axis.right
    half = (chart.top + chart.bottom) / 2
    assert chart.lines[0].path == (f"M{chart.axis.left:g} {chart.bottom:g}L{middle:g} {chart.top:g}L{right:g} {half:g}")
    assert chart.lines[0].summary == "at most 300, at 0:50; at the end 150"
    assert [level.label for level in chart.levels] == ["0", "100", "200", "300"]


def test_unhealed_fault_lasts_to_the_end() -> None:
    faults = tuple(fault.model_copy(update={"healed_at": None}) for fault in passed().faults)
    report = passed(faults=faults)

    (band,) = charts.plan(report, charts.WIDE).bands

    assert band.x + band.width == pytest.approx(charts.axis(report, charts.WIDE).right)
    assert band.label == "blackout us-east-1, 1:05 to the end"
    assert facts.fault_spans(report)[0].end is None


@pytest.mark.parametrize(
    ("seconds", "output"),
    [
        (None, "not measured"),
        (0.0, "0.00 s"),
        (4.214, "4.21 s"),
        (42.14, "42.1 s"),
        (125, "2 min 05 s"),
        (300, "5 min"),
        (3725, "1 h 02 min"),
        (1e300, "1e+300 s"),
    ],
)
def test_duration_is_formatted_with_units(seconds: float | None, output: str) -> None:
    assert formatting.duration(seconds) == output


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-24T20:15:30Z", 30.0),
        ("2026-11-24T20:15:30.500+00:00", 30.5),
        ("2026-11-24T20:14:00", -60.0),
        ("soon", None),
        (None, None),
    ],
)
def test_moment_is_counted_from_the_start_of_the_drill(moment: str | None, seconds: float | None) -> None:
    assert formatting.since(moment, "2026-11-24T20:15:00Z") == seconds


def test_date_is_shown_in_utc_and_other_text_unchanged() -> None:
    assert formatting.date("2026-11-24T21:15:30.447055+01:00") == "2026-11-24 20:15:30 UTC"
    assert formatting.date("0001-01-01T00:00:00+14:00") == "0001-01-01T00:00:00+14:00"
    assert formatting.date("soon") == "soon"
