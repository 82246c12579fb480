"""The classifiers of pyproject.toml list the supported Pythons, and every other file agrees."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
_CLASSIFIER = "Programming Language :: Python :: "
SUPPORTED = [
    classifier.removeprefix(_CLASSIFIER)
    for classifier in PYPROJECT["project"]["classifiers"]
    if classifier.startswith(_CLASSIFIER)
]


def test_oldest_classifier_is_what_every_tool_checks_against() -> None:
    oldest = SUPPORTED[0]
    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f'"--python-version", "{oldest}"' in (CHECKOUT / "noxfile.py").read_text("utf-8")


def test_readme_names_oldest_and_newest_classifier() -> None:
    assert f"Python {SUPPORTED[0]} to {SUPPORTED[-1]}" in (CHECKOUT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("job", ["offline", "e2e"])
def test_ci_job_runs_on_every_supported_python(job: str) -> None:
    workflow = (CHECKOUT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    (steps,) = re.findall(rf"(?m)^  {job}:\n((?:    .*\n|\n)*)", workflow)
    assert re.findall(r"python: \[(.*)\]", steps) == [", ".join(f'"{one}"' for one in SUPPORTED)]
    assert re.findall(r"python-version: (.*)", steps) == ["${{ matrix.python }}"]


@pytest.mark.parametrize("file", sorted((CHECKOUT / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.name)
def test_workflow_installs_supported_pythons_only(file: Path) -> None:
    named = re.findall(r"python-version: (.*)", file.read_text("utf-8"))
    assert set(named) <= {f'"{one}"' for one in SUPPORTED} | {"${{ matrix.python }}"}
