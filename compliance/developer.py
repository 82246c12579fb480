"""The developer's minute: explain a rule, find rules by id, and wait for the next change of a template."""

import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from compliance.controls.bridge import mapped
from compliance.engine.repair import how
from compliance.engine.requirements import RequirementsJudge
from compliance.engine.rule import Rule
from compliance.engine.user_rules import RuleError
from compliance.rules import files, our_rules

_POLL_SECONDS: Final = 0.2


def find_rules(names: Sequence[str]) -> list[Rule]:
    """Return our rules with these ids, in full (`ActivePassive::ActivePassive-SQSRedrive`) or without the pack before `::`.

    Raises:
        RuleError: We have no such rule.
    """
    known = {rule.id.lower(): rule for rule in our_rules()}
    found = []
    for name in names:
        wanted = name.rpartition("::")[2].lower()
        if wanted not in known:
            close = get_close_matches(wanted, known, n=3)
            hint = f"; did you mean {', '.join(known[each].id for each in close)}?" if close else ""
            raise RuleError(f"{name!r} is not one of our {len(known)} rules, which docs/rules.md lists{hint}")
        found.append(known[wanted])
    return list(dict.fromkeys(found))


def explain(rule: Rule) -> str:
    """Return what a rule asks for, why, and how to satisfy it."""
    lines = [rule.id, f"  {rule.title}.", f"  why: {rule.why}", f"  fix: {rule.fix}", f"  severity: {rule.severity}"]
    lines.append(f"  repair: {how(rule) or 'looked for in the templates'}")
    lines.append(f"  types: {', '.join(rule.types)}")
    if isinstance(rule.judge, RequirementsJudge):
        lines += [f"  asks: {path}: {_first_line(check)}" for path, check in rule.judge.requirements.items()]
    lines.append(f"  controls: {', '.join(mapped({rule.id: rule.info})[rule.id].controls) or 'none'}")
    lines.append(f"  file: {files()[rule.id]}")
    lines.append(f"  try: python -m compliance --assembly cdk.out --rule {rule.id}")
    return "\n".join(lines)


def _first_line(check: Callable[..., object]) -> str:
    return (check.__doc__ or check.__qualname__.partition(".")[0]).strip().splitlines()[0].rstrip(".")


def wait_for_change(templates: Sequence[Path], assembly: Path | None, before: dict[Path, tuple[int, int]]) -> None:
    """Wait until one of the files differs from an earlier state, appears or is removed."""
    while state(templates, assembly) == before:
        time.sleep(_POLL_SECONDS)


def state(templates: Sequence[Path], assembly: Path | None) -> dict[Path, tuple[int, int]]:
    """Return the time and size of each file whose change may change the verdict."""
    found = {}
    for file in (*templates, *(assembly.rglob("*.json") if assembly else ())):
        try:
            held = file.stat()
        except OSError:
            continue
        found[file] = held.st_mtime_ns, held.st_size
    return found
