"""Show a template once for each branch of its conditions, and keep the worst verdict on each resource."""

from collections.abc import Iterable
from dataclasses import replace

from compliance.cfn.branches import BranchesError, branches
from compliance.cfn.loading import LoadError
from compliance.cfn.templates import Template
from compliance.engine.findings import Finding, Place, Verdict
from compliance.engine.judge import FindingsBuilder

_Where = tuple[str, str, str, str]


def variants(templates: Iterable[Template]) -> list[tuple[Template, Template]]:
    """Return each version of each template that CloudFormation can deploy, with the template itself.

    Raises:
        LoadError: Its conditions have too many combinations.
    """
    found = []
    for template in templates:
        try:
            found += [(replace(template, body=branch.body), template) for branch in branches(template)]
        except BranchesError as error:
            raise LoadError(f"{template.file or template.name}: cannot be judged in full: {error}") from error
    return found


def worst(findings: FindingsBuilder) -> FindingsBuilder:
    """Keep the worst of the rows of one rule about one place: a rule must hold in every branch."""
    open_rows: dict[tuple[str, _Where], Finding] = {}
    passed: dict[tuple[str, _Where], Finding] = {}
    for row in findings.rows:
        (passed if row.verdict is Verdict.PASS else open_rows).setdefault((row.rule, _where(row)), row)
    failing = {(_base(rule), where) for rule, where in open_rows}
    answered = failing | set(passed)
    silent: dict[str, list[Place]] = {}
    for rule, places in findings.silent.items():
        once = {(rule, _where(place)): place for place in places}
        silent[rule] = [place for key, place in once.items() if key not in answered]
    rows = [_with_note(row, half=(_base(row.rule), _where(row)) in passed) for row in open_rows.values()]
    rows += [row for key, row in passed.items() if key not in failing]
    return FindingsBuilder(rows=rows, rules=findings.rules, silent=silent, advice=findings.advice)


def _where(row: Place | Finding) -> _Where:
    """Return the key of a resource in a run; a path alone may occur twice, in two regions or in one template."""
    return row.stack, row.region, row.path, row.logical_id


def _with_note(row: Finding, *, half: bool) -> Finding:
    return replace(row, message=f"{row.message}; the rule holds in one branch of an Fn::If only") if half else row


def _base(rule: str) -> str:
    """Return the rule's id without the finding's detail in brackets."""
    return rule.partition("[")[0]
