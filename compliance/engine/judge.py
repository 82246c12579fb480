"""Ask each of our rules about every resource. Every answer is a row, and so is a missing answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.engine.findings import Advice, Finding, Place, RuleInfo, Verdict
from compliance.engine.rule import Judgement, Rule, not_evaluated


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

    Args:
        world: The templates.
        rules: The rules.
        about: Selects the resources; all by default.
    """
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
        return not_evaluated(f"the rule could not read this resource ({type(error).__name__}: {error})")
    if not isinstance(answer, Judgement):
        return not_evaluated(f"the rule answered {answer!r}; allowed: PASSED, NOT_APPLICABLE or failed(...)")
    return answer
