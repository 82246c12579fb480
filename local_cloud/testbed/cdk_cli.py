"""The real CDK CLI against the local cloud: bootstrap and deploy, and the assembly that it deploys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import cdk_cli
from local_cloud import LocalCloud
from local_cloud.testbed.commands import Commands
from operations.errors import RunFailure

_CONCURRENCY: Final = "4"
_FAST_POLLING: Final = Path(__file__).with_name("fast_polling.cjs")
_PROGRESS_LINE: Final = re.compile(r"(?P<stack>\S+) \| *(?P<done>\d+)/(?P<all>\d+) \|")


class CdkCli:
    """Runs the pinned CLI with the pinned Node.js.

    Args:
        commands: Runs and stops programs.
        cloud: The cloud to deploy to; the CLI can reach no other.
        folder: The working directory. It has no `cdk.json`, so that the CLI does not synthesize again. It has the CLI's
            cache, so that nothing stays in the user's home.
        scratch: The folder of its temporary files.
    """

    def __init__(self, commands: Commands, cloud: LocalCloud, folder: Path, scratch: Path) -> None:
        self._scratch = scratch
        self._commands = commands
        self._cloud = cloud
        self._folder = folder

    def bootstrap(self, regions: Sequence[str], *, log: Path, say: Callable[[str], None]) -> None:
        """Bootstrap the account in some regions."""
        places = [f"aws://{self._cloud.account}/{region}" for region in regions]
        self._run(["bootstrap", *places], what="cdk bootstrap", log=log, say=say)

    def deploy(self, assembly: Path, *, log: Path, say: Callable[[str], None], stacks: Sequence[str] = ("--all",)) -> None:
        """Deploy stacks of a synthesized assembly, in the order of their dependencies; by default all."""
        arguments = ["deploy", *stacks, "--app", str(assembly), "--require-approval", "never"]
        how = ["--concurrency", _CONCURRENCY, "--progress", "events"]
        self._run([*arguments, *how], what="cdk deploy", log=log, say=say)

    def _run(self, arguments: list[str], *, what: str, log: Path, say: Callable[[str], None]) -> None:
        def follow(line: str) -> None:
            if found := _PROGRESS_LINE.match(line):
                say(f"{found['stack']} {found['done']}/{found['all']}")

        self._folder.mkdir(parents=True, exist_ok=True)
        node, *cli = cdk_cli.cdk("--no-color", *arguments)
        self._commands.run_logged(
            [node, "--require", str(_FAST_POLLING), *cli],
            what=what,
            log=log,
            cwd=self._folder,
            env={
                **cdk_cli.environment(self._cloud.environment()),
                "CDK_HOME": str(self._folder / ".cdk"),
                "CI": "true",
                "TMPDIR": str(self._scratch),
            },
            hint="The local cloud's own log is beside this one.",
            each_line=follow,
        )


@dataclass(frozen=True)
class Assembly:
    """A `cdk.out` folder."""

    folder: Path
    account: str
    regions: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Assembly:
        """Read the manifest of a cloud assembly."""
        try:
            artifacts = json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"]
        except (OSError, KeyError, ValueError) as error:
            raise RunFailure(f"{folder} holds no cloud assembly: {error}") from error
        stacks = {name: a for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
        places = {name: a["environment"].removeprefix("aws://").split("/") for name, a in stacks.items()}
        accounts = {account for account, _ in places.values()}
        if len(accounts) != 1:
            raise RunFailure(
                f"The assembly is for {len(accounts)} accounts: {sorted(accounts)}; one is needed.",
                hint="Give every environment of environments.toml one account.",
            )
        return cls(
            folder=folder,
            account=accounts.pop(),
            regions={name: region for name, (_, region) in places.items()},
        )

    def template(self, stack: str) -> Path:
        """Return the template of a stack, by its construct id."""
        return self.folder / f"{stack}.template.json"
