"""Select the rows of some packs or frameworks of a ledger. A row that is left out is not a pass."""

from collections.abc import Collection
from dataclasses import replace

from compliance.controls import split
from compliance.engine.findings import Findings, RuleInfo
from compliance.packs.nag import FRAMEWORKS


class SelectionError(ValueError):
    """Raised for a pack that the ledger does not have."""


def select(ledger: Findings, packs: Collection[str] = (), frameworks: Collection[str] = ()) -> Findings:
    """Return the ledger with the rows of these packs, of rules that serve one of these frameworks.

    Args:
        ledger: The findings of the whole run.
        packs: For example `AwsSolutions`; all where it is empty.
        frameworks: For example `PCI-DSS-3.2.1`; all where it is empty.

    Raises:
        SelectionError: The ledger has no such pack.
    """
    known = sorted({rule.pack for rule in ledger.rules.values()})
    for pack in packs:
        if pack not in known:
            raise SelectionError(f"--pack {pack!r} is not a pack of this run; the packs are {', '.join(known)}")
    if not packs and not frameworks:
        return ledger
    serving = {rule.pack for rule in ledger.rules.values() if _serves(rule, frameworks)}
    serving |= {pack for pack, framework in FRAMEWORKS.items() if framework in frameworks}
    rules = {
        name: rule
        for name, rule in ledger.rules.items()
        if (not packs or rule.pack in packs)
        # The row that a pack ran is kept for every pack that serves a selected framework.
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
