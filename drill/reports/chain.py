"""The chain of drills: each report holds the SHA-256 of the previous one, which reveals a changed or deleted report.

The chain does not reveal a change of the newest report, because no report follows it yet. To detect that, keep the SHA-256
that the drill prints at its end in another place.
"""

import hashlib
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from drill.journal import Entry, read
from drill.model import DrillReport, Previous
from drill.reports.evidence import BESIDE
from drill.reports.files import LATEST
from operations.errors import RunFailure
from reporting import bundle
from reporting.text import one_line

REPORT: Final = "report.json"
JOURNAL: Final = "journal.jsonl"
_ENDED: Final = "drill ended"


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A drill with a report. `report` is None if the file is unreadable; `unreadable` then holds the reason."""

    folder: Path
    sha256: str
    report: DrillReport | None
    unreadable: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def previous(self) -> Previous | None:
        return self.report.previous if self.report else None


def previous(root: Path, *, but: str | None = None) -> Previous | None:
    """Return the end of the chain, which a new drill names as the previous one.

    Args:
        root: The folder of all drills, `reports/drill`.
        but: The id of the new drill, which may have a report already when it is resumed.

    Returns:
        None if there is no report yet.
    """
    links = [link for link in _links(root) if link.name != but]
    named = {link.previous.drill_id for link in links if link.previous}
    # A fork has several ends. Ids begin with the time, so the last one is the newest.
    ends = [link for link in links if link.name not in named] or links
    return Previous(drill_id=ends[-1].name, report_sha256=ends[-1].sha256) if ends else None


def verify(root: Path) -> list[str]:
    """Check the files of every drill, and that the reports form one chain.

    Returns:
        A sentence for each problem, such as a changed file, a missing link or a fork; empty if there is none.
    """
    links = _links(root)
    problems = [problem for link in links for problem in _folder_problems(link)]
    problems += [problem for folder in _folders(root) for problem in _unreported_problems(folder)]
    return [one_line(problem) for problem in problems + _chain_problems(links)]


def reports(root: Path) -> list[DrillReport]:
    """Return the reports of the drills, the oldest first, without those that cannot be read."""
    return [link.report for link in _links(root) if link.report]


def _links(root: Path) -> list[_Link]:
    """Return the drills with a report, the oldest first."""
    return [_link(folder) for folder in _folders(root) if (folder / REPORT).is_file()]


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and _is_id(path.name))


def _is_id(name: str) -> bool:
    return name != LATEST and not name.startswith(".")


def _link(folder: Path) -> _Link:
    content = (folder / REPORT).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        return _Link(folder=folder, sha256=sha256, report=DrillReport.model_validate_json(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        return _Link(folder=folder, sha256=sha256, report=None, unreadable=f"{where}: {first['msg']}")


def _folder_problems(link: _Link) -> list[str]:
    if link.report is None:
        return [f"{link.name}: {REPORT} was changed and is not a valid report: {link.unreadable}"]
    problems = _line_problems(link.folder)
    if link.report.drill_id != link.name:
        problems.append(f"{link.name}: {REPORT} is of another drill, {link.report.drill_id}")
    return problems + _journal_problems(link.folder, link.report.journal_sha256) + _evidence_problems(link.folder)


def _journal_problems(folder: Path, expected: str) -> list[str]:
    """Check that the journal begins with the content whose hash the report holds. Later lines are allowed."""
    file = folder / JOURNAL
    if not file.is_file():
        return [f"{folder.name}: {JOURNAL} is missing"]
    digest = hashlib.sha256()
    if digest.hexdigest() == expected:
        return []
    for line in file.read_bytes().splitlines(keepends=True):
        digest.update(line)
        if digest.hexdigest() == expected:
            return []
    return [f"{folder.name}: {JOURNAL} was changed: no prefix of it has the SHA-256 in {REPORT}"]


def _unreported_problems(folder: Path) -> list[str]:
    """Check that a drill without a report was killed or is running: it has no files that only a reported drill has."""
    if (folder / REPORT).is_file():
        return []
    entries, problems = _read(folder)
    if (folder / bundle.EVIDENCE).is_file() or any(entry.event == _ENDED for entry in entries):
        problems.append(f"{folder.name}: {REPORT} is missing, though the drill was reported")
    return problems


def _line_problems(folder: Path) -> list[str]:
    """Check that the journal of a reported drill ends with that event. No hash covers the lines after the report."""
    entries, problems = _read(folder)
    if entries and entries[-1].event != _ENDED and not problems:
        problems.append(
            f"{folder.name}: the last lines of {JOURNAL} are missing; if the drill was killed while it reported, type "
            f"`lockstep drill resume {folder.name}`"
        )
    return problems


def _read(folder: Path) -> tuple[list[Entry], list[str]]:
    """Return the journal's complete lines, or none and the problems."""
    file = folder / JOURNAL
    content = file.read_bytes() if file.is_file() else b""
    try:
        return read(content[: content.rfind(b"\n") + 1]), []
    except RunFailure as failure:
        return [], [f"{folder.name}: {JOURNAL} was changed: {failure.message}"]


def _evidence_problems(folder: Path) -> list[str]:
    file = folder / bundle.EVIDENCE
    if not file.is_file():
        return [f"{folder.name}: {bundle.EVIDENCE} is missing"]
    problems = bundle.verify(file)
    if problems:
        return [f"{folder.name}: {bundle.EVIDENCE}: {problem}" for problem in problems]
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return _differences(folder, members)


def _differences(folder: Path, members: Mapping[str, bytes]) -> list[str]:
    """Check that the files beside the bundle equal those inside it. The journal may have more lines."""
    problems = []
    for name in ("report.json", "summary.md", "junit.xml", "index.html", JOURNAL):
        kept = members.get(name)
        if kept is None:
            continue
        file = folder / name
        if not file.is_file():
            problems.append(f"{folder.name}: {name} is missing")
        elif not _same(name, file.read_bytes(), kept):
            problems.append(f"{folder.name}: {name} was changed: {bundle.EVIDENCE} holds another content")
    return problems + _beside_problems(folder, json.loads(members[bundle.MANIFEST]).get(BESIDE, {}))


def _beside_problems(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """Check the receipts and samples against their hashes in the manifest."""
    problems = []
    for name, expected in hashes.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{folder.name}: {name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            problems.append(f"{folder.name}: {name} was changed: the manifest of {bundle.EVIDENCE} has another SHA-256")
    return problems


def _same(name: str, found: bytes, kept: bytes) -> bool:
    return found.startswith(kept) if name == JOURNAL else found == kept


def _chain_problems(links: Iterable[_Link]) -> list[str]:
    by_name = {link.name: link for link in links}
    followers: dict[str, list[str]] = defaultdict(list)
    firsts, problems = [], []
    for link in by_name.values():
        if link.previous is None:
            firsts += [link.name] if link.report else []
            continue
        followers[link.previous.drill_id].append(link.name)
        problems += _link_problems(link, link.previous, by_name.get(link.previous.drill_id))
    problems += [
        f"the chain forks: {' and '.join(names)} each name {name} as their previous drill"
        for name, names in followers.items()
        if len(names) > 1
    ]
    if len(firsts) > 1:
        problems.append(f"the chain has more than one start: {' and '.join(firsts)} name no previous drill")
    return problems


def _link_problems(link: _Link, named: Previous, before: _Link | None) -> list[str]:
    if before is None:
        return [f"{link.name}: a link is missing: its previous drill is {named.drill_id}, whose report does not exist"]
    if before.sha256 != named.report_sha256:
        hashes = f"its SHA-256 is {before.sha256}, it was {named.report_sha256}"
        return [f"{before.name}: {REPORT} was changed after {link.name} named it: {hashes}"]
    return []
