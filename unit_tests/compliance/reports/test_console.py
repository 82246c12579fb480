"""The terminal shows why and fix for each failing rule, and no control characters of a template."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from compliance.engine.findings import Findings
from compliance.reports import write_reports
from compliance.reports.console import show
from reporting import bundle
from unit_tests.compliance.reports.ledgers import ROWS, hostile, ledger


def _shown(judged: Findings) -> str:
    written = StringIO()
    show(judged, [Path("report.json")], Console(record=True, width=100, file=written, force_terminal=False))
    return written.getvalue()


def test_terminal_shows_why_and_fix() -> None:
    text = _shown(ledger(*ROWS))

    assert text.index("FAIL P::R") < text.index("FAIL P::Minor")
    for expected in ("S/C/Resource (prod)", "why: It matters", "fix: Fix it", "FAILED: 3 findings open"):
        assert expected in text


def test_terminal_shows_no_control_characters_of_a_template() -> None:
    text = _shown(hostile())

    assert "\x1b" not in text
    assert "\u202e" not in text


def test_terminal_shows_the_hash_of_the_evidence(tmp_path: Path) -> None:
    files = write_reports(ledger(*ROWS), tmp_path, ["bundle"])
    written = StringIO()

    show(ledger(*ROWS), files, Console(width=200, file=written))

    assert f"SHA-256 of its manifest {bundle.fingerprint(files[0])}" in written.getvalue()


def test_last_line_is_the_verdict_of_the_threshold() -> None:
    written = StringIO()

    show(ledger(*ROWS), [], Console(width=200, file=written), "PASSED under --fail-on new: 3 findings open, none new")

    assert written.getvalue().splitlines()[-1] == "PASSED under --fail-on new: 3 findings open, none new"
    assert "FAILED" not in written.getvalue()
