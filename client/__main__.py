"""`python -m client`: upload files to a region that accepts them, and report the state of each upload."""

import os
import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from client.client import Client
from client.configuration import DEFAULT_FILE, DEFAULT_RECEIPTS, EXAMPLE, Configuration, parse_endpoint_flag
from client.content import Item
from client.errors import ClientFailure, Misconfigured
from client.events import Outcome
from client.gathering import LeftOut, gather
from client.local_files import CONFIGURATION, find_local_file, use_local_credentials
from client.progress import UploadProgress, one_line, printable
from client.receipts import Receipt, State, lock_of, read_receipts
from client.shared_options import SharedOptions
from client.verifying import Standing, Until

_SOMETHING_IS_NOT_THERE: Final = 1
_WRONG_USE: Final = 2
_INTERRUPTED: Final = 130
_SHOWN: Final = 50
_OUT: Final = Console(highlight=False, emoji=False, soft_wrap=True)
_ERRORS: Final = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
_HELP: Final = """Upload files to a two-region platform: to the active region, or to the other one when that fails.

An upload gets its id before the first try and keeps it in every region and every run, so a file is never stored twice.
The receipts file records every step. After an interruption, type the same command again, or `resume`.

\b
Examples:
  lockstep upload january.csv
  lockstep upload --prefix reports/2026/ folder/
  lockstep resume
  lockstep verify --wait 60
  lockstep receipts

Exit status: 0 every file is where it should be, 1 some file is not, 2 wrong use, 130 interrupted.
"""

_UPLOAD_HELP: Final = f"""Upload files, and all files in folders. A file that a region already has is not sent again.

\b
The configuration, by default in lockstep-client.toml:
{textwrap.indent(EXAMPLE.replace(chr(10) * 2, chr(10)), "  ")}
"""

app = typer.Typer(
    cls=SharedOptions, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True
)


@app.callback(help=_HELP)
def main(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"The configuration.  [default: {DEFAULT_FILE}, if it is there]")
    ] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="REGION=URL", help="The API of a region; repeat for each, in order.")
    ] = None,
    record: Annotated[
        str | None, typer.Option(metavar="NAME", help="The TXT record that names the active region, region.<zone>.")
    ] = None,
    name_server: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="DNS server to ask for --record, as in 10.0.0.2 or 127.0.0.1:5353.")
    ] = None,
    domain: Annotated[str | None, typer.Option(metavar="NAME", help="The platform's domain, in place of a record.")] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="With --domain: a region; repeat for each, in order.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the sender of the files.  [default: default]")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The receipts file.  [default: lockstep-receipts.jsonl]")
    ] = None,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile that signs the requests.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Number of files sent at once.  [default: 8]")
    ] = None,
    patience: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Seconds to try one file before giving up.  [default: 120]")
    ] = None,
    local: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--local", help="Upload to the platform that `lockstep local --deploy` runs in this checkout.")
    ] = False,
) -> None:
    """Take the options that all commands share; they may stand before or after the command."""
    if local:
        with _reporting_failures():
            config = config or find_local_file(CONFIGURATION)
            use_local_credentials()
    context.obj = (
        config,
        {
            "endpoints": tuple(endpoint or ()),
            "record": record,
            "name_server": name_server,
            "domain": domain,
            "regions": tuple(region or ()),
            "source": source,
            "receipts": receipts,
            "profile": profile,
            "workers": workers,
            "patience_seconds": patience,
        },
    )


@app.command(help=_UPLOAD_HELP)
def upload(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|FOLDER...", help="Files and folders to upload.")],
    prefix: Annotated[str, typer.Option(help="Text put before the key of each file, as in reports/2026/.")] = "",
) -> None:
    """Upload files, and all files in folders. A file that a region already has is not sent again."""
    with _reporting_failures():
        config, _ = context.obj
        configuration = _configuration(context)
        own = [configuration.receipts, lock_of(configuration.receipts), config or DEFAULT_FILE]
        gathered = gather(paths, prefix, own)
        with Client(configuration) as client:
            outcomes = _upload(client, gathered.items)
        _end(outcomes, gathered.left_out)


@app.command()
def resume(context: typer.Context) -> None:
    """Continue the uploads of an earlier run, under the same upload ids."""
    with _reporting_failures():
        configuration = _configuration(context)
        read_receipts(configuration.receipts)  # a missing file is an error, not an empty success
        with Client(configuration) as client, UploadProgress(_OUT, client.resumable) as progress:
            outcomes = client.resume(on_event=progress.show)
        if not outcomes:
            _say("There is nothing to resume: a region has every upload. Type `verify` to see their state.")
        _end(outcomes)


@app.command()
def verify(
    context: typer.Context,
    until: Annotated[Until, typer.Option(help="State that each upload has to reach.")] = Until.PROCESSED,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Ask again for this long.")] = 0.0,
) -> None:
    """Ask the regions for the state of each upload, and list those that are not durable or processed yet."""
    with _reporting_failures():
        configuration = _configuration(context)
        read_receipts(configuration.receipts)
        with Client(configuration) as client:
            standings = client.verify(until=until, wait_seconds=wait)
        _report(standings, until, _typed(context))


@app.command()
def receipts(context: typer.Context) -> None:
    """Print the states in the receipts file, without a request to a region; also works while an upload runs."""
    with _reporting_failures():
        held = read_receipts(_receipts_path(context))
        for state, number in sorted(Counter(one.state for one in held).items()):
            _say(f"{number:>8} {state}")
        _list([one_line(f"{one.key}: {one.state}{_why(one)}") for one in held if _open(one)])
        if any(_open(one) for one in held):
            _say(f"Type `{_typed(context)('resume')}` to send the files that no region has yet.")
            raise typer.Exit(_SOMETHING_IS_NOT_THERE)


def _why(receipt: Receipt) -> str:
    return f": {receipt.reason}" if receipt.reason else ""


def _open(receipt: Receipt) -> bool:
    return not receipt.state.safe and receipt.state is not State.REPLACED


def _receipts_path(context: typer.Context) -> Path:
    """Return the path of the receipts file; no endpoint has to be configured."""
    config, flags = context.obj
    if flags["receipts"] or not (config or DEFAULT_FILE.exists()):
        return flags["receipts"] or DEFAULT_RECEIPTS
    return _configuration(context).receipts


def _configuration(context: typer.Context) -> Configuration:
    config, flags = context.obj
    endpoints = tuple(parse_endpoint_flag(text) for text in flags["endpoints"])
    return Configuration.read(config, {**flags, "endpoints": endpoints})


def _upload(client: Client, items: Sequence[Item]) -> list[Outcome]:
    with UploadProgress(_OUT, items) as progress:
        return client.upload_all(items, on_event=progress.show)


def _end(outcomes: Sequence[Outcome], left_out: Sequence[LeftOut] = ()) -> None:
    failed = [one for one in outcomes if not one.succeeded]
    done = Counter(one.receipt.region for one in outcomes if one.succeeded and one.receipt)
    if done:
        where = ", ".join(f"{number} in {region}" for region, number in sorted(done.items()))
        _say(f"{sum(done.values())} of {len(outcomes)} files are safe: {where}.")
    if failed:
        lines = [(one.item.key, one.error, one.hint) for one in failed]
        _list([f"{one_line(key)}: {one_line(error)}\n    {one_line(hint)}" for key, error, hint in lines], _ERRORS)
        _say(f"{len(failed)} of {len(outcomes)} files are NOT uploaded.", _ERRORS)
    for one in left_out:
        _say(one_line(f"{one.path}: left out: {one.reason}"), _ERRORS)
    if left_out:
        _say(f"{len(left_out)} files or folders were left out.", _ERRORS)
    if failed or left_out:
        raise typer.Exit(_SOMETHING_IS_NOT_THERE)


def _typed(context: typer.Context) -> Callable[[str], str]:
    """Return a function that writes a command as the user types it for the same platform."""
    is_local = context.parent is not None and context.parent.params["local"]
    return f"lockstep {{}}{' --local' if is_local else ''}".format


def _report(standings: Sequence[Standing], until: Until, typed: Callable[[str], str]) -> None:
    for state, number in sorted(Counter(one.receipt.state for one in standings).items()):
        _say(f"{number:>8} {state}")
    _say(f"{sum(one.receipt.durable for one in standings):>8} durable")
    if any(one.accepted or one.rejected for one in standings):
        _say(f"{sum(one.accepted for one in standings):>8} records accepted")
        _say(f"{sum(one.rejected for one in standings):>8} records rejected")
    _list(
        [
            one_line(f"{one.receipt.key}: {one.rejected} of {one.accepted + one.rejected} records were rejected")
            for one in standings
            if one.rejected
        ]
    )
    if any(one.rejected for one in standings):
        _say(f"`{typed('rejected FILE')}` shows the line, the reason and an excerpt of each.")
    behind = [one for one in standings if not one.reached]
    _list([one_line(f"{one.receipt.key}: {one.reason}") for one in behind])
    if behind:
        _say(f"{len(behind)} of {len(standings)} uploads are not {until}.")
        if any(one.waits for one in behind):
            _say(f"Some are still in progress: `{typed('verify --wait 60')}` asks again for a minute.")
        raise typer.Exit(_SOMETHING_IS_NOT_THERE)
    _say(f"All {len(standings)} uploads are {until}.")


def _list(lines: Sequence[str], console: Console = _OUT) -> None:
    for line in lines[:_SHOWN]:
        _say(line, console)
    if len(lines) > _SHOWN:
        _say(f"... and {len(lines) - _SHOWN} more; `receipts` lists them.", console)


def _say(text: str, console: Console = _OUT) -> None:
    console.print(printable(text), markup=False)


@contextmanager
def _reporting_failures() -> Iterator[None]:
    """Print a failure as text without a traceback, and exit with its status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        yield
    except ClientFailure as failure:
        # The configuration's mistakes are one a line. Any other message may hold a file name with a line end.
        is_list = isinstance(failure, Misconfigured)
        for text in filter(None, (failure.message, failure.hint)):
            _say(text if is_list else one_line(text), _ERRORS)
        raise typer.Exit(_WRONG_USE if is_list else _SOMETHING_IS_NOT_THERE) from failure
    except KeyboardInterrupt:
        _say("\nInterrupted; the receipts file holds the progress. Type the same command again, or `resume`.", _ERRORS)
        raise typer.Exit(_INTERRUPTED) from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Shut down in order at the first signal; exit at once at the second, which loses nothing either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(_INTERRUPTED))
    raise KeyboardInterrupt


def run(arguments: Sequence[str]) -> Any:  # noqa: ANN401 - typer's own
    """Run the command line."""
    return app(args=list(arguments), prog_name="python -m client")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
