"""Write evidence.zip: the reports, the templates, the decisions and the versions of the tools."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Final

from compliance.engine.findings import Findings
from compliance.reports import drill_chain, provenance, sbom
from compliance.reports.places import template_files
from reporting import bundle

README: Final = "README.txt"
ACKNOWLEDGEMENTS: Final = "acknowledgements.toml"
LOCKS: Final = ("requirements/dev.txt", "handlers/requirements.txt", "package-lock.json")

_README: Final = """\
The evidence of one run of the compliance gate.

index.html                for a person: open it in a browser, no network needed
summary.md                the verdict and the worst findings, short
ledger.csv.zst            every rule on every resource, also if it did not apply
report.json               the same as data, with rules, controls and coverage
controls.json             the state of each control of each framework; a mapping, not a certification
report.sarif              findings at the lines of the source, SARIF 2.1.0
gl-code-quality.json      the same for GitLab's merge requests
junit.xml                 the same as test results
assessment-results.json   the same in NIST's OSCAL
poam.json                 what is open or accepted, as OSCAL's plan of action and milestones
templates/                the templates that were judged; report.json has the SHA-256 of each
acknowledgements.toml     the decisions that accepted a finding
provenance.json           who ran the gate, where and when; tools; revision of the project
sbom.cdx.json             the libraries that the project is built with, CycloneDX 1.6
locks/                    the lock files, with the hash of every release
drill/                    the evidence of the last failover drill, if there was one, with its own manifest
drill-chain.json          the newest drill, the SHA-256 of its report and the number of drills up to it
manifest.json             SHA-256 and size of each of these files

Check it: python -m compliance verify evidence.zip
"""


@cache
def _bill_of_materials(day: date) -> bytes:
    return sbom.render(day).encode()


def get_ready(day: date) -> None:
    """Write the bill of materials, which depends on no finding, while the gate waits for Node.js."""
    _bill_of_materials(day)


def render(ledger: Findings, reports: Mapping[str, bytes], drill: Mapping[str, bytes] | None = None) -> bytes:
    """Return the bundle of these reports, the same bytes for the same ledger, tools, revision and drill.

    Args:
        ledger: The findings of a run.
        reports: The content of each report, by file name.
        drill: The members of a drill's bundle, and the anchor of its chain.
    """
    members = {
        **reports,
        **{name if name == drill_chain.FILE else f"drill/{name}": content for name, content in (drill or {}).items()},
        **{file: subject.text.encode() for subject, file in template_files(ledger.subjects).items()},
        README: _README.encode(),
        "provenance.json": provenance.render(ledger.revision, ledger.run).encode(),
        "sbom.cdx.json": _bill_of_materials(ledger.judged_on),
        **_locks(),
    }
    if ledger.registry:
        members[ACKNOWLEDGEMENTS] = ledger.registry.encode()
    return bundle.pack(members, passed=ledger.passed, judged_on=ledger.judged_on.isoformat())


def _locks() -> dict[str, bytes]:
    files = ((name, provenance.PROJECT / name) for name in LOCKS)
    return {f"locks/{name}": file.read_bytes() for name, file in files if file.is_file()}
