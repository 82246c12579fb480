"""Return the Python line, the file of the evidence bundle and the identifier of a row."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from operator import attrgetter
from typing import Any, Final

from compliance.engine import acknowledgements, coverage
from compliance.engine.findings import Finding, Findings, Subject, Verdict

TEMPLATES: Final = "templates"

every_field: Final[Callable[[Finding], tuple[Any, ...]]] = attrgetter(*sorted(Finding.__dataclass_fields__))
"""Return the sort key of a row: a total order that does not depend on the ledger's."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIXES: Final = (".json", ".yaml", ".yml", ".template")


def template_files(subjects: Iterable[Subject]) -> dict[Subject, str]:
    """Return the path of each template in the evidence bundle, `templates/<configuration>/<name>.template.json`.

    A name that would leave that folder, or that another template has, is changed. Paths have plain characters only.
    """
    files: dict[Subject, str] = {}
    for subject in subjects:
        name = subject.name if subject.name.endswith(_SUFFIXES) else f"{subject.name}.template.json"
        folder = f"{TEMPLATES}/{_plain(subject.configuration)}"
        files[subject] = _unused(f"{folder}/{_plain(name)}", set(files.values()))
    return files


def source_of(finding: Finding) -> tuple[str, int]:
    """Return the Python file and line that made the construct; an empty file and line 0 when unknown."""
    file, _, line = finding.source.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (finding.source, 0)


def identified(ledger: Findings, verdicts: Collection[Verdict]) -> Iterator[tuple[Finding, str]]:
    """Yield the rows of some verdicts, the gravest first, each with an identifier that does not change when lines move.

    It is made of rule, construct and configuration, and of a number where they occur more than once.
    """
    listed = (finding for finding in ledger.findings if finding.verdict in verdicts)
    repeated: Counter[str] = Counter()
    for finding in sorted(listed, key=lambda f: (ledger.rank(f), f.rule, f.configuration, *every_field(f))):
        key = f"{finding.rule}\0{finding.path}\0{finding.configuration}"
        repeated[key] += 1
        yield finding, f"{hashlib.sha256(key.encode()).hexdigest()[:32]}:{repeated[key]}"


def _plain(name: str) -> str:
    return _UNSAFE.sub("_", name).strip("._") or "unnamed"


def _unused(path: str, used: set[str]) -> str:
    folder, _, name = path.rpartition("/")
    candidates = (path, *(f"{folder}/{number}-{name}" for number in range(2, len(used) + 3)))
    return next(candidate for candidate in candidates if candidate not in used)


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
