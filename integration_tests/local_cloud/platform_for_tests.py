"""Synthesize the platform's own stacks, and deploy them with the pinned CDK CLI, one stack at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra import cdk_cli

if TYPE_CHECKING:
    from local_cloud import LocalCloud

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_WITHIN_SECONDS: Final = 240


class Refused(Exception):  # noqa: N818  the CLI refused; the message is its output
    """Raised when the CDK CLI ends with another status than 0."""


def synthesize(cloud: LocalCloud, folder: Path, **settings: Any) -> Path:  # noqa: ANN401  whatever a setting takes
    """Synthesize prod into a folder, and return it."""
    context = {"bundle": "host", **{name.replace("__", "."): value for name, value in settings.items()}}
    variables = {"CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    # Not `-m infra`, which runs the gate too: that judges these templates elsewhere.
    program = "from infra.app import build_app; build_app().synth()"
    _run([sys.executable, "-c", program], cdk_cli.environment({**cloud.environment(), **variables}), _CHECKOUT)
    return folder


class Cdk:
    """The CDK CLI, as an operator in one region runs it."""

    def __init__(self, cloud: LocalCloud, region: str, folder: Path) -> None:
        self._cloud, self._region, self._folder = cloud, region, folder
        folder.mkdir()

    def bootstrap(self, region: str) -> None:
        """Bootstrap the account in a region; raise Refused if the CLI fails."""
        self._cdk("bootstrap", f"aws://{self._cloud.account}/{region}")

    def deploy(self, assembly: Path, *stacks: str) -> None:
        """Deploy these stacks by construct id, without those that they depend on; raise Refused if the CLI fails."""
        self._cdk("deploy", *stacks, "--exclusively", "--app", str(assembly), "--require-approval", "never")

    def _cdk(self, *arguments: str) -> None:
        variables = {**self._cloud.environment(self._region), "CDK_HOME": str(self._folder / ".cdk"), "CI": "true"}
        _run(cdk_cli.cdk("--no-color", *arguments), cdk_cli.environment(variables), self._folder)


def _run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    ended = subprocess.run(  # noqa: S603  our own commands
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_WITHIN_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise Refused(ended.stdout)
