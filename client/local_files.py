"""The files of the platform that `lockstep local --deploy` runs, for the commands with `--local`."""

import os
from pathlib import Path
from typing import Final

from client.errors import Misconfigured

FOLDER: Final = Path(".build/local")
"""Relative to the checkout: a link to the folder of the local cloud that was started last."""
TARGET: Final = "target.json"
CONFIGURATION: Final = "lockstep-client.toml"
CREDENTIALS: Final = "credentials"
"""An AWS credentials file with the local cloud's own keys."""
RECEIPTS: Final = "lockstep-receipts.jsonl"


def find_local_file(name: str) -> Path:
    """Return a file of the platform of the nearest checkout, from the current folder upwards.

    Raises:
        Misconfigured: No local cloud runs there, or its platform is not deployed by `--deploy`.
    """
    here = Path.cwd()
    linked = [folder / FOLDER for folder in (here, *here.parents) if (folder / FOLDER / TARGET).is_file()]
    if not linked:
        raise Misconfigured(
            f"--local: no local cloud of {here}, or of a folder above it, is running.",
            "Type `lockstep local --deploy` in the checkout, and this command there in another terminal.",
        )
    if not (linked[0] / name).is_file():
        raise Misconfigured(
            f"--local: the local cloud of {linked[0].parents[1]} has no {name}: it runs without --deploy.",
            "Stop it and type `lockstep local --deploy`.",
        )
    return linked[0] / name


def use_local_credentials() -> None:
    """Make this process use the local cloud's keys instead of the user's own.

    Raises:
        Misconfigured: No local cloud runs.
    """
    file = find_local_file(CREDENTIALS)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_CONFIG_FILE": os.devnull}
