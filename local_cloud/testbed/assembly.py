"""The stacks of a synthesized cloud assembly, their regions and their account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from operations.errors import RunFailure


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
