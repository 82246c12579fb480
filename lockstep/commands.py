"""The commands of `lockstep`: where each is implemented, and its line in the list. Importing this module loads none."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

EnvironmentOption = Annotated[
    str | None, typer.Option(help="The environment of environments.toml.", show_default="prod, or the file's first")
]
"""Option of the commands that read the settings."""
CDK: Final = "lockstep.cdk"
CLIENT: Final = "client.__main__"
OPERATIONS: Final = "operations.__main__"


@dataclass(frozen=True)
class Entry:
    """A command of `lockstep`.

    Attributes:
        module: The module of its Typer app, named `app`.
        help: First line of the command's help.
        panel: Heading in the list of commands.
        is_of_app: Whether it is one command of the app; otherwise it is the whole app.
        needs_checkout: Whether it needs the repository's files and its locked environment.
    """

    module: str
    help: str
    panel: str
    is_of_app: bool = True
    needs_checkout: bool = False

    def load(self) -> Any:  # noqa: ANN401 - typer's own command
        """Import the app and return its command."""
        return typer.main.get_command(importlib.import_module(self.module).app)


def _build() -> Iterator[tuple[str, Entry]]:
    panel = "Build and check (in a checkout)"
    yield "init", Entry("lockstep.init", "Write environments.toml for a new owner.", panel, is_of_app=False)
    for name, line in {
        "synth": "Write the templates of both regions to cdk.out; needs no account.",
        "diff": "Compare the templates with the deployed stacks.",
        "preflight": "Compare the account's quotas in both regions with what a deployment creates.",
        "deploy": "Deploy the stacks to AWS, after the gate and the preflight.",
        "destroy": "Delete the stacks of an environment from AWS.",
        "bootstrap": "Prepare the account in both regions for its first deployment.",
    }.items():
        yield name, Entry(CDK, line, panel, needs_checkout=True)
    whole = {"is_of_app": False, "needs_checkout": True}
    yield (
        "gate",
        Entry("compliance.__main__", "Judge infrastructure before it is deployed, and write the evidence.", panel, **whole),
    )
    line = "Compare what is deployed with the deployed templates, and judge it by the gate's rules."
    yield "drift", Entry("compliance.live.__main__", line, panel, **whole)
    yield "cost", Entry("lockstep.cost", "Print what a month of this configuration costs.", panel, **whole)
    yield (
        "openapi",
        Entry(
            "lockstep.openapi",
            "Print the OpenAPI 3.1 description of the front door, for the regions and limits of an environment.",
            panel,
            **whole,
        ),
    )
    panel = "Try on this machine (in a checkout)"
    yield (
        "local",
        Entry(
            "local_cloud.__main__",
            "Run AWS's APIs for every region on this machine's loopback until Ctrl-C.",
            panel,
            **whole,
        ),
    )
    line = "Deploy both regions to a cloud on this machine, upload real files, and compare the results."
    yield "e2e", Entry("integration_tests.e2e.__main__", line, panel, **whole)
    line = "Fail the platform over to its other region and back, measure the times, and prove that nothing was lost."
    yield "drill", Entry("drill.__main__", line, panel, **whole)
    line = "Run histories of the real handlers in a simulated world."
    yield "simulate", Entry("simulation.__main__", line, panel, **whole)


def _operate() -> Iterator[tuple[str, Entry]]:
    panels = {
        "Operate a deployed platform": {
            "status": "Show both regions: the verdict and the next command, then the health of each and the DNS.",
            "promote": "Make a region active.",
            "failback": "Make the primary active again, if both regions are healthy and hold the same state.",
            "force": "Route clients to the secondary by DNS, regardless of the health checks.",
            "unforce": "Let the health checks decide again where DNS routes clients.",
            "logs": "Show the functions' logs of both regions, merged by time.",
            "endpoints": "Print the client's configuration: the API of each region, the primary first.",
        },
        "Find files, and send lost work again": {
            "files": "Show where a file is: its state in each region, its versions in the buckets, and its history.",
            "records": "Export the records of a file as NDJSON, CSV or Parquet.",
            "rejected": "Show the rejected records of a file: line, reason and an excerpt.",
            "quarantined": "List quarantined files, show why, download them, and release them.",
            "dlq": "List a region's dead letters, show one, and redrive them.",
            "replay": "Send the events of stored objects to the active region again.",
            "reprocess": "Process objects again in the active region if another version made their records.",
        },
    }
    for panel, lines in panels.items():
        for name, line in lines.items():
            yield name, Entry(OPERATIONS, line, panel)


def _upload() -> Iterator[tuple[str, Entry]]:
    for name, line in {
        "upload": "Upload files, and all files in folders.",
        "resume": "Continue the uploads of an earlier run, under the same upload ids.",
        "verify": "Ask the regions for the state of each upload.",
        "receipts": "Print the states in the receipts file, without a request to a region.",
    }.items():
        yield name, Entry(CLIENT, line, "Upload files")


COMMANDS: Final[dict[str, Entry]] = dict([*_operate(), *_upload(), *_build()])
FLAGS: Final = frozenset({"--account-unverified", "--dry-run", "--json", "--local", "--tail", "--watch", "--yes"})
"""Options without a value that may stand before a command; every other option before a command takes the next word."""
