"""Asks every rule of ours about every resource. An answer is a row; no answer is a row too."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from compliance.ledger import Advice, Finding, RuleInfo, Verdict
from compliance.rule import Judgement, Rule, not_evaluated
from compliance.templates import Resource, World
from compliance.values import UnresolvedError, describe


@dataclass
class Findings:
    """Rows under way to the ledger, with the rules that they name. NOT_APPLICABLE is counted and not kept."""

    rows: list[Finding] = field(default_factory=list)
    rules: dict[str, RuleInfo] = field(default_factory=dict)
    not_applicable: Counter[str] = field(default_factory=Counter)
    advice: list[Advice] = field(default_factory=list)

    def add(self, rule: RuleInfo, row: Finding) -> None:
        """Keep or count a row."""
        self.rules.setdefault(rule.id, rule)
        if row.verdict is Verdict.NOT_APPLICABLE:
            self.not_applicable[rule.pack] += 1
        else:
            self.rows.append(row)

    def extend(self, other: "Findings") -> None:
        """Take over another's rows."""
        self.rows.extend(other.rows)
        self.rules.update(other.rules)
        self.not_applicable.update(other.not_applicable)
        self.advice.extend(other.advice)


def judge(world: World, rules: Iterable[Rule]) -> Findings:
    """Ask every rule about every resource, and about each template as a whole."""
    findings = Findings()
    for rule in rules:
        info = rule.info
        for template in world.templates:
            for resource in (template.as_resource, *template.resources):
                answer = _ask(rule, resource, world)
                findings.add(info, row(info.id, answer.verdict, resource, world.environment, answer.message))
    return findings


def row(rule: str, verdict: Verdict, resource: Resource, configuration: str, message: str = "") -> Finding:
    """A row about a resource."""
    return Finding(
        rule=rule,
        verdict=verdict,
        configuration=configuration,
        stack=resource.template.name,
        region=resource.template.region,
        path=resource.path,
        logical_id=resource.logical_id,
        resource_type=resource.type,
        message=message,
    )


def _ask(rule: Rule, resource: Resource, world: World) -> Judgement:
    if not resource.type:
        return not_evaluated(f"resource {resource.logical_id!r} has no Type, so nothing can be said about it")
    if not isinstance(resource.properties, Mapping):
        return not_evaluated(f"Properties is {describe(resource.properties)}, not a map of properties")
    try:
        return rule.judge(resource, world)
    except UnresolvedError as error:
        return not_evaluated(str(error))
    except Exception as error:  # noqa: BLE001 - whatever a rule trips over, its silence must not read as a pass
        return not_evaluated(f"the rule could not read this resource ({type(error).__name__}: {error})")
