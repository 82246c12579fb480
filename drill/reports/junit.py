"""Render junit.xml for CI systems: a case for the verdict and for each target, phase, control and source of the proof."""

from collections.abc import Iterable
from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from drill.model import GOOD, DrillReport, Measure, NegativeControl, PhaseRecord, Verdict
from drill.reports import facts, formatting
from reporting.text import printable


def render(report: DrillReport) -> str:
    """Return the report as XML text."""
    document = JUnitXml("drill")
    suites = {
        "verdict": [_verdict(report)],
        "targets": [_measure(measure) for measure in report.measures if measure.target_seconds is not None],
        "phases": [_phase(phase) for phase in report.phases],
        "negative controls": _controls(report),
        "proof": _proof(report),
        "guard": [_guard(report)],
    }
    for name, cases in suites.items():
        suite = TestSuite(name)
        suite.add_testcases(cases)
        document.add_testsuite(suite)
    written = BytesIO()
    document.write(written, pretty=True)
    return written.getvalue().decode("utf-8")


def _case(suite: str, name: str, result: Failure | Error | Skipped | None = None, text: str = "") -> TestCase:
    case = TestCase(name=printable(name), classname=f"drill.{suite}")
    if result is not None:
        if text:
            result.text = printable(text)
        case.result = [result]
    return case


def _failure(message: str) -> Failure:
    return Failure(printable(message))


def _verdict(report: DrillReport) -> TestCase:
    """Return the case of the verdict, so that the suite fails whenever the drill does."""
    name, text = "the drill as a whole", "\n".join(report.reasons)
    if report.verdict in GOOD:
        return _case("verdict", name)
    result = _failure("failed") if report.verdict is Verdict.FAILED else Error("void: the drill proves nothing")
    return _case("verdict", name, result, text)


def _measure(measure: Measure) -> TestCase:
    text = f"{formatting.duration(measure.seconds)}, at most {formatting.duration(measure.target_seconds)}"
    result: Failure | Skipped | None = None
    if measure.seconds is None or measure.met is None:
        result = Skipped(formatting.NOT_MEASURED)
    elif not measure.met:
        result = _failure(text)
    return _case("targets", f"{measure.title}: {formatting.duration(measure.target_seconds)}", result, measure.how)


def _phase(phase: PhaseRecord) -> TestCase:
    result: Failure | Skipped | None = None
    if phase.status == "failed":
        result = _failure("the phase failed")
    elif phase.status != "done":
        result = Skipped(phase.status)
    case = _case("phases", phase.name, result, phase.outcome)
    if phase.seconds is not None:
        case.time = phase.seconds
    return case


def _controls(report: DrillReport) -> list[TestCase]:
    injected, found = report.negative_controls.injected, report.negative_controls.found
    counted = None if found >= injected else _failure(f"{found} of {injected} were found, so the proof proves nothing")
    return [
        *map(_control, report.negative_controls.controls),
        _case("controls", "every injected control is found", counted),
    ]


def _control(control: NegativeControl) -> TestCase:
    result = None if control.found else _failure("the proof did not find it")
    return _case("controls", f"{control.name} is found", result, f"{control.injected} ({control.object_id})")


def _proof(report: DrillReport) -> list[TestCase]:
    if report.proof is None:
        return [_case("proof", "all sources are equal", Skipped("nothing was compared"))]
    unequal = not report.proof.equal or report.lost or report.duplicated or report.divergent
    whole = _case("proof", "all sources are equal", _failure(facts.effects(report)) if unequal else None)
    return [whole, *_sources(facts.sources(report.proof))]


def _sources(sources: Iterable[facts.Source]) -> list[TestCase]:
    cases = []
    for source in sources:
        text = "\n".join(f"{finding.kind} {finding.object_id}: {finding.what}" for finding in source.findings)
        message = f"{source.unequal} of {source.cells} digests differ, {len(source.findings)} findings"
        cases.append(_case("proof", source.name, None if source.holds else _failure(message), text))
    return cases


def _guard(report: DrillReport) -> TestCase:
    violations = report.guard.violations
    result = _failure(f"{len(violations)} of {report.guard.calls} calls") if violations else None
    return _case("guard", "no call to a lost region or a global endpoint", result, "\n".join(violations))
