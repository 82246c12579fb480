"""A part of a ledger: some packs, or the rules that serve some frameworks. What is left out is not judged, nor a pass."""

from collections.abc import Collection
from dataclasses import replace

from compliance.controls import split
from compliance.engine.findings import Findings, RuleInfo
from compliance.packs.nag import FRAMEWORKS


class SelectionError(ValueError):
    """A pack or a framework that there is not."""


def select(ledger: Findings, packs: Collection[str] = (), frameworks: Collection[str] = ()) -> Findings:
    """The rows of these packs, and of rules that serve one of these frameworks; every row where neither is named.

    Args:
        ledger: Of the whole run.
        packs: For example `AwsSolutions`; all where it is empty.
        frameworks: For example `PCI-DSS-3.2.1`; all where it is empty.

    Raises:
        SelectionError: The ledger has no such pack.
    """
    known = sorted({rule.pack for rule in ledger.rules.values()})
    for pack in packs:
        if pack not in known:
            raise SelectionError(f"there is no pack {pack!r}; the packs are {', '.join(known)}")
    if not packs and not frameworks:
        return ledger
    serving = {rule.pack for rule in ledger.rules.values() if _serves(rule, frameworks)}
    serving |= {pack for pack, framework in FRAMEWORKS.items() if framework in frameworks}
    rules = {
        name: rule
        for name, rule in ledger.rules.items()
        if (not packs or rule.pack in packs)
        # That a pack ran at all is asked of every pack whose word is wanted.
        and (not frameworks or _serves(rule, frameworks) or (rule.id == f"{rule.pack}::Ran" and rule.pack in serving))
    }
    findings = tuple(finding for finding in ledger.findings if finding.rule in rules)
    used = {finding.decision for finding in findings}
    return replace(
        ledger,
        findings=findings,
        rules=rules,
        silent={rule: places for rule, places in ledger.silent.items() if rule in rules},
        decisions=tuple(use for use in ledger.decisions if use.id in used),
        advice=tuple(advice for advice in ledger.advice if not packs or advice.rule.partition("::")[0] in packs),
    )


def _serves(rule: RuleInfo, frameworks: Collection[str]) -> bool:
    return any(split(control)[0] in frameworks for control in rule.controls)
