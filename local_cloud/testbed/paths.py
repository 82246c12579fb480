"""Paths of the end-to-end run, all inside the checkout."""

from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
"""The root of the repository."""
WORK: Final = CHECKOUT / ".build" / "e2e"
"""Run folders: `cdk.out`, logs, the description of the target. The newest few are kept."""
REPORTS: Final = CHECKOUT / "reports" / "e2e"
"""report.json, summary.md, junit.xml of the last run."""
TARGET_VARIABLE: Final = "LOCKSTEP_E2E_TARGET"
"""Environment variable: path of the file that tells the tests which cloud they run against."""
