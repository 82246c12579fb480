"""Find resource types that no rule checks."""

from typing import Final

from compliance.engine.findings import Place, RuleInfo, Verdict, type_coverage
from compliance.engine.judge import FindingsBuilder

PACK: Final = "Coverage"

UNCOVERED: Final = RuleInfo(
    id=f"{PACK}::Uncovered",
    title="At least one rule checks every type of resource",
    why=(
        "A type that no rule checks has no finding, which looks like a type without a fault. AWS's validation and the "
        "checks of names and tags do not prove that a type is safe, so they do not count."
    ),
    fix="Write a rule for the type; see docs/compliance.md.",
    covers=False,
)
RULES: Final = {UNCOVERED.id: UNCOVERED}


def judge(findings: FindingsBuilder) -> FindingsBuilder:
    """Return a failing row for each type that no rule checked.

    Args:
        findings: The rows of every configuration of the run.
    """
    found = FindingsBuilder(rules=dict(RULES))
    for item in type_coverage(findings.rows, findings.rules, findings.silent):
        if not item.covered:
            others = f"; only {', '.join(item.others)} did" if item.others else ""
            message = f"no rule checked any of the {item.resources} resources of this type{others}"
            found.add(UNCOVERED, Verdict.FAIL, Place(path=item.resource_type, resource_type=item.resource_type), message)
    return found
