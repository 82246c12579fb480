"""Command line of the drift report: `python -m compliance.live`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from compliance import gate
from compliance.__main__ import check_formats, ending, status
from compliance.cfn.loading import ACCOUNT, load_assembly
from compliance.engine import acknowledgements
from compliance.engine.acknowledgements import read_registry
from compliance.engine.matrix import Configuration, read_environments
from compliance.live import drift
from compliance.live.deployed import Cloud
from compliance.live.readers import UNREAD
from compliance.reports import FORMATS, provenance, write_reports
from compliance.reports.console import show
from reporting.text import counted, printable

_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, max_pool_connections=16, connect_timeout=5)

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


class Account:
    """The account, as boto3's credentials reach it: the variables of the environment, or a profile."""

    def __init__(self, account: str, profile: str | None) -> None:
        self.account = account
        self._session: Any = boto3.Session(profile_name=profile)
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()  # sessions are not thread-safe, clients are

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return the boto3 client of a service and region; each is created once."""
        with self._making:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._session.client(service, region_name=region, config=_PATIENT)
            return self._clients[service, region]


@app.command()
def main(  # noqa: PLR0913, PLR0917 - each is an option of the command
    account: Annotated[
        str, typer.Option(metavar="ID", help="The account to read, 12 digits. Other credentials are refused.")
    ],
    assembly: Annotated[
        Path, typer.Option(metavar="DIR", help="Cloud assembly that names the stacks, their regions and construct paths.")
    ] = Path("cdk.out"),
    environment: Annotated[
        str, typer.Option(help="The last part of every name.", show_default="prod, or the first of environments.toml")
    ] = "",
    profile: Annotated[str | None, typer.Option(help="AWS profile of the credentials.")] = None,
    registry: Annotated[
        Path, typer.Option("--acknowledgements", help="File of the decisions that accept findings.")
    ] = acknowledgements.DEFAULT_FILE,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="FORMAT", help=f"Write this report only: {', '.join(FORMATS)}. Repeatable."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("reports/drift"),
) -> None:
    """Compare what is deployed with the deployed templates, and judge it by the gate's rules. It changes nothing.

    Each resource of both regions is read through its own API, or through Cloud Control. A property that differs, a resource
    that is gone or that no template declares, and a resource that could not be read is a finding. The rules of the gate
    then judge the templates as they are live, with the same ids, decisions and reports.

    nox -s synth && nox -s drift -- --account 123456789012

    Exit status: 0 no finding; 1 findings; 2 wrong use, other credentials, or an error of the gate; 130 interrupted.
    """
    console, errors = Console(soft_wrap=True, emoji=False), Console(stderr=True, emoji=False)
    started = datetime.now(UTC)
    with ending(errors, output, "Interrupted: there is no verdict. Nothing was changed."), _explaining_aws():
        if not ACCOUNT.fullmatch(account):
            raise gate.GateError(f"--account {account!r} is not an account; give its 12 digits")
        check_formats(format_ or [])
        expected = load_assembly(assembly)
        cloud = Account(account, profile)
        regions = dict.fromkeys(template.region for template in expected.templates)
        require_account(cloud, next(iter(regions)))
        name = environment or read_environments()[0].environment
        decisions = read_registry(registry, started.date())
        with errors.status("reading what is deployed") as progress:
            found = drift.read_stacks(cloud, expected.templates)
            live = replace(expected, templates=found.templates(), stacks=(), acknowledged=())
            configuration = Configuration(name=f"{name} live", environment=name)
            ledger = gate.judge_live(
                live, configuration, found.rows(configuration), decisions, started.date(), progress.update
            )
            ledger = replace(ledger, revision=provenance.revision(), run=provenance.run(started, datetime.now(UTC)))
            files = write_reports(ledger, output, format_)
    show(ledger, files, console)
    for line in _not_compared(found):
        console.print(Text(printable(line), style="dim"))
    raise typer.Exit(status(ledger))


@contextmanager
def _explaining_aws() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise gate.GateError(f"AWS does not answer: {error}") from error


def require_account(cloud: Cloud, region: str) -> None:
    """Refuse credentials of another account.

    Raises:
        GateError: They belong to another account.
    """
    answered = cloud.client("sts", region).get_caller_identity()["Account"]
    if answered != cloud.account:
        raise gate.GateError(f"the credentials belong to account {answered}, not to {cloud.account}; give its --profile")


def _not_compared(found: drift.Drift) -> list[str]:
    """Return what the comparison did not cover, by type."""
    unread = Counter(one.resource.type for one in found.comparisons if one.unread)
    unknown = Counter(f"{one.resource.type} {place}" for one in found.comparisons for place in one.unknown)
    types = {one.resource.type for one in found.comparisons}
    return [
        f"Compared: {found.compared:,} values of {counted(len(found.comparisons) - sum(unread.values()), 'resource')}.",
        *(f"Not read: {counted(number, 'resource')} of {kind}" for kind, number in sorted(unread.items())),
        *(f"Not compared: {place}, which only the cloud knows" for place in sorted(unknown)),
        *(f"Not compared: {kind} {name}: {why}" for (kind, name), why in sorted(UNREAD.items()) if kind in types),
    ]


if __name__ == "__main__":
    app(prog_name="python -m compliance.live")
