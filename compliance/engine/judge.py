"""Ask each of our rules about every resource. Every answer is a row, and so is a missing answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from compliance.cfn.conditions import deployed, scenarios
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.engine.findings import Advice, Finding, Place, RuleInfo, Verdict
from compliance.engine.rule import Judgement, Rule, not_evaluated
from compliance.engine.user_rules import place_in


@dataclass
class FindingsBuilder:
    """Collects the rows of a ledger, with the rules that they name.

    Attributes:
        rows: All rows except those with the verdict NOT_APPLICABLE.
        rules: The rules, by qualified id.
        silent: The places that a rule does not apply to, by qualified id.
        advice: Warnings that do not fail the gate.
    """

    rows: list[Finding] = field(default_factory=list)
    rules: dict[str, RuleInfo] = field(default_factory=dict)
    silent: dict[str, list[Place]] = field(default_factory=dict)
    advice: list[Advice] = field(default_factory=list)

    def add(self, rule: RuleInfo, verdict: Verdict, place: Place, message: str = "") -> None:
        """Add a rule's answer about a place."""
        self.rules.setdefault(rule.id, rule)
        if verdict is Verdict.NOT_APPLICABLE:
            self.silent.setdefault(rule.id, []).append(place)
        else:
            self.rows.append(place.row(rule.id, verdict, message))

    def extend(self, other: "FindingsBuilder") -> None:
        """Add the rows of another builder."""
        self.rows.extend(other.rows)
        self.rules.update(other.rules)
        for rule, places in other.silent.items():
            self.silent.setdefault(rule, []).extend(places)
        self.advice.extend(other.advice)


def judge(world: TemplateSet, rules: Iterable[Rule], *, about: Callable[[Resource], bool] | None = None) -> FindingsBuilder:
    """Ask every rule about every resource, and about each template as a whole.

    A resource that no parameters deploy is not there. What is deployed on a condition is judged, and so is everything else
    without it.

    Args:
        world: The templates.
        rules: The rules.
        about: Selects the resources; all by default.
    """
    world = replace(world, templates=tuple(map(deployed, world.templates)))
    findings = _judge(world, rules, about)
    for condition, without in scenarios(world):
        findings = _worse(findings, _judge(without, rules, about), condition)
    return findings


def _worse(findings: FindingsBuilder, others: FindingsBuilder, condition: str) -> FindingsBuilder:
    """Return the findings with those that are worse where a condition is false: what is there always must pass alone."""
    rank = {Verdict.FAIL: 2, Verdict.NOT_EVALUATED: 1}

    def key(row: Finding) -> tuple[str, str, str, str, str]:
        return row.rule, row.stack, row.region, row.path, row.logical_id

    known = {key(row): row for row in findings.rows}
    for row in others.rows:
        before = known.get(key(row))
        if rank.get(row.verdict, 0) > (rank.get(before.verdict, 0) if before else 0):
            known[key(row)] = replace(row, message=f"{row.message}, where condition {condition} is false")
    rules = {**others.rules, **findings.rules}
    answered = set(known)
    silent = {
        rule: [place for place in places if (rule, place.stack, place.region, place.path, place.logical_id) not in answered]
        for rule, places in findings.silent.items()
    }
    return FindingsBuilder(rows=list(known.values()), rules=rules, silent=silent, advice=findings.advice)


def _judge(world: TemplateSet, rules: Iterable[Rule], about: Callable[[Resource], bool] | None) -> FindingsBuilder:
    findings = FindingsBuilder()
    resources = [each for template in world.templates for each in (template.as_resource, *template.resources)]
    if about is not None:
        resources = [resource for resource in resources if about(resource)]
    places = [(resource, place_of(resource, world)) for resource in resources]
    for rule in rules:
        info = rule.info
        for resource, place in places:
            answer = _ask(rule, resource, world)
            findings.add(info, answer.verdict, place, answer.message)
    return findings


def place_of(resource: Resource, world: TemplateSet) -> Place:
    """Return the place of a resource, which every row about it has."""
    return Place(
        configuration=world.name,
        stack=resource.template.name,
        region=resource.template.region,
        path=resource.path,
        logical_id=resource.logical_id,
        resource_type=resource.type,
        line=resource.line,
        source=resource.source,
    )


def _ask(rule: Rule, resource: Resource, world: TemplateSet) -> Judgement:
    if not resource.type:
        return not_evaluated(f"resource {resource.logical_id!r} has no Type; give it one, for example AWS::SQS::Queue")
    if not isinstance(resource.properties, Mapping):
        return not_evaluated(f"Properties is {describe(resource.properties)}, not a map of properties")
    try:
        answer = rule.judge(resource, world)
    except UnresolvedError as error:
        return not_evaluated(str(error))
    except Exception as error:  # noqa: BLE001 - no error of a rule may count as a pass
        place = f", {found}" if (found := place_in(error)) else ""
        return not_evaluated(f"the rule could not read this resource ({type(error).__name__}: {error}{place})")
    if not isinstance(answer, Judgement):
        return not_evaluated(f"the rule answered {answer!r}; allowed: PASSED, NOT_APPLICABLE or failed(...)")
    return answer
