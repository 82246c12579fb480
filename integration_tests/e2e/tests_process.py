"""Run pytest on the tests of this folder, in a separate process."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import CHECKOUT, REPORTS, TARGET_VARIABLE, RunFolder
from operations.command_line import PARENT_VARIABLE
from operations.target import Mode, Target

_GRACE_SECONDS: Final = {Mode.LOCAL: 0.0, Mode.LIVE: 900.0}
"""Seconds that interrupted tests may take to remove what they made. A local cloud is discarded with all its content."""


def run_tests(target: Target, folder: RunFolder, commands: Commands) -> int:
    """Run the tests against a target and return pytest's exit status; pytest's closing line is the last of the output."""
    target.save(folder.target_file)
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    # These tests use no Hypothesis, and its plugin makes a long story of Ctrl-C.
    plugins = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", "integration_tests/e2e", "--no-header", *plugins]
    return commands.run_shown(
        [*command, f"--junit-xml={REPORTS / 'junit.xml'}"],
        cwd=CHECKOUT,
        env={**os.environ, TARGET_VARIABLE: str(folder.target_file), PARENT_VARIABLE: str(os.getpid())},
        grace_seconds=_GRACE_SECONDS[target.mode],
    )
