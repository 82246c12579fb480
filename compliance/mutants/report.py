"""reports/mutants: summary.md for people, report.json for programs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from compliance.mutants.outcome import Outcome
from compliance.mutants.trial import Trial
from reporting.text import printable

COLUMNS: Final = ("mutants", "killed", "ours", "AWS", "packs", "only ours", "survived")
_OF_REPAIRS: Final = ("repaired", "restored")
_SHOWN_BLIND_SPOTS: Final = 30


def columns(outcome: Outcome) -> tuple[str, ...]:
    """Return the columns of the table by operator."""
    return COLUMNS + (_OF_REPAIRS if outcome.repairs else ())


def share_repaired(outcome: Outcome) -> str:
    """Return in one sentence how many of the killed mutants --fix repairs."""
    tried, repaired = outcome.repairs, [trial for trial in outcome.repairs if trial.is_repaired]
    restored = sum(trial.is_restored for trial in repaired)
    removed = sum(not trial.mutant.pointer or trial.mutant.pointer[0] == "Types" for trial in tried)
    return (
        f"Repaired to the undamaged verdict: {len(repaired):,} of {len(tried):,} killed "
        f"({len(repaired) / max(1, len(tried)):.0%}), "
        f"{restored:,} of them to the undamaged templates; {removed:,} of the killed ones removed whole resources."
    )


def write(outcome: Outcome, directory: Path) -> list[Path]:
    """Write both files and return where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {"summary.md": summary(outcome), "report.json": report(outcome)}
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")
    return [directory / name for name in files]


def summary(outcome: Outcome) -> str:
    """Return the outcome as Markdown."""
    table = outcome.by_operator()
    total = {column: sum(row[column] for row in table.values()) for column in (*COLUMNS, *_OF_REPAIRS)}
    shown = columns(outcome)
    lines = [
        f"# Mutants {'passed' if outcome.passed else 'failed'}",
        "",
        f"{total['killed']:,} of {total['mutants']:,} damages to templates of {outcome.environment} are found by the gate"
        + ("." if outcome.complete else " (a sample)."),
        f"{len(outcome.survivors)} survived, {len(outcome.unexplained)} of them without a reason.",
        "",
        f"| Operator | {' | '.join(shown)} |",
        "|---|" + "---:|" * len(shown),
        *(f"| {name} | {' | '.join(str(row[c]) for c in shown)} |" for name, row in table.items()),
        f"| **all** | {' | '.join(str(total[c]) for c in shown)} |",
        "",
        "*AWS* is its CloudFormation validation, *packs* the six of cdk-nag, *ours* the rules in `compliance/rules`. The",
        "packs are not asked about a template that AWS refuses.",
        "",
        *([share_repaired(outcome), ""] if outcome.repairs else []),
        *_section("Survivors without a reason: gaps of the gate", map(_line, outcome.unexplained)),
        *_section("Our rules that found no mutant", outcome.toothless),
        *_section("Explanations that no survivor needs", outcome.stale),
        *_section(
            "Repaired of those that each rule found",
            [f"{rule}: {repaired} of {tried}" for rule, (repaired, tried) in outcome.repaired_by_rule.items()],
        ),
        *_section(
            "Not repaired", [f"{_line(t)} — {', '.join(t.remaining or ())}" for t in outcome.repairs if not t.is_repaired]
        ),
        "## Mutants that each of our rules found",
        "",
        "| Rule | Mutants |",
        "|---|---:|",
        *(f"| {rule} | {outcome.kills[rule]} |" for rule in outcome.rules),
        "",
        "## Explained survivors",
        "",
        "| Survivors | Reason |",
        "|---:|---|",
        *(f"| {sum(e.covers(t.mutant) for t in outcome.survivors)} | {e.reason} |" for e in outcome.explanations),
        "",
        *_section(
            f"Blind spots of AWS and cdk-nag that a rule of ours covers ({len(outcome.blind_spots)})",
            [f"{_line(t)} — {', '.join(t.killers)}" for t in outcome.blind_spots[:_SHOWN_BLIND_SPOTS]],
        ),
    ]
    return "\n".join(lines)


def report(outcome: Outcome) -> str:
    """Return the outcome as JSON: every mutant with the rules that found it."""
    return json.dumps(
        {
            "passed": outcome.passed,
            "environment": outcome.environment,
            "complete": outcome.complete,
            "operators": {name: {c: row[c] for c in columns(outcome)} for name, row in outcome.by_operator().items()},
            "rules": {rule: outcome.kills[rule] for rule in outcome.rules},
            "mutants": [_as_dict(trial, explained=trial not in outcome.unexplained) for trial in outcome.trials],
        },
        indent=1,
    )


def _as_dict(trial: Trial, *, explained: bool) -> dict[str, object]:
    mutant = trial.mutant
    return {
        "id": mutant.id,
        "operator": mutant.operator,
        "type": mutant.resource_type,
        "logical_id": mutant.logical_id,
        "stacks": list(mutant.stacks),
        "place": mutant.place,
        "description": str(mutant),
        "killers": list(trial.killers),
        **({} if trial.killers else {"explained": explained}),
        **({} if trial.remaining is None else {"remaining": list(trial.remaining), "restored": trial.is_restored}),
    }


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return [f"## {title}", "", *found, ""] if found else []


def _line(trial: Trial) -> str:
    return f"`{printable(str(trial.mutant)).replace('`', chr(39))}`"
