"""Write the reports. Each module renders the ledger in one format, and adds nothing to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Final

import zstandard

from compliance.engine.baseline import Changes
from compliance.engine.findings import Findings
from reporting.bundle import EVIDENCE


@dataclass(frozen=True, kw_only=True)
class _Format:
    """A report: its file, the module that renders it, and whether it compares and concludes.

    A report that compares lists the differences from a baseline; one that concludes ends with the threshold's verdict.
    One on demand is written only where it is named, and is not in the bundle. A module is imported on use, because some
    take longer to load than to run.
    """

    file: str
    module: str
    compares: bool = False
    concludes: bool = False
    compressed: bool = False
    on_demand: bool = False

    def render(self, ledger: Findings, changes: Changes | None, outcome: str) -> bytes:
        module = import_module(f"{__name__}.{self.module}")
        compared = {"changes": changes} if self.compares else {}
        concluded = {"outcome": outcome} if self.concludes else {}
        rendered: str | bytes = module.render(ledger, **compared, **concluded)
        content = rendered.encode("utf-8") if isinstance(rendered, str) else rendered
        return zstandard.compress(content) if self.compressed else content


_FORMATS: Final[Mapping[str, _Format]] = {
    "summary": _Format(file="summary.md", module="summary", compares=True, concludes=True),
    "html": _Format(file="index.html", module="page", compares=True),
    "pdf": _Format(file="index.pdf", module="pdf", compares=True, on_demand=True),
    "json": _Format(file="report.json", module="json_report"),
    "controls": _Format(file="controls.json", module="controls_report"),
    "ledger": _Format(file="ledger.csv.zst", module="ledger_csv", compressed=True),
    "csv": _Format(file="ledger.csv", module="ledger_csv", on_demand=True),
    "sarif": _Format(file="report.sarif", module="sarif"),
    "codequality": _Format(file="gl-code-quality.json", module="codequality"),
    "ocsf": _Format(file="findings.ocsf.json", module="ocsf", on_demand=True),
    "junit": _Format(file="junit.xml", module="junit"),
    "oscal": _Format(file="assessment-results.json", module="oscal"),
    "poam": _Format(file="poam.json", module="poam"),
}
_BUNDLE: Final = "bundle"

_USUAL: Final = frozenset(name for name, form in _FORMATS.items() if not form.on_demand)

FORMATS: Final = (*_FORMATS, _BUNDLE)
"""The names of the reports, in the order in which a reader wants them. The bundle holds all others but those on demand."""


def get_ready(formats: Iterable[str], day: date) -> None:
    """Load the modules of these reports while the gate waits for Node.js.

    Args:
        formats: Names of FORMATS.
        day: The day for which expiry is checked.
    """
    wanted = set(formats)
    for name, form in _FORMATS.items():
        if name in wanted or _BUNDLE in wanted:
            import_module(f"{__name__}.{form.module}")
    if _BUNDLE in wanted:
        import_module(f"{__name__}.evidence").get_ready(day)


def write_reports(  # noqa: PLR0913, PLR0917 - each is one part of the reports
    ledger: Findings,
    directory: Path,
    formats: Iterable[str] | None = None,
    changes: Changes | None = None,
    outcome: str = "",
    drill: Mapping[str, bytes] | None = None,
) -> list[Path]:
    """Write reports into a folder, and create the folder if it is missing.

    Args:
        ledger: The findings of a run.
        directory: The folder.
        formats: Names of FORMATS; by default all but those on demand.
        changes: Differences from a baseline; None when there is none.
        outcome: The verdict of a threshold other than the default, in one line.
        drill: The members of a drill's evidence and the anchor of its chain, for the bundle; None where there was no drill.

    Returns:
        The files, in the order in which a reader wants them.

    Raises:
        ValueError: A name is not in FORMATS.
    """
    wanted = {*_USUAL, _BUNDLE} if formats is None else set(formats)
    if wanted - set(FORMATS):
        raise ValueError(f"unknown format {', '.join(sorted(wanted - set(FORMATS)))}; choose from {', '.join(FORMATS)}")
    rendered = wanted | _USUAL if _BUNDLE in wanted else wanted
    contents = {form.file: form.render(ledger, changes, outcome) for name, form in _FORMATS.items() if name in rendered}
    files = {form.file: contents[form.file] for name, form in _FORMATS.items() if name in wanted}
    if _BUNDLE in wanted:
        from compliance.reports import evidence  # noqa: PLC0415 - it loads the library of the bill of materials

        members = {form.file: contents[form.file] for name, form in _FORMATS.items() if name in _USUAL}
        files[EVIDENCE] = evidence.render(ledger, members, drill)
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return [directory / name for name in files]
