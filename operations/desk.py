"""The operator's commands on files: find one, read its records, explain a rejection, send lost work again."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from client.progress import one_line
from infra.naming import LOGGED
from operations import status
from operations.account_check import NoCredentials
from operations.credentials import LOG_IN
from operations.dead_letters import DeadLetter, DeadLetterQueue
from operations.deployment import Deployment, client_configuration
from operations.errors import Refused, RunFailure
from operations.exports import as_csv, as_parquet
from operations.files import Files, Found, require
from operations.logs import Line, Logs
from operations.replay import Span, send_events
from operations.selection import (
    confirm,
    note,
    printing_failures,
    proved,
    require_account,
    require_region,
    say,
    selected,
    shown,
    typed,
)
from reporting.atomic_file import write_pieces

_RECENT_MS: Final = 15 * 60 * 1000
_TAIL_SECONDS: Final = 2.0


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time. Type one as 2026-11-29T08 or 2026-11-29T08:15:00Z.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A file key, an object key (incoming/...) or an object id of 64 digits.")
]
ObjectArgument = Annotated[str, typer.Argument(metavar="OBJECT", help="As `files` takes it; of several objects the newest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
SinceOption = Annotated[
    datetime | None, typer.Option(parser=_time, metavar="TIME", help="At this time or later, UTC: 2026-11-29T08.")
]
UntilOption = Annotated[datetime | None, typer.Option(parser=_time, metavar="TIME", help="Before this time, UTC.")]
OutputOption = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Write to this file.", show_default="standard output")
]
RegionOption = Annotated[str | None, typer.Option(metavar="REGION", help="The region.", show_default="the active one")]
FaultOption = Annotated[str | None, typer.Option(help="Only messages with this fault; `dlq list` shows the faults.")]
PrefixOption = Annotated[str, typer.Option(metavar="PREFIX", help="Only messages whose object keys begin so.")]


class _Form(StrEnum):
    """Format of exported records."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


quarantined = typer.Typer(no_args_is_help=True, help="List quarantined files, show why, download them, and release them.")
dlq = typer.Typer(no_args_is_help=True, help="List a region's dead letters, show one, and redrive them.")


def endpoints() -> None:
    """Print the client's configuration: the API of each region, the primary first.

    Example: lockstep endpoints > lockstep-client.toml
    """
    with printing_failures():
        say(client_configuration(shown()), end="")


def files(
    file: FileArgument,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of objects.")] = 20,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show where a file is: its state in each region, its versions in the buckets, and its history."""
    with printing_failures():
        reader, found = _find(file, limit)
        for one in found:
            if as_json:
                say(json.dumps(one.as_dict()))
            else:
                _show(one)
        _explain(reader)


def records(
    file: ObjectArgument,
    output: OutputOption = None,
    form: Annotated[
        _Form, typer.Option("--format", help="CSV and Parquet have a column for each field of any record.")
    ] = _Form.NDJSON,
) -> None:
    """Export the records of a file as NDJSON, CSV or Parquet. In the last two a list or an object is JSON."""
    with printing_failures():
        if form is _Form.PARQUET and output is None and sys.stdout.isatty():
            raise Refused("Parquet is no text for a terminal.", hint="Add --output FILE.")
        reader, (found, *_) = _find(file, 1)
        lines = (line.encode() + b"\n" for line in reader.records(found))
        with tempfile.TemporaryFile() as spool:
            table = {_Form.CSV: as_csv, _Form.PARQUET: as_parquet}.get(form)
            _write(output, table(lines, spool) if table else lines)
        note(f"{found.first('accepted', 'RESULT')} records of object {found.object_id}.")
        _explain(reader)


def rejected(
    file: ObjectArgument,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show the rejected records of a file: line, reason and an excerpt."""
    with printing_failures():
        reader, (found, *_) = _find(file, 1)
        count = 0
        for count, one in enumerate(reader.rejected(found), start=1):  # noqa: B007 - the number of the last one
            if as_json:
                say(json.dumps(one))
            else:
                say(f"line {one['line']}: {one_line(one['reason'])}")
                say(f"  {one_line(one['excerpt'])}")
        note(f"{count} rejected record{'' if count == 1 else 's'} of object {found.object_id}.")
        _explain(reader)


def logs(  # noqa: PLR0913, PLR0917 - one for each flag
    function: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(LOGGED)}; repeat for several.", show_default="all")
    ] = None,
    match: Annotated[
        str, typer.Option(metavar="TEXT", help="Only lines that hold this text: an object id, an object key, a message id.")
    ] = "",
    region: Annotated[str | None, typer.Option(metavar="REGION", help="One region.", show_default="both")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    tail: Annotated[bool, typer.Option("--tail", help="Continue with new lines until Ctrl-C.")] = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show the functions' logs of both regions, merged by time. Without --since it begins a quarter of an hour ago."""
    with printing_failures():
        unknown = set(function or ()) - set(LOGGED)
        if unknown:
            raise Refused(f"{min(unknown)!r} is not a function with a log.", hint=f"Type one of {', '.join(LOGGED)}.")
        if tail and until:
            raise Refused("--tail and --until contradict each other.", hint="Leave out one of them.")
        if region:
            require_region(selected(), region)
        target = shown()
        now = int(time.time() * 1000)
        span = _span(since, until)
        begin = int(span.since.timestamp() * 1000) if since else now - _RECENT_MS
        reader = Logs(target, [region] if region else target.regions, function or LOGGED, match)
        if not tail:
            lines = reader.read(begin, int(span.until.timestamp() * 1000) if until else now + 1)
            _print_lines(lines, as_json=as_json)
            if not lines:
                note("No line. Without --since, only the last quarter of an hour is read.")
            for problem in reader.problems.values():
                note(problem)
            if reader.problems:
                raise typer.Exit(1)
            return
        noted: dict[str, str] = {}
        for lines in reader.follow(begin, _ticks()):
            _print_lines(lines, as_json=as_json)
            for name in reader.problems.keys() - noted.keys():
                note(reader.problems[name])
            noted = dict(reader.problems)


def _ticks() -> Iterator[int]:
    """Yield the time in milliseconds since the epoch, every few seconds, for ever."""
    while True:
        yield int(time.time() * 1000)
        time.sleep(_TAIL_SECONDS)


def _print_lines(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            say(json.dumps(line.as_dict()))
        else:
            say(f"{line.time}  {line.region}  {line.function:<9}  {one_line(line.text)}")


@quarantined.command("list")
def list_quarantined(
    hours: Annotated[int, typer.Option(min=1, max=24 * 31, help="How many hours back.")] = 24,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List the quarantined files that were received in the last hours, newest first."""
    with printing_failures():
        reader = Files(shown())
        found = reader.quarantined(hours)
        for one in found:
            if as_json:
                say(json.dumps(one.as_dict()))
            else:
                say(f"{one.received_at}  {one_line(one.object_key)}")
                say(f"  {one_line(one.first('reason', 'RESULT'))}")
                say(f"  object {one.object_id}")
        note(f"{len(found)} quarantined files in {hours} hours.")
        _explain(reader)


@quarantined.command("show")
def show_quarantined(file: ObjectArgument) -> None:
    """Show why a file was quarantined, and what to do."""
    with printing_failures():
        reader, (found, *_) = _find(file, 1)
        say(json.dumps(reader.quarantine_note(found), indent=2))
        again = typed(f"quarantined release {shlex.quote(found.object_key)}")
        note(f"After a fix of the file, upload it again; of the processor: {again}")


@quarantined.command("download")
def download_quarantined(file: ObjectArgument, output: OutputOption = None) -> None:
    """Download the bytes of a quarantined file from the archive."""
    with printing_failures():
        reader, (found, *_) = _find(file, 1)
        _write(output, reader.quarantined_bytes(found))


@quarantined.command("release")
def release_quarantined(file: ObjectArgument, yes: YesOption = False) -> None:  # noqa: FBT002
    """Process a quarantined file again, after another version or setting `formats` was deployed; see `reprocess`."""
    with printing_failures():
        _, (found, *_) = _find(file, 1)
        require(found, found.is_quarantined, "is not quarantined")
    reprocess(found.object_key, yes=yes)


@dlq.command("list")
def list_dead_letters(
    region: RegionOption = None,
    fault: FaultOption = None,
    prefix: PrefixOption = "",
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List the dead letters of a region by fault, oldest first."""
    with printing_failures():
        queue = _queue(shown(), region)
        letters = [one for one in queue.letters() if _matches(one, fault, prefix, Span())]
        for one in letters:
            if as_json:
                say(json.dumps(one.as_dict()))
            else:
                keys = ", ".join(one_line(key) for key in one.keys) or "no S3 event"
                say(f"{one.sent_at:%Y-%m-%dT%H:%M:%SZ}  {one_line(one.fault)}  {one.message_id}  {keys}")
        for name, count in Counter(one.fault for one in letters).most_common():
            note(f"{count} messages with the fault {one_line(name)}")
        nexts = f"Next: {typed(f'dlq show MESSAGE_ID --region {queue.region}')}, or {typed('dlq redrive')}"
        note(nexts if letters else f"The dead-letter queue of {queue.region} holds no such message.")


@dlq.command("show")
def show_dead_letter(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="The id that `dlq list` shows.")],
    region: RegionOption = None,
) -> None:
    """Show one dead letter: its fault, its reason and its body."""
    with printing_failures():
        queue = _queue(shown(), region)
        letters = [one for one in queue.letters() if one.message_id == message_id]
        if not letters:
            where = f"The dead-letter queue of {queue.region} holds no message {message_id}."
            raise RunFailure(where, hint=f"`dlq list --region {queue.region}` shows the ids.")
        say(json.dumps(letters[0].as_dict(), indent=2))


@dlq.command("redrive")
def redrive(  # noqa: PLR0913, PLR0917 - one for each flag
    region: RegionOption = None,
    fault: FaultOption = None,
    prefix: PrefixOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the messages.")] = False,  # noqa: FBT002
    yes: YesOption = False,  # noqa: FBT002
) -> None:
    """Send dead letters back to the ingest queue of the active region. A crash in between loses none."""
    with printing_failures():
        span = _span(since, until)
        if not dry_run:
            require_account(selected())
        active = _active_region()
        if region not in {None, active}:
            require_region(selected(), str(region))
            raise Refused(
                f"{region} is passive: a message that is redriven there waits for the active region.",
                hint=f"Nothing was sent. Redrive in {active}: leave out --region.",
            )
        if dry_run:
            letters = [one for one in _queue(shown(), active).letters() if _matches(one, fault, prefix, span)]
            say(f"{len(letters)} messages would be sent to the ingest queue of {active}.")
            return
        target = proved(active)
        what = f"Dead letters of {active} in {target.environment} go back to its ingest queue."
        confirm(target, what, active, yes=yes)
        queue = DeadLetterQueue(Deployment.of_region(target, active), active)
        count = _with_progress(
            "messages redriven", lambda moved: queue.redrive(lambda one: _matches(one, fault, prefix, span), moved)
        )
        say(f"{count} messages were sent to the ingest queue of {active}. Next: {typed('status')}")


def replay(
    prefix: Annotated[str, typer.Argument(help="An object key, or a prefix of keys: incoming/uploads/billing/.")],
    since: SinceOption = None,
    until: UntilOption = None,
    yes: YesOption = False,  # noqa: FBT002
) -> None:
    """Send the events of stored objects to the active region again. What has a result stays as it is."""
    with printing_failures():
        send_again(prefix, _span(since, until), reprocess=False, yes=yes)


def reprocess(
    prefix: Annotated[str, typer.Argument(help="Prefix of the objects' keys, for example incoming/uploads/billing/.")],
    since: SinceOption = None,
    until: UntilOption = None,
    yes: YesOption = False,  # noqa: FBT002
) -> None:
    """Process objects again in the active region if another version made their records."""
    with printing_failures():
        send_again(prefix, _span(since, until), reprocess=True, yes=yes)
        say("Records that this version made do not change.")
        say("The alarm lww-conflicts goes off when results are replaced; the other region settles them within hours.")


def send_again(prefix: str, span: Span, *, reprocess: bool, yes: bool) -> None:
    """Send the events of the objects under a prefix to the active region, after a confirmation."""
    if not prefix.startswith("incoming/"):
        hint = "Type a prefix that begins with incoming/. `files FILE` shows the object key of a file."
        raise Refused(f"{prefix!r} is not a prefix of ingest objects.", hint=hint)
    require_account(selected())
    region = _active_region()
    target = proved(region)
    condition = "another version processed it" if reprocess else "it has no result"
    what = f"Every object under {prefix} of {target.environment} is processed again in {region} if {condition}."
    confirm(target, what, region, yes=yes)
    deployment = Deployment.of_region(target, region)
    sent = _with_progress(
        "objects sent",
        lambda so_far: send_events(deployment, region, prefix, reprocess=reprocess, span=span, sent_so_far=so_far),
    )
    say(f"{sent} objects were sent to the ingest queue of {region}. Next: {typed('status')}")


def _find(wanted: str, limit: int) -> tuple[Files, list[Found]]:
    reader = Files(shown())
    found = reader.find(wanted, limit)
    if not found:
        hint = " ".join(
            ["Type a file key as the client named it, or an object key that begins with incoming/.", *reader.problems]
        )
        raise RunFailure(f"No object of {one_line(wanted)!r} was found.", hint=hint)
    return reader, found


def _show(one: Found) -> None:
    say(one_line(one.object_key or "key unknown"))
    say(f"  object {one.object_id}")
    for region in one.rows:
        versions = len(one.versions.get(region, []))
        count = "version" if versions == 1 else "versions"
        say(f"  {region}: {one_line(one.state(region))}; {versions} {count} in the bucket")
    for at, step in one.history():
        say(f"  {at}  {one_line(step)}")


def _explain(reader: Files) -> None:
    """Name the regions that did not answer, and fail."""
    for problem in reader.problems:
        note(problem)
    if reader.problems:
        raise typer.Exit(1)


def _write(output: Path | None, pieces: Iterable[bytes]) -> None:
    """Write pieces to standard output or, whole, to a file."""
    if output is None:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    try:
        write_pieces(output, pieces)
    except OSError as error:
        raise RunFailure(f"{output} could not be written: {error.strerror}", hint="Type another --output.") from error


def _queue(target: Any, region: str | None) -> DeadLetterQueue:  # noqa: ANN401
    chosen = region or _active_region()
    require_region(target, chosen)
    return DeadLetterQueue(Deployment.of_region(target, chosen), chosen)


def _active_region() -> str:
    target = selected()
    found = status.look_at_claims(target)
    region = status.active(found, primary=target.primary)
    if region is None and any(one.silence == status.NO_CREDENTIALS for one in found):
        raise NoCredentials(f"No valid credentials: {found[0].problems[0]}", hint=LOG_IN)
    if region is None:
        raise Refused(
            "No replica answers, so the active region is unknown.",
            hint="Nothing was sent. Try again when a region answers.",
        )
    return region


def _matches(letter: DeadLetter, fault: str | None, prefix: str, span: Span) -> bool:
    is_near = not prefix or letter.is_about(prefix)
    return fault in {None, letter.fault} and is_near and span.since <= letter.sent_at < span.until


def _span(since: datetime | None, until: datetime | None) -> Span:
    if since and until and since >= until:
        raise Refused(f"--since is not before --until: {since:%Y-%m-%dT%H:%M:%SZ}, {until:%Y-%m-%dT%H:%M:%SZ}.")
    return Span(**{name: at for name, at in {"since": since, "until": until}.items() if at})


def _with_progress(what: str, work: Callable[[Callable[[int], None]], int]) -> int:
    with Console(stderr=True).status(f"0 {what}") as line:
        return work(lambda count: line.update(f"{count} {what}"))
