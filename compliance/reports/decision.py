"""Write a decision that covers open findings, for its owner to complete and paste."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from compliance.engine import acknowledgements, coverage
from compliance.engine.findings import Finding, Verdict

_VALID = timedelta(days=180)


def draft(findings: Iterable[Finding], today: date) -> str:
    """Return the decision as TOML of the registry; empty if a decision can cover none of the findings.

    Title, reason, owner, approver and ticket are empty, so the gate refuses the decision until somebody has written them.
    """
    rules: dict[tuple[bool, tuple[str, ...]], list[str]] = defaultdict(list)
    paths: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for each in findings:
        if each.rule not in acknowledgements.RULES | coverage.RULES and "/" in each.path:
            paths[each.rule, each.verdict is Verdict.NOT_EVALUATED].add(each.path)
    for (rule, is_unknown), found in paths.items():
        rules[is_unknown, tuple(sorted(found))].append(rule)
    if not rules:
        return ""
    empty = [f'{name} = ""' for name in ("title", "reason", "owner", "approver", "ticket")]
    head = ['id = "open-findings"', *empty, f"decided = {today}", f"expires = {today + _VALID}"]
    lines = ["[[decision]]", *head]
    for (is_unknown, places), named in rules.items():
        lines += ["", "[[decision.covers]]", _texts("rules", named), _texts("paths", places)]
        lines += ["not_evaluated = true"] * is_unknown
    return "\n".join(lines)


def _texts(key: str, texts: Iterable[str]) -> str:
    listed = "".join(f"  {_quoted(text)},\n" for text in texts)
    return f"{key} = [\n{listed}]"


def _quoted(text: str) -> str:
    """Return a TOML string in printable ASCII, so that no text of a template acts on a terminal."""
    json_string = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return "".join(each if " " <= each <= "~" else f"\\U{ord(each):08X}" for each in json_string)
