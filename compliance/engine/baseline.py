"""Compare a run with an earlier report: findings that are new, fixed or newly acknowledged."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from compliance.engine.findings import Findings, Verdict

_FAILING: Final = frozenset({Verdict.FAIL, Verdict.NOT_EVALUATED})
_VERSIONS: Final = ("1", "2")
"""Major versions of report.json that can be read."""
_TEXTS: Final = ("rule", "verdict", "configuration", "region", "path")


class BaselineError(Exception):
    """Raised when the baseline is not a readable report of the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The fields of a report's row that are compared."""

    rule: str
    configuration: str
    region: str
    path: str
    verdict: Verdict

    @property
    def fingerprint(self) -> str:
        """The key of rule and place; lines and messages may change between runs."""
        return hashlib.sha256(f"{self.rule}\n{self.configuration}\n{self.region}\n{self.path}".encode()).hexdigest()

    @property
    def anywhere(self) -> "Row":
        """The row without its region, as in a report without regions."""
        return replace(self, region="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Differences from the baseline, by rule and place.

    Attributes:
        new: Rows that fail now and did not fail then.
        fixed: Rows that failed then, and now neither fail nor are acknowledged.
        newly_acknowledged: Rows that are acknowledged now and were not then.
    """

    new: tuple[Row, ...] = ()
    fixed: tuple[Row, ...] = ()
    newly_acknowledged: tuple[Row, ...] = ()


def read_baseline(file: Path) -> tuple[Row, ...]:
    """Read the rows of a report.json.

    Raises:
        BaselineError: It cannot be read, or is not a report of the gate.
    """
    try:
        report = json.loads(file.read_bytes())
    except OSError as error:
        raise BaselineError(f"{file}: cannot be read ({error.strerror}); give a report.json of an earlier run") from error
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{file}: is not JSON ({error}); give a report.json of an earlier run") from error
    version = report.get("schema_version") if isinstance(report, Mapping) else None
    if not isinstance(version, str) or version.partition(".")[0] not in _VERSIONS:
        raise BaselineError(f"{file}: schema_version is {version!r}; give a report.json of version {' or '.join(_VERSIONS)}")
    findings = report.get("findings")
    if not isinstance(findings, list):
        raise BaselineError(f"{file}: has no list of findings; give a report.json of an earlier run")
    return tuple(_row(f"{file}: finding number {number}", found) for number, found in enumerate(findings, start=1))


def compare(ledger: Findings, baseline: Iterable[Row]) -> Changes:
    """Return the differences from the baseline, for the configurations and rules of this run.

    A row of a configuration or pack outside this run is not fixed.
    """
    before = _Places(row for row in baseline if _was_judged(row, ledger))
    now = _Places(
        Row(rule=f.rule, configuration=f.configuration, region=f.region, path=f.path, verdict=f.verdict)
        for f in ledger.findings
    )
    return Changes(
        new=_ordered(row for row in now if _fails(row) and not _fails(before.at(row))),
        fixed=_ordered(row for row in before if _fails(row) and not _fails_or_acknowledged(now.at(row))),
        newly_acknowledged=_ordered(row for row in now if _is_acknowledged(row) and not _is_acknowledged(before.at(row))),
    )


class _Places:
    """The worst row of each rule and place, for look-ups by a row of another run."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = _by_place(rows)
        self._anywhere = _by_place(row.anywhere for row in self._rows.values())

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def at(self, row: Row) -> Row | None:
        """Return the row of the same rule and place. If one of the two has no region, any region matches."""
        exact = self._rows.get(row.fingerprint)
        other = self._rows if row.region else self._anywhere
        return exact or other.get(row.anywhere.fingerprint)


def _was_judged(row: Row, ledger: Findings) -> bool:
    packs = {rule.pack for rule in ledger.rules.values()}
    return row.configuration in {"", *ledger.configurations} and row.rule.partition("::")[0] in packs


def _by_place(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the worst row of each rule and place, because a rule may report several rows for one place."""
    found: dict[str, Row] = {}
    for row in rows:
        key = row.fingerprint
        if key not in found or _badness(row) > _badness(found[key]):
            found[key] = row
    return found


def _badness(row: Row) -> int:
    return 2 * _fails(row) + _is_acknowledged(row)


def _fails(row: Row | None) -> bool:
    return row is not None and row.verdict in _FAILING


def _is_acknowledged(row: Row | None) -> bool:
    return row is not None and row.verdict is Verdict.ACKNOWLEDGED


def _fails_or_acknowledged(row: Row | None) -> bool:
    return _fails(row) or _is_acknowledged(row)


def _ordered(rows: Iterator[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row.rule, row.configuration, row.path, row.region)))


def _row(where: str, found: Any) -> Row:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(found, Mapping) or not {"rule", "verdict", "path"} <= set(found):
        raise BaselineError(f"{where}: is not an object with rule, verdict and path; give a report.json of the gate")
    texts = {key: found.get(key, "") for key in _TEXTS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise BaselineError(f"{where}: one of {', '.join(_TEXTS)} is not text; give a report.json of the gate")
    if texts["verdict"] not in set(Verdict):
        raise BaselineError(f"{where}: the verdict {texts['verdict']!r} is unknown; allowed: {', '.join(Verdict)}")
    return Row(**{**texts, "verdict": Verdict(texts["verdict"])})
