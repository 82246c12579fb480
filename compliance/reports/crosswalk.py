"""Compare the gate with the checks of prowler, for the resource types of the judged templates."""

from collections import defaultdict
from typing import Any, Final

from compliance.controls.bridge import Check, checks, local_id
from compliance.engine.findings import Findings
from reporting.text import counted

_STACK: Final = "AWS::CloudFormation::Stack"
"""The type of the templates themselves, which no template lists."""


def render(ledger: Findings) -> str:
    """Return the comparison as text: the checks that rules decide, those without a rule, those no template can answer."""
    rows = as_list(ledger)
    decided = [row for row in rows if row["decided_by"]]
    missing = [row for row in rows if row["decidable"] and not row["decided_by"]]
    other = [row for row in rows if not row["decidable"]]
    share = len(decided) / max(len(decided) + len(missing), 1)
    lines = [
        f"{counted(len(rows), 'check')} of prowler for the {counted(len(_types(ledger)), 'resource type')} of this run.",
        f"Decidable from a template: {len(decided) + len(missing)}, {len(decided)} with a rule ({share:.1%}).",
        "",
        "Decided by",
        *(f"  {row['check']}: {', '.join(row['decided_by'])}" for row in decided),
        "",
        "Decidable, without a rule",
        *(f"  {row['check']}: {row['reason']}" for row in missing),
        "",
        "Not decidable from a template",
    ]
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in other:
        by_reason[row["reason"]].append(row["check"])
    for reason, names in by_reason.items():
        lines += [f"  {reason}:", *(f"    {name}" for name in names)]
    return "\n".join(lines) + "\n"


def as_list(ledger: Findings) -> list[dict[str, Any]]:
    """Return each check of prowler about a resource type of the run, with the rules of the run that decide it."""
    types, rules = _types(ledger), {local_id(rule) for rule in ledger.rules}
    return [_row(check, rules) for check in checks().values() if types.intersection(check.types)]


def _row(check: Check, rules: set[str]) -> dict[str, Any]:
    decided = [rule for rule in check.rules if rule in rules]
    reason = check.reason or ("" if decided else "its rules did not run")
    return {
        "check": check.id,
        "types": list(check.types),
        "decidable": check.decidable,
        "decided_by": decided,
        **({"reason": reason} if reason else {}),
    }


def _types(ledger: Findings) -> set[str]:
    return {item.resource_type for item in ledger.coverage} | {_STACK}
