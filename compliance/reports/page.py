"""Render index.html, the report for auditors: one file that needs no network.

A template may be hostile. Jinja escapes its text, the explorer's data is inert, and the page's security policy allows
only our script and our style sheet, by their hashes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from compliance.controls.catalogue import Catalogue, Framework, published
from compliance.controls.coverage import ControlState, Status, control_states
from compliance.engine.baseline import Changes, Row
from compliance.engine.findings import (
    COLUMNS,
    NOTHING_EVALUATED,
    DecisionUse,
    EncryptedWith,
    Finding,
    Findings,
    RuleInfo,
    Verdict,
)
from compliance.reports import coverage_map, provenance
from compliance.reports.places import every_field, template_files
from reporting.self_contained import Page, inert
from reporting.text import counted, printable

SHOWN: Final = 50
"""Number of failing rules, and of resources for each, in the page's list; the explorer has all."""
SOON: Final = timedelta(days=30)
"""A decision that ends within this time after the judgement is marked."""
WORDS: Final = {
    Verdict.FAIL: "✕ failed",
    Verdict.NOT_EVALUATED: "? not evaluated",
    Verdict.ACKNOWLEDGED: "◐ acknowledged",
    Verdict.PASS: "✓ passed",
    Verdict.NOT_APPLICABLE: "○ not applicable",
}
_SERVES_NONE: Final = "no control named"
_NO_REGION: Final = "no region"
_REGISTRY: Final = "the registry"

_Tally = list[tuple[str, dict[Verdict, int]]]


def render(ledger: Findings, changes: Changes | None = None) -> str:
    """Return the report as HTML text, the same bytes for the same ledger."""
    failures = _failures(ledger)
    return _page().render(
        ledger=ledger,
        data=inert(_explorer(ledger)),
        columns=COLUMNS,
        words=WORDS,
        plain={verdict: words.partition(" ")[2] for verdict, words in WORDS.items()},
        marked=(Verdict.FAIL, Verdict.NOT_EVALUATED),
        shown=SHOWN,
        verdict=_verdict(ledger),
        explanation=_explanation(ledger),
        changes=_changes(changes),
        failures=failures[:SHOWN],
        more_rules=max(0, len(failures) - SHOWN),
        expiring=[use for use in ledger.decisions if use.expires - ledger.judged_on <= SOON],
        by_framework=_tally(ledger.findings, lambda row: _frameworks(ledger.rules[row.rule])),
        by_region=_tally(ledger.findings, lambda row: (row.region or _NO_REGION,)),
        by_configuration=_tally(ledger.findings, lambda row: (row.configuration or _REGISTRY,)),
        controls=_controls(ledger),
        keys=_keys(ledger),
        accounts=sorted({subject.account for subject in ledger.subjects if subject.account}),
        maps=coverage_map.maps(ledger),
        tile_size=coverage_map.TILE,
        coverage=ledger.coverage,
        packs=sorted({pack for item in ledger.coverage for pack in item.rules}),
        filters=_filters(ledger),
        files=template_files(ledger.subjects),
        advice=ledger.advice[: SHOWN * 4],
        revision=provenance.words(ledger.revision),
    )


@cache
def _page() -> Page:
    return Page(
        Path(__file__).parent,
        tally=lambda values: sorted(Counter(values).items(), key=lambda item: list(Status).index(item[0])),
        framed=_framed,
        by_responsibility=_by_responsibility,
        breakable=_breakable,
        counted=counted,
        css=lambda status: status.lower().replace(" ", "-").replace("_", "-"),
    )


def _breakable(name: str) -> Markup:
    """Return a name that a narrow column may break after a dot or before a capital: `NIST.800.53.R4`."""
    parts = re.split(r"(?<=\.)|(?<=[a-z])(?=[A-Z])", printable(name))
    return Markup("<wbr>").join(parts)  # each part is escaped


def _framed(controls: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return qualified controls by framework."""
    found: dict[str, list[str]] = defaultdict(list)
    for control in controls:
        framework, _, name = control.partition(":")
        found[framework].append(name)
    return list(found.items())


def _verdict(ledger: Findings) -> str:
    if ledger.evaluated == 0:
        return f"Failed: {NOTHING_EVALUATED}"
    if ledger.threshold:
        return ledger.threshold.summary.capitalize()
    if not ledger.passed:
        return f"Failed: {counted(len(ledger.failures), 'finding')} open"
    accepted = ledger.counts[Verdict.ACKNOWLEDGED]
    if not accepted:
        return "Passed: no finding is open"
    return f"Passed: no finding is open, {accepted:,} {'is' if accepted == 1 else 'are'} accepted by a decision"


def _explanation(ledger: Findings) -> str:
    rules = len({row.rule for row in ledger.findings})
    decisions = sum(1 for use in ledger.decisions if use.acknowledged)
    return (
        f"{counted(rules, 'rule')} of {counted(len(ledger.by_pack), 'pack')} answered about "
        f"{counted(sum(s.resources for s in ledger.subjects), 'resource')}. A rule that could not be evaluated is a "
        f"failure. Of the findings, {ledger.counts[Verdict.ACKNOWLEDGED]:,} "
        f"{'is' if ledger.counts[Verdict.ACKNOWLEDGED] == 1 else 'are'} accepted by {counted(decisions, 'decision')}, each "
        "with a reason, an owner and a last day."
    )


def _changes(changes: Changes | None) -> list[tuple[str, Sequence[Row]]]:
    if changes is None:
        return []
    return [("New", changes.new), ("Newly acknowledged", changes.newly_acknowledged), ("Fixed", changes.fixed)]


def _failures(ledger: Findings) -> list[tuple[RuleInfo, list[tuple[Finding, list[str]]]]]:
    """Return each failing rule, worst first, with its rows; a row of several configurations appears once."""
    rules: dict[str, dict[tuple[str, str], tuple[Finding, list[str]]]] = defaultdict(dict)
    for row in ledger.failures:
        _, configurations = rules[row.rule].setdefault((row.path, row.message), (row, []))
        if row.configuration:
            configurations.append(row.configuration)
    return [(ledger.rules[rule], list(places.values())) for rule, places in rules.items()]


def _controls(ledger: Findings) -> list[tuple[Framework, Catalogue, list[ControlState]]]:
    by_framework: dict[Framework, list[ControlState]] = defaultdict(list)
    for state in control_states(ledger):
        by_framework[state.framework].append(state)
    return [(framework, published(framework), states) for framework, states in by_framework.items()]


def _by_responsibility(states: Iterable[ControlState]) -> list[dict[str, Any]]:
    """Return the controls that no rule decides, grouped by reason, owner and evidence."""
    found: dict[tuple[str, ...], list[ControlState]] = defaultdict(list)
    for state in states:
        if not state.automated:
            found[state.status, state.reason, state.owner, state.evidence].append(state)
    names = ("status", "reason", "owner", "evidence")
    ordered = sorted(found.items(), key=lambda item: list(Status).index(item[1][0].status))
    return [{**dict(zip(names, values, strict=True)), "states": among} for values, among in ordered]


def _keys(ledger: Findings) -> list[tuple[EncryptedWith, list[EncryptedWith]]]:
    """Return the uses of each key, by configuration and key."""
    found: dict[tuple[str, str], list[EncryptedWith]] = defaultdict(list)
    for use in ledger.encrypted:
        found[use.configuration, use.key].append(use)
    return [(uses[0], uses) for uses in found.values()]


def _frameworks(rule: RuleInfo) -> Collection[str]:
    return {control.partition(":")[0] for control in rule.controls if ":" in control} or {_SERVES_NONE}


def _tally(rows: Iterable[Finding], names: Callable[[Finding], Collection[str]]) -> _Tally:
    counted: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for row in rows:
        for name in names(row):
            counted[name][row.verdict] += 1
    return [(name, {verdict: counts[verdict] for verdict in COLUMNS}) for name, counts in sorted(counted.items())]


def _filters(ledger: Findings) -> list[tuple[str, str, list[tuple[str, str]]]]:
    rows = ledger.findings
    frameworks = {name for rule in ledger.rules.values() for name in _frameworks(rule)} - {_SERVES_NONE}
    present = {row.verdict for row in rows}
    return [
        ("verdict", "Verdict", [(verdict.value, WORDS[verdict]) for verdict in COLUMNS if verdict in present]),
        ("configuration", "Configuration", _same(ledger.configurations)),
        ("region", "Region", _same(sorted({row.region for row in rows if row.region}))),
        ("stack", "Stack", _same(sorted({row.stack for row in rows if row.stack}))),
        ("framework", "Framework", _same(sorted(frameworks))),
        ("control", "Control", _same(sorted({control for rule in ledger.rules.values() for control in rule.controls}))),
        ("pack", "Pack", _same(ledger.by_pack)),
        ("type", "Resource type", _same(sorted({row.resource_type for row in rows if row.resource_type}))),
        ("decision", "Acknowledged by", [(use.id, use.title) for use in ledger.decisions if use.acknowledged]),
    ]


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(printable(value), value) for value in values]


class _Index(dict[Any, int]):
    """Numbers each value in the order in which the values first occur."""

    def __missing__(self, key: Any) -> int:  # noqa: ANN401 - any hashable
        self[key] = len(self)
        return self[key]


def _explorer(ledger: Findings) -> dict[str, Any]:
    """Return the rows as indexes into tables of their values, which keeps thousands of rows small."""
    rules, places, messages = _Index(), _Index(), _Index()
    decisions = {use.id: number for number, use in enumerate(ledger.decisions)}
    verdicts = list(COLUMNS)
    order = {name: number for number, name in enumerate(ledger.configurations)}
    ordered = sorted(
        ledger.findings,
        key=lambda f: (verdicts.index(f.verdict), order.get(f.configuration, -1), f.rule, f.stack, *every_field(f)),
    )
    rows = [
        (
            rules[row.rule],
            places[row.configuration, row.region, row.stack, row.path, row.logical_id, row.resource_type, row.source],
            verdicts.index(row.verdict),
            messages[printable(row.message or row.observed)],
            decisions.get(row.decision, -1),
            row.line,
        )
        for row in ordered
    ]
    names = ("configuration", "region", "stack", "path", "logical_id", "type", "source")
    return {
        "verdicts": [verdict.value for verdict in verdicts],
        "words": {verdict.value: words for verdict, words in WORDS.items()},
        "rules": [_rule(ledger.rules[rule]) for rule in rules],
        "places": [dict(zip(names, map(printable, place), strict=True)) for place in places],
        "messages": list(messages),
        "decisions": [_decision(use) for use in ledger.decisions],
        "rows": rows,
    }


def _decision(use: DecisionUse) -> dict[str, Any]:
    return {
        "id": use.id,
        "title": printable(use.title),
        "reason": printable(use.reason),
        "owner": printable(use.owner),
        "approver": printable(use.approver),
        "ticket": printable(use.ticket),
        "decided": use.decided.isoformat(),
        "expires": use.expires.isoformat(),
    }


def _rule(rule: RuleInfo) -> dict[str, Any]:
    return {
        "id": printable(rule.id),
        "pack": rule.pack,
        "title": printable(rule.title),
        "why": printable(rule.why),
        "fix": printable(rule.fix),
        "controls": list(rule.controls),
    }
