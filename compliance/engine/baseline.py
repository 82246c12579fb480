"""Compare a run with an earlier report: findings that are new, fixed or newly acknowledged."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compliance.engine.findings import Findings, Verdict

_FAILING: Final = frozenset({Verdict.FAIL, Verdict.NOT_EVALUATED})
_VERSION: Final = "2"
"""Major version of report.json that can be read."""
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
    if not isinstance(version, str) or version.partition(".")[0] != _VERSION:
        raise BaselineError(f"{file}: schema_version is {version!r}; give a report.json of version {_VERSION}")
    findings = report.get("findings")
    if not isinstance(findings, list):
        raise BaselineError(f"{file}: has no list of findings; give a report.json of an earlier run")
    return tuple(_row(f"{file}: finding number {number}", found) for number, found in enumerate(findings, start=1))


def compare(ledger: Findings, baseline: Iterable[Row]) -> Changes:
    """Return the differences from the baseline, for the configurations and rules of this run.

    A row of a configuration or pack outside this run is not fixed.
    """
    before = _by_place(row for row in baseline if _was_judged(row, ledger))
    now = _by_place(
        Row(rule=f.rule, configuration=f.configuration, region=f.region, path=f.path, verdict=f.verdict)
        for f in ledger.findings
    )
    return Changes(
        new=_ordered(row for at, row in now.items() if _fails(row) and not _fails(before.get(at))),
        fixed=_ordered(row for at, row in before.items() if _fails(row) and not _fails_or_acknowledged(now.get(at))),
        newly_acknowledged=_ordered(
            row for at, row in now.items() if _is_acknowledged(row) and not _is_acknowledged(before.get(at))
        ),
    )


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
