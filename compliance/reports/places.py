"""Return the Python line, the file of the evidence bundle and the identifier of a row."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

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
