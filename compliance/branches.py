"""A template with its conditions decided, once for each branch of each Fn::If.

cdk-nag takes a property behind Fn::If for set, whichever branch is empty, and one that is AWS::NoValue too. So the packs
are shown what CloudFormation would deploy.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from compliance.judge import Findings
from compliance.ledger import Finding, Place, Verdict
from compliance.loading import LoadError
from compliance.templates import Json, Template

MAXIMUM: Final = 32
"""More variants than this are not judged: each costs as much as a template."""

_NO_VALUE: Final[Mapping[str, str]] = {"Ref": "AWS::NoValue"}
_Choice = dict[str, bool]
_Where = tuple[str, str, str, str]


class BranchesError(ValueError):
    """There are too many ways in which conditions can turn out."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One way in which the conditions can turn out.

    Attributes:
        body: The template as it is then.
        choice: How each condition turns out; empty where the template asks none.
    """

    body: Json
    choice: Mapping[str, bool]


def branches(body: Json) -> tuple[Branch, ...]:
    """The template once for each way in which conditions must turn out, so that each branch of each Fn::If is in one.

    Conditions are taken for independent: two that exclude each other may be shown as both true.

    Raises:
        BranchesError: That takes more than MAXIMUM.
    """
    choices: list[_Choice] = []
    for needed in _needed(body.get("Resources"), {}):
        fitting = next((choice for choice in choices if _agree(choice, needed)), None)
        if fitting is None:
            choices.append(dict(needed))
        else:
            fitting.update(needed)
        if len(choices) > MAXIMUM:
            raise BranchesError(f"the branches of its Fn::If take more than {MAXIMUM} ways in which conditions can turn out")
    return tuple(
        Branch(body={**body, "Resources": _decided(body.get("Resources"), choice)}, choice=choice)
        for choice in choices or [{}]
    )


def _needed(value: Json, given: _Choice) -> Iterator[_Choice]:
    """For each branch of each Fn::If, how conditions must turn out for it to be deployed."""
    if isinstance(value, list):
        for child in value:
            yield from _needed(child, given)
    elif isinstance(value, Mapping):
        parts = _parts(value)
        if parts is None:
            for child in value.values():
                yield from _needed(child, given)
            return
        condition, *outcomes = parts
        for outcome, child in zip((True, False), outcomes, strict=True):
            if given.get(condition, outcome) is outcome:
                then = {**given, condition: outcome}
                yield then
                yield from _needed(child, then)


def _decided(value: Json, choice: _Choice) -> Json:
    """The value as it is deployed. What is AWS::NoValue is left out of a map or a list."""
    if isinstance(value, list):
        return [child for child in (_decided(child, choice) for child in value) if child != _NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    parts = _parts(value)
    if parts is not None:
        condition, then, otherwise = parts
        return _decided(then if choice.get(condition, True) else otherwise, choice)
    decided = {key: _decided(child, choice) for key, child in value.items()}
    return {key: child for key, child in decided.items() if child != _NO_VALUE}


def _parts(value: Mapping[str, Json]) -> tuple[str, Json, Json] | None:
    match value:
        case {"Fn::If": [str(condition), then, otherwise]} if len(value) == 1:
            return condition, then, otherwise
    return None


def _agree(one: _Choice, other: _Choice) -> bool:
    return all(other.get(condition, outcome) is outcome for condition, outcome in one.items())


def variants(templates: Iterable[Template]) -> list[tuple[Template, Template]]:
    """Each template as CloudFormation can deploy it, beside the template that it is of.

    Raises:
        LoadError: There are too many ways in which its conditions can turn out.
    """
    found = []
    for template in templates:
        try:
            found += [(replace(template, body=branch.body), template) for branch in branches(template.body)]
        except BranchesError as error:
            raise LoadError(f"{template.file or template.name}: cannot be judged whole: {error}") from error
    return found


def worst(findings: Findings) -> Findings:
    """Of several rows of one rule about one place, the worst; what holds in one branch only does not hold."""
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
    rows = [_told(row, half=(_base(row.rule), _where(row)) in passed) for row in open_rows.values()]
    rows += [row for key, row in passed.items() if key not in failing]
    return Findings(rows=rows, rules=findings.rules, silent=silent, advice=findings.advice)


def _where(row: Place | Finding) -> _Where:
    """What tells one resource of a run from every other: a path alone may stand twice, in two regions or in one template."""
    return row.stack, row.region, row.path, row.logical_id


def _told(row: Finding, *, half: bool) -> Finding:
    return replace(row, message=f"{row.message}; it holds in one branch of an Fn::If only") if half else row


def _base(rule: str) -> str:
    """The rule's id without what it found."""
    return rule.partition("[")[0]
