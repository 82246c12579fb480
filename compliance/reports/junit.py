"""Render junit.xml for CI systems: a suite for each configuration and pack, a case for each rule and resource."""

from collections import defaultdict
from io import BytesIO
from typing import Any, Final

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from compliance.engine.findings import NOTHING_EVALUATED, Finding, Findings, Verdict
from compliance.reports.places import every_field
from reporting.text import printable

_ADVICE: Final = "advice"


def render(ledger: Findings) -> str:
    """Return the report as XML text."""
    suites: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in ledger.findings:
        suites[finding.configuration or "registry", finding.pack].append(finding)
    document = JUnitXml("compliance")
    for (configuration, pack), findings in sorted(suites.items()):
        suite = TestSuite(printable(f"{configuration}: {pack}"))
        suite.add_testcases([_case(ledger, finding) for finding in sorted(findings, key=_order)])
        document.add_testsuite(suite)
    if not suites:
        document.add_testsuite(_nothing())
    if ledger.advice and ledger.threshold and ledger.threshold.fail_on == _ADVICE:
        document.add_testsuite(_advice(ledger))
    written = BytesIO()
    document.write(written, pretty=True)
    return written.getvalue().decode("utf-8")


def _advice(ledger: Findings) -> TestSuite:
    """Return AWS's advice as failures, where --fail-on advice makes it fail."""
    suite = TestSuite(_ADVICE)
    for advice in ledger.advice:
        case = TestCase(name=printable(advice.path), classname=printable(advice.rule))
        case.result = [Failure(printable(advice.message), _ADVICE)]
        suite.add_testcase(case)
    return suite


def _nothing() -> TestSuite:
    """Return a failing suite, because CI systems show a document without a case as passed."""
    suite = TestSuite("compliance")
    case = TestCase(name="something was evaluated", classname="compliance")
    case.result = [Error(NOTHING_EVALUATED, "not evaluated")]
    suite.add_testcase(case)
    return suite


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.stack, finding.path, *every_field(finding))


def _case(ledger: Findings, finding: Finding) -> TestCase:
    rule = ledger.rules[finding.rule]
    case = TestCase(name=printable(finding.path), classname=printable(finding.rule))
    message = printable(finding.message)
    text = f"{message}\nWhy: {printable(rule.why)}\nFix: {printable(rule.fix)}"
    match finding.verdict:
        case Verdict.FAIL | Verdict.NOT_EVALUATED if not ledger.counts_against(finding):
            case.result = [
                Skipped(f"open, and tolerated under --fail-on {ledger.threshold and ledger.threshold.fail_on}: {message}")
            ]
        case Verdict.FAIL:
            case.result = [Failure(message, rule.severity.value)]
            case.result[0].text = text
        case Verdict.NOT_EVALUATED:
            case.result = [Error(message, "not evaluated")]
            case.result[0].text = text
        case Verdict.ACKNOWLEDGED:
            case.result = [Skipped(f"acknowledged by the decision {finding.decision}")]
        case _:
            pass
    return case
