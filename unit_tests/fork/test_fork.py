"""Test a copy with all edits of a fork: its templates pass the gate, and its shipped files pass their own tests.

`nox -s fork` runs both commands completely in such a copy, in each of its environments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.fork.copying import CHECKOUT, copy
from integration_tests.fork.edits import ENVIRONMENT, SHIPPED, edit


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fork")
    copy(folder)
    # Python then compiles what was edited, not the whole project.
    for compiled in CHECKOUT.glob("[a-z]*/**/__pycache__/*.pyc"):
        copied = folder / compiled.relative_to(CHECKOUT)
        if copied.parent.parent.is_dir():
            copied.parent.mkdir(exist_ok=True)
            shutil.copy2(compiled, copied)
    edit(folder)
    return folder


def run(fork: Path, *arguments: str) -> str:
    """Run Python in the fork, check that it succeeds, and return its output."""
    variables = {**os.environ, "PYTHONPATH": str(fork), "CDK_VALIDATION": "false", "CDK_CONTEXT_JSON": "{}"}
    ended = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *arguments], cwd=fork, env=variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    return ended.stdout


def test_gate_passes_a_fork_with_a_domain_and_one_without_a_vpc(fork: Path) -> None:
    environments = ("--environment", ENVIRONMENT, "--environment", "lab")
    assert "none open" in run(fork, "-m", "compliance", "--format", "summary", *environments)


def test_shipped_files_of_a_fork_pass_their_own_tests(fork: Path) -> None:
    output = run(fork, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SHIPPED)
    assert " passed" in output
