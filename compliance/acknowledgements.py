"""Decisions to accept a finding: read from a file, checked, applied to exactly what they cover, and refused when stale."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from compliance.ledger import DecisionUse, Finding, RuleInfo, Verdict

DEFAULT_FILE: Final = Path(__file__).parent / "acknowledgements.toml"
PACK: Final = "Acknowledgements"
MINIMUM_REASON: Final = 20

_KEYS: Final = {"id", "title", "reason", "owner", "expires", "when", "covers"}
_REQUIRED: Final = ("id", "title", "reason", "owner", "expires", "covers")
_SETTINGS: Final = {"environment"}
_ANNOTATION: Final = "annotation::"

MALFORMED: Final = RuleInfo(
    id=f"{PACK}::Malformed",
    title="A decision says what, why, who, until when, and covers exact rules at exact paths",
    why="A decision that is too wide, or that nobody owns, hides findings that nobody has looked at.",
    fix="Correct the entry; docs/compliance.md shows every key.",
)
EXPIRED: Final = RuleInfo(
    id=f"{PACK}::Expired",
    title="A decision is in force until the day it names",
    why="Reasons age. The date is when its owner promised to look again.",
    fix="Mend the finding and delete the entry, or decide again: new reason, new date.",
)
STALE: Final = RuleInfo(
    id=f"{PACK}::Stale",
    title="Everything that a decision covers is found somewhere",
    why="An acknowledgement of what is mended, moved or misspelt waits to hide the next finding there.",
    fix="Delete the rule and path that nothing was found for, or correct them to what the report shows.",
)
UNREGISTERED: Final = RuleInfo(
    id=f"{PACK}::Unregistered",
    title="Findings are acknowledged in the registry and nowhere else",
    why="An acknowledgement in code has no owner and no date, and in its short form it leaves no trace in any report.",
    fix="Remove the call of Validations.acknowledge; enter a decision in compliance/acknowledgements.toml instead.",
)
RULES: Final = {rule.id: rule for rule in (MALFORMED, EXPIRED, STALE, UNREGISTERED)}


class RegistryError(Exception):
    """The registry cannot be read at all: no file, or not TOML."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision.

    Attributes:
        id: Short and stable, as reports name it.
        title: What was decided.
        reason: Why the finding is accepted; at least 20 characters.
        owner: Who answers for it.
        expires: The last day on which it holds.
        when: For each setting, the values that it is for; empty for all.
        covers: Each qualified rule id with each exact construct path.
    """

    id: str
    title: str
    reason: str
    owner: str
    expires: date
    covers: frozenset[tuple[str, str]]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def is_for(self, settings: Mapping[str, str]) -> bool:
        """Whether the decision is meant for a configuration with these settings."""
        return all(settings.get(setting) in values for setting, values in self.when.items())


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The decisions in force, and what is wrong with the others.

    Attributes:
        decisions: Well-formed and not expired.
        defects: A failing row for every entry that is not.
    """

    decisions: tuple[Decision, ...] = ()
    defects: tuple[Finding, ...] = ()

    def covering(self, settings: Mapping[str, str]) -> dict[tuple[str, str], Decision]:
        """The decision for each (qualified rule id, construct path) under these settings."""
        return {cover: decision for decision in self.decisions if decision.is_for(settings) for cover in decision.covers}

    def uses(self, findings: Iterable[Finding]) -> tuple[DecisionUse, ...]:
        """Every decision in force with how many rows it acknowledged."""
        used = Counter(finding.decision for finding in findings if finding.verdict is Verdict.ACKNOWLEDGED)
        return tuple(
            DecisionUse(
                id=decision.id,
                title=decision.title,
                reason=decision.reason,
                owner=decision.owner,
                expires=decision.expires,
                acknowledged=used[decision.id],
            )
            for decision in self.decisions
        )


def read_registry(file: Path, today: date) -> Registry:
    """Read the registry and check every entry.

    Raises:
        RegistryError: The file cannot be read, or is not TOML.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise RegistryError(f"{file}: cannot be read ({error.strerror}); an empty file is enough for no decision") from error
    except ValueError as error:
        raise RegistryError(f"{file}: is not TOML: {error}") from error
    return check_registry(document, today)


def check_registry(document: Mapping[str, Any], today: date) -> Registry:
    """Split the parsed registry into decisions in force and a failing row for every entry that is not."""
    defects = [
        _defect(MALFORMED, "", f"unknown table or key {key!r}; entries are written as [[decision]]")
        for key in document
        if key != "decision"
    ]
    entries = document.get("decision", [])
    if not isinstance(entries, list):
        return Registry(defects=(*defects, _defect(MALFORMED, "", "entries are written as [[decision]]")))
    decisions: list[Decision] = []
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("id") or f"number {number}") if isinstance(entry, Mapping) else f"number {number}"
        problems = _problems(entry, [decision.id for decision in decisions])
        defects.extend(_defect(MALFORMED, name, problem) for problem in problems)
        if problems:
            continue
        decision = _decision(entry)
        if decision.expires < today:
            defects.append(_defect(EXPIRED, name, f"it expired on {decision.expires}; {decision.owner} is to decide again"))
        else:
            decisions.append(decision)
    return Registry(decisions=tuple(decisions), defects=tuple(defects))


def apply(registry: Registry, findings: Sequence[Finding], settings: Mapping[str, str]) -> list[Finding]:
    """The findings of one configuration, with those that a decision covers marked ACKNOWLEDGED."""
    covering = registry.covering(settings)
    return [_acknowledged(finding, covering.get((finding.rule, finding.path))) for finding in findings]


def unregistered(
    registry: Registry, acknowledged: Iterable[tuple[str, str]], settings: Mapping[str, str], packs: Iterable[str]
) -> list[Finding]:
    """A failing row for each acknowledgement that constructs carry and the registry does not know.

    Args:
        registry: The decisions in force.
        acknowledged: Each (construct path, acknowledged id) of the cloud assembly.
        settings: Of the configuration.
        packs: Whose rules can be silenced by the short form of an id, which the CDK files under `Annotation::`.
    """
    covering = registry.covering(settings)
    prefixes = tuple(f"{_ANNOTATION}{pack.lower()}-" for pack in packs)
    return [
        Finding(
            rule=UNREGISTERED.id,
            verdict=Verdict.FAIL,
            configuration=settings.get("environment", ""),
            path=path,
            message=f"{rule} is acknowledged in code at this construct",
        )
        for path, rule in acknowledged
        if (rule, path) not in covering
        and (rule.lower().startswith(prefixes) or not rule.lower().startswith(_ANNOTATION))
    ]


def stale(registry: Registry, findings: Iterable[Finding], matrix: Sequence[Mapping[str, str]]) -> list[Finding]:
    """A failing row for each rule and path that no finding of the whole matrix needed.

    Args:
        registry: The decisions in force.
        findings: Of every configuration of the matrix, after `apply`.
        matrix: The settings of every configuration there is.
    """
    findings = list(findings)
    used = {(f.decision, f.rule, f.path) for f in findings if f.verdict is Verdict.ACKNOWLEDGED}
    where: dict[str, set[str]] = {}
    for finding in findings:
        if finding.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}:
            where.setdefault(finding.rule, set()).add(finding.path)
    return [
        _defect(STALE, decision.id, _stale_message(decision, rule, path, where.get(rule, set()), matrix))
        for decision in registry.decisions
        for rule, path in sorted(decision.covers)
        if (decision.id, rule, path) not in used
    ]


def _stale_message(
    decision: Decision, rule: str, path: str, elsewhere: set[str], matrix: Sequence[Mapping[str, str]]
) -> str:
    if not any(decision.is_for(settings) for settings in matrix):
        return f"no configuration of the matrix has the settings that `when` asks for: {dict(decision.when)}"
    hint = f"; that rule has findings at: {', '.join(sorted(elsewhere)[:5])}" if elsewhere else ""
    return f"nothing was found by {rule} at {path} in any configuration{hint}"


def _acknowledged(finding: Finding, decision: Decision | None) -> Finding:
    if decision is None or finding.verdict not in {Verdict.FAIL, Verdict.NOT_EVALUATED}:
        return finding
    return replace(finding, verdict=Verdict.ACKNOWLEDGED, decision=decision.id)


def _problems(entry: object, earlier: Sequence[str]) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["it is not a table; entries are written as [[decision]]"]
    problems = [f"unknown key {key!r}; allowed: {', '.join(sorted(_KEYS))}" for key in entry if key not in _KEYS]
    problems += [f"the key {key!r} is missing" for key in _REQUIRED if key not in entry]
    for key in ("id", "title", "owner"):
        if key in entry and not _is_text(entry[key]):
            problems.append(f"{key} is {entry[key]!r}; it must be text")
    if entry.get("id") in earlier:
        problems.append("another entry has the same id")
    if "reason" in entry and (not _is_text(entry["reason"]) or len(entry["reason"].strip()) < MINIMUM_REASON):
        problems.append(f"reason must be at least {MINIMUM_REASON} characters that say why the finding is accepted")
    if "expires" in entry and type(entry["expires"]) is not date:
        problems.append(f"expires is {entry['expires']!r}; it must be a date without quotes, as 2027-05-31")
    problems += _when_problems(entry.get("when", {}))
    if "covers" in entry:
        problems += _covers_problems(entry["covers"])
    return problems


def _when_problems(when: object) -> list[str]:
    if not isinstance(when, Mapping):
        return ["when must be a table, as when = { environment = ['prod'] }"]
    return [
        f"when: {setting} = {values!r} is not understood; write a setting ({', '.join(sorted(_SETTINGS))}) and a list "
        "of its values, as when = { environment = ['prod'] }"
        for setting, values in when.items()
        if setting not in _SETTINGS or not _is_texts(values)
    ]


def _covers_problems(covers: object) -> list[str]:
    if not isinstance(covers, list) or not covers:
        return ["covers must be a list of { rules = [...], paths = [...] }"]
    problems = []
    for cover in covers:
        if not isinstance(cover, Mapping) or set(cover) != {"rules", "paths"}:
            problems.append(f"covers: {cover!r} must have exactly the keys rules and paths")
            continue
        for key in ("rules", "paths"):
            if not _is_texts(cover[key]):
                problems.append(f"covers: {key} must be a list of texts, at least one")
        problems += [
            f"covers: {rule!r} is not a qualified id; write <pack>::<rule>, as AwsSolutions::AwsSolutions-S1"
            for rule in _texts(cover["rules"])
            if not all(rule.partition("::")[::2]) or rule.lower().startswith(_ANNOTATION)
        ]
        problems += [
            f"covers: {path!r} is too broad: it is the app or a whole stack; write the exact path of one resource, as "
            "the report shows it"
            for path in _texts(cover["paths"])
            if not all(path.partition("/")[::2])
        ]
        problems += [
            f"covers: {path!r} has a wildcard; write the exact path of one resource"
            for path in _texts(cover["paths"])
            if "*" in path
        ]
    return problems


def _decision(entry: Mapping[str, Any]) -> Decision:
    return Decision(
        id=entry["id"],
        title=entry["title"],
        reason=" ".join(entry["reason"].split()),
        owner=entry["owner"],
        expires=entry["expires"],
        when={setting: tuple(values) for setting, values in entry.get("when", {}).items()},
        covers=frozenset(
            (rule, path) for cover in entry["covers"] for rule in cover["rules"] for path in cover["paths"]
        ),
    )


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


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
