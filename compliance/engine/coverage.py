"""Find resource types that no rule checks, except those that compliance/uncovered.toml explains."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from compliance.engine.findings import Place, RuleInfo, TypeCoverage, Verdict, type_coverage
from compliance.engine.judge import FindingsBuilder

DEFAULT_FILE: Final = Path(__file__).parents[1] / "uncovered.toml"
PACK: Final = "Coverage"
MINIMUM_REASON: Final = 20

UNCOVERED: Final = RuleInfo(
    id=f"{PACK}::Uncovered",
    title="At least one rule checks every type of resource",
    why=(
        "A type that no rule checks has no finding, which looks like a type without a fault. AWS's validation and the "
        "checks of names and tags do not prove that a type is safe, so they do not count."
    ),
    fix="Write a rule for the type (see docs/compliance.md), or explain in compliance/uncovered.toml why it needs none.",
    covers=False,
)
STALE: Final = RuleInfo(
    id=f"{PACK}::Stale",
    title="Every entry of compliance/uncovered.toml is well-formed and needed",
    why="An entry for a type that a rule checks, or that is not deployed, would hide the next gap.",
    fix="Delete the entry, or correct it.",
    covers=False,
)
RULES: Final = {rule.id: rule for rule in (UNCOVERED, STALE)}


class UncoveredError(Exception):
    """Raised when the list cannot be read, or an entry is malformed."""


def read_uncovered(file: Path) -> dict[str, str]:
    """Read the reason for each type that needs no rule.

    Raises:
        UncoveredError: The list cannot be read, or an entry is malformed.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UncoveredError(f"{file}: cannot be read ({error.strerror}); give a file, which may be empty") from error
    except ValueError as error:
        raise UncoveredError(f"{file}: is not TOML: {error}") from error
    entries = document.pop("uncovered", [])
    if document or not isinstance(entries, list):
        raise UncoveredError(f"{file}: holds something else than entries; write each entry as [[uncovered]]")
    found: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        kind, reason = _entry(f"{file}: entry number {number}", entry)
        if kind in found:
            raise UncoveredError(f"{file}: entry number {number}: {kind} is in the list twice; delete one of the entries")
        found[kind] = reason
    return found


def _entry(where: str, entry: Any) -> tuple[str, str]:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(entry, Mapping) or set(entry) != {"type", "reason"}:
        raise UncoveredError(f"{where}: has other keys; write exactly type and reason")
    kind, reason = entry["type"], entry["reason"]
    if not isinstance(kind, str) or "::" not in kind or "*" in kind:
        raise UncoveredError(f"{where}: type is {kind!r}; write one resource type, like AWS::EC2::Route")
    if not isinstance(reason, str) or len(reason.strip()) < MINIMUM_REASON:
        raise UncoveredError(
            f"{where}: reason is too short; write in at least {MINIMUM_REASON} characters why {kind} needs no rule"
        )
    return kind, " ".join(reason.split())


def judge(findings: FindingsBuilder, explained: Mapping[str, str]) -> FindingsBuilder:
    """Return a failing row for each type that no rule checked and that the list does not explain.

    Args:
        findings: The rows of every configuration of the run.
        explained: The reason for each type that needs no rule.
    """
    found = FindingsBuilder(rules=dict(RULES))
    for item in type_coverage(findings.rows, findings.rules, findings.silent, explained):
        if not item.covered and not item.reason:
            others = f"; only {', '.join(item.others)} did" if item.others else ""
            message = f"no rule checked any of the {item.resources} resources of this type{others}"
            found.add(UNCOVERED, Verdict.FAIL, _place(item.resource_type), message)
    return found


def stale(findings: FindingsBuilder, explained: Mapping[str, str], *, whole: bool) -> FindingsBuilder:
    """Return a failing row for each entry of the list that is not needed.

    Args:
        findings: The rows of every configuration of the run.
        explained: The list.
        whole: Whether every configuration was judged, so that a type that did not occur is not deployed.
    """
    met = {item.resource_type: item for item in type_coverage(findings.rows, findings.rules, findings.silent, explained)}
    found = FindingsBuilder(rules=dict(RULES))
    for kind in explained:
        problem = _problem(met.get(kind), whole=whole)
        if problem:
            found.add(STALE, Verdict.FAIL, _place(kind), f"compliance/uncovered.toml: {kind} {problem}")
    return found


def _problem(item: TypeCoverage | None, *, whole: bool) -> str:
    if item is None:
        return "is in no template of any configuration" if whole else ""
    return f"is checked by rules of {', '.join(item.rules)}" if item.covered else ""


def _place(kind: str) -> Place:
    return Place(path=kind, resource_type=kind)
