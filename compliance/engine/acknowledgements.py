"""Read the decisions that accept findings, check them, and apply each to exactly the rules and paths that it covers."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, Final, TypeAlias

from compliance.engine.findings import DecisionTerms, DecisionUse, Finding, RuleInfo, Verdict

DEFAULT_FILE: Final = Path(__file__).parents[1] / "acknowledgements.toml"
PACK: Final = "Acknowledgements"
MINIMUM_REASON: Final = 20

_TEXTS: Final = ("id", "title", "owner", "approver", "ticket")
_DATES: Final = ("decided", "expires")
_TERMS: Final = tuple(DecisionTerms.__dataclass_fields__)
_REQUIRED: Final = ("reason", *_TEXTS, *_DATES, "covers")
_KEYS: Final = {*_REQUIRED, "when", "unless", "met_in"}
_SETTINGS: Final = {"environment", "protected"}
_PLACEHOLDERS: Final = ("environment", "partition", "prefix", "region")
_ANNOTATION: Final = "annotation::"

MALFORMED: Final = RuleInfo(
    id=f"{PACK}::Malformed",
    title="A decision has a reason, an owner, an approver, a ticket and two dates, and covers exact rules at exact paths",
    why="A decision that is too wide, or that nobody owns or approved, hides findings that nobody has reviewed.",
    fix="Correct the entry; docs/compliance.md shows every key.",
    covers=False,
)
EXPIRED: Final = RuleInfo(
    id=f"{PACK}::Expired",
    title="A decision is in force until the day it names",
    why="Reasons become outdated. On this date the owner reviews the decision.",
    fix="Fix the finding and delete the entry, or decide again: new reason, new date.",
    covers=False,
)
STALE: Final = RuleInfo(
    id=f"{PACK}::Stale",
    title="Every rule and path that a decision covers has a finding",
    why="An acknowledgement of a finding that was fixed, moved or misspelt would hide the next finding there.",
    fix="Delete the rule and path without a finding, or correct them to those in the report.",
    covers=False,
)
UNREGISTERED: Final = RuleInfo(
    id=f"{PACK}::Unregistered",
    title="Findings are acknowledged in the registry and nowhere else",
    why="An acknowledgement in code has no owner and no date, and its short form appears in no report.",
    fix="Remove the call of Validations.acknowledge; enter a decision in compliance/acknowledgements.toml instead.",
    covers=False,
)
RULES: Final = {rule.id: rule for rule in (MALFORMED, EXPIRED, STALE, UNREGISTERED)}


Facts: TypeAlias = Mapping[str, tuple[str, ...]]
"""Facts of a configuration: those of _PLACEHOLDERS, `protected`, and `configuration`, its name in the matrix."""


class RegistryError(Exception):
    """Raised when the registry cannot be read: there is no file, or it is not TOML."""


@dataclass(frozen=True, kw_only=True)
class Decision(DecisionTerms):
    """A decision to accept findings.

    Attributes:
        when: For each setting, the values that it applies to; empty for all.
        unless: For each setting, the values that it does not apply to, because forks choose the names of environments.
        met_in: The configurations of the matrix that have the finding, if only some with overridden settings do. It limits
            where the decision is stale, not where it holds.
        covers: Each qualified rule id with each exact construct path at which it may fail.
        unevaluated: Each rule id and path that may be NOT_EVALUATED, which `covers` does not include.
    """

    covers: frozenset[tuple[str, str]]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    met_in: tuple[str, ...] = ()
    unevaluated: frozenset[tuple[str, str]] = frozenset()

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Each rule and path of `covers` and `unevaluated`."""
        return self.covers | self.unevaluated

    def is_for(self, facts: Facts) -> bool:
        """Return whether the decision applies to a configuration with these facts."""
        return all(set(facts.get(setting, ())) & set(values) for setting, values in self.when.items()) and not any(
            set(facts.get(setting, ())) & set(values) for setting, values in self.unless.items()
        )


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The decisions in force, and a failing row for each other entry.

    Attributes:
        decisions: The entries that are well-formed and not expired.
        defects: A failing row for every other entry.
        text: The text of the file; empty when it was made from a dict.
    """

    decisions: tuple[Decision, ...] = ()
    defects: tuple[Finding, ...] = ()
    text: str = field(default="", repr=False)

    def covering(self, facts: Facts) -> dict[tuple[str, str], Decision]:
        """Return the decision for each (qualified rule id, construct path) of a configuration with these facts."""
        return {
            (expanded, path): decision
            for decision in self.decisions
            if decision.is_for(facts)
            for rule, path in decision.places
            for expanded in expand(rule, facts)
        }

    def uses(self, findings: Iterable[Finding]) -> tuple[DecisionUse, ...]:
        """Return every decision in force with the number of rows that it acknowledged."""
        used = Counter(finding.decision for finding in findings if finding.verdict is Verdict.ACKNOWLEDGED)
        return tuple(
            DecisionUse(acknowledged=used[decision.id], **{name: getattr(decision, name) for name in _TERMS})
            for decision in self.decisions
        )


def read_registry(file: Path, today: date) -> Registry:
    """Read the registry and check every entry.

    Raises:
        RegistryError: The file cannot be read, or is not TOML.
    """
    try:
        text = file.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise RegistryError(f"{file}: cannot be read ({error.strerror}); give a file, which may be empty") from error
    except ValueError as error:
        raise RegistryError(f"{file}: is not TOML: {error}") from error
    return replace(check_registry(document, today), text=text)


def check_registry(document: Mapping[str, Any], today: date) -> Registry:
    """Split the parsed registry into decisions in force and a failing row for every entry that is not."""
    defects = [
        _defect(MALFORMED, "", f"unknown table or key {key!r}; write each entry as [[decision]]")
        for key in document
        if key != "decision"
    ]
    entries = document.get("decision", [])
    if not isinstance(entries, list):
        return Registry(defects=(*defects, _defect(MALFORMED, "", "write each entry as [[decision]]")))
    decisions: list[Decision] = []
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("id") or f"number {number}") if isinstance(entry, Mapping) else f"number {number}"
        problems = _problems(entry, [decision.id for decision in decisions])
        defects.extend(_defect(MALFORMED, name, problem) for problem in problems)
        if problems:
            continue
        decision = _decision(entry)
        if decision.expires < today:
            defects.append(_defect(EXPIRED, name, f"it expired on {decision.expires}; {decision.owner} must decide again"))
        else:
            decisions.append(decision)
    return Registry(decisions=tuple(decisions), defects=tuple(defects))


def expand(rule: str, facts: Facts) -> list[str]:
    """Return a rule id with each of _PLACEHOLDERS, in braces, replaced by each value of a configuration.

    The ids of some findings hold a resource's name, and names differ between configurations.
    """
    used = [name for name in _PLACEHOLDERS if f"{{{name}}}" in rule]
    expanded = []
    for values in product(*(facts.get(name, ()) for name in used)):
        text = rule
        for name, value in zip(used, values, strict=True):
            text = text.replace(f"{{{name}}}", value)
        expanded.append(text)
    return expanded


def apply(registry: Registry, findings: Sequence[Finding], facts: Facts) -> list[Finding]:
    """Return the findings of one configuration, with those that a decision covers marked ACKNOWLEDGED."""
    covering = registry.covering(facts)
    return [_acknowledged(finding, covering.get((finding.rule, finding.path)), facts) for finding in findings]


def unregistered(
    registry: Registry, acknowledged: Iterable[tuple[str, str]], facts: Facts, packs: Sequence[str]
) -> list[Finding]:
    """Return a failing row for each acknowledgement in code that the registry does not have.

    Args:
        registry: The decisions in force.
        acknowledged: Each (construct path, acknowledged id) of the cloud assembly.
        facts: Facts of the configuration.
        packs: The packs whose rules count. The CDK lists the short form of a rule's id under `Annotation::`.
    """
    covering = registry.covering(facts)
    ours = tuple(f"{pack}::".lower() for pack in packs) + tuple(f"{_ANNOTATION}{pack}-".lower() for pack in packs)
    return [
        Finding(
            rule=UNREGISTERED.id,
            verdict=Verdict.FAIL,
            configuration="".join(facts.get("environment", ())),
            path=path,
            message=f"{rule} is acknowledged in code at this construct",
        )
        for path, rule in acknowledged
        if (rule, path) not in covering and rule.lower().startswith(ours)
    ]


def stale(
    registry: Registry, findings: Iterable[Finding], matrix: Mapping[str, Facts], *, whole: bool = True
) -> list[Finding]:
    """Return a failing row for each rule and path of a decision without a finding in the judged configurations.

    Args:
        registry: The decisions in force.
        findings: The rows of every judged configuration, after `apply`.
        matrix: Every judged configuration, by name, with its facts.
        whole: Whether they are the whole matrix. If not, they are the environments of a fork's file: a decision for another
            environment, or on a resource that none of them has, is then not stale.
    """
    findings = list(findings)
    used = {
        (finding.configuration, finding.rule, finding.path)
        for finding in findings
        if finding.verdict is Verdict.ACKNOWLEDGED
    }
    rows: list[Finding] = []
    for decision in registry.decisions:
        configurations = {name: facts for name, facts in matrix.items() if _is_met_in(decision, name, facts)}
        if not configurations and not whole:
            continue
        present = {finding.path for finding in findings if finding.configuration in configurations}
        rows += [
            _defect(STALE, decision.id, _stale_message(decision, rule, path, configurations, findings))
            for rule, path in sorted(decision.places)
            if (whole or path in present)
            and not any(
                (name, expanded, path) in used for name, facts in configurations.items() for expanded in expand(rule, facts)
            )
        ]
    return rows


def _is_met_in(decision: Decision, configuration: str, facts: Facts) -> bool:
    return decision.is_for(facts) and (not decision.met_in or configuration in decision.met_in)


def _stale_message(
    decision: Decision, rule: str, path: str, configurations: Mapping[str, Facts], findings: Sequence[Finding]
) -> str:
    if not configurations:
        return f"no configuration of the matrix meets `when` and `met_in`: {dict(decision.when)} {decision.met_in}"
    family = rule.partition("[")[0]
    open_ones = {
        f"{finding.rule} at {finding.path}"
        for finding in findings
        if finding.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED} and finding.rule.partition("[")[0] == family
    }
    hint = f"; still open: {', '.join(sorted(open_ones)[:2])}" if open_ones else ""
    return f"there is no finding of {rule} at {path} in {', '.join(configurations)}{hint}"


def _acknowledged(finding: Finding, decision: Decision | None, facts: Facts) -> Finding:
    if decision is None or finding.verdict not in {Verdict.FAIL, Verdict.NOT_EVALUATED}:
        return finding
    places = decision.unevaluated if finding.verdict is Verdict.NOT_EVALUATED else decision.covers
    if not any(path == finding.path and finding.rule in expand(rule, facts) for rule, path in places):
        return finding
    return replace(finding, verdict=Verdict.ACKNOWLEDGED, decision=decision.id)


def _problems(entry: object, earlier: Sequence[str]) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["it is not a table; write each entry as [[decision]]"]
    problems = [f"unknown key {key!r}; allowed: {', '.join(sorted(_KEYS))}" for key in entry if key not in _KEYS]
    problems += [f"the key {key!r} is missing" for key in _REQUIRED if key not in entry]
    for key in _TEXTS:
        if key in entry and not _is_text(entry[key]):
            problems.append(f"{key} is {entry[key]!r}; write a text")
    if entry.get("id") in earlier:
        problems.append("another entry has the same id")
    if "reason" in entry and (not _is_text(entry["reason"]) or len(entry["reason"].strip()) < MINIMUM_REASON):
        problems.append(f"reason is too short; write in at least {MINIMUM_REASON} characters why the finding is accepted")
    problems += [
        f"{key} is {entry[key]!r}; write a date without quotes, like 2027-05-31"
        for key in _DATES
        if key in entry and type(entry[key]) is not date
    ]
    if all(type(entry.get(key)) is date for key in _DATES) and entry["decided"] > entry["expires"]:
        problems.append(f"decided is {entry['decided']}, after expires; write the day of the approval")
    for key in ("when", "unless"):
        problems += _when_problems(key, entry.get(key, {}))
    if "met_in" in entry and not _is_texts(entry["met_in"]):
        problems.append("met_in is not a list; write a list of names of compliance/matrix.toml")
    if "covers" in entry:
        problems += _covers_problems(entry["covers"])
    return problems


def _when_problems(key: str, when: object) -> list[str]:
    if not isinstance(when, Mapping):
        return [f"{key} is not a table; write {key} = {{ environment = ['prod'] }}"]
    return [
        f"{key}: {setting} = {values!r} is unknown; write a setting ({', '.join(sorted(_SETTINGS))}) and a list "
        f"of its values, like {key} = {{ environment = ['prod'] }}"
        for setting, values in when.items()
        if setting not in _SETTINGS or not _is_texts(values)
    ]


def _covers_problems(covers: object) -> list[str]:
    if not isinstance(covers, list) or not covers:
        return ["covers is not a list; write [{ rules = [...], paths = [...] }]"]
    problems: list[str] = []
    for cover in covers:
        if not isinstance(cover, Mapping) or set(cover) - {"not_evaluated"} != {"rules", "paths"}:
            problems.append(f"covers: {cover!r} has other keys; allowed: rules, paths and, if needed, not_evaluated")
        elif cover.get("not_evaluated", True) is not True:
            problems.append("covers: not_evaluated can only be true; leave it out for rules that fail")
        elif not all(_is_texts(cover[key]) for key in ("rules", "paths")):
            problems.append(f"covers: {cover!r} is not two lists; write at least one text in each")
        else:
            problems += [problem for rule in cover["rules"] for problem in _rule_problems(rule)]
            problems += [problem for path in cover["paths"] for problem in _path_problems(path)]
    return problems


def _rule_problems(rule: str) -> list[str]:
    pack, _, name = rule.partition("::")
    if not pack or not name or rule.lower().startswith(_ANNOTATION):
        return [f"covers: {rule!r} is not a qualified id; write <pack>::<rule>, like AwsSolutions::AwsSolutions-S1"]
    return [
        f"covers: {rule!r} has the unknown placeholder {found}; known: {{{'}}, {{'.join(_PLACEHOLDERS)}}}"
        for found in re.findall(r"\{.*?\}", rule)
        if found.strip("{}") not in _PLACEHOLDERS
    ]


def _path_problems(path: str) -> list[str]:
    stack, _, rest = path.partition("/")
    if not stack or not rest:
        return [f"covers: {path!r} is too broad, a whole stack or the app; write the exact path of one resource"]
    return [f"covers: {path!r} has a wildcard; write the exact path of one resource"] if "*" in path else []


def _decision(entry: Mapping[str, Any]) -> Decision:
    return Decision(
        **{name: entry[name] for name in (*_TEXTS, *_DATES)},
        reason=" ".join(entry["reason"].split()),
        when={setting: tuple(values) for setting, values in entry.get("when", {}).items()},
        unless={setting: tuple(values) for setting, values in entry.get("unless", {}).items()},
        met_in=tuple(entry.get("met_in", ())),
        covers=_covered(cover for cover in entry["covers"] if "not_evaluated" not in cover),
        unevaluated=_covered(cover for cover in entry["covers"] if "not_evaluated" in cover),
    )


def _covered(covers: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    return frozenset((rule, path) for cover in covers for rule in cover["rules"] for path in cover["paths"])


def _defect(rule: RuleInfo, name: str, problem: str) -> Finding:
    return Finding(
        rule=rule.id,
        verdict=Verdict.FAIL,
        path=f"compliance/acknowledgements.toml: {name}" if name else "compliance/acknowledgements.toml",
        message=problem,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(text) for text in value)
