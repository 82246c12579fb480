"""Progress of an upload on the console: a bar on a terminal, a line for each file elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from client.content import Item
from client.events import Event, Kind

_ENDS: Final = frozenset({Kind.ACCEPTED, Kind.ALREADY_THERE, Kind.FAILED, Kind.INTERRUPTED})


def printable(text: str) -> str:
    """Return text that any terminal can print: a file name may hold control characters and bytes that are not UTF-8."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in shown)


def one_line(text: str) -> str:
    """Return text as `printable` does, without line ends: a file name with one must not look like another line."""
    return printable(text).replace("\n", "\\n")


class UploadProgress:
    """Show events as they arrive. A context manager.

    Args:
        console: Where to print.
        items: All items to upload.
    """

    def __init__(self, console: Console, items: Sequence[Item]) -> None:
        self._console = console
        self._sent: dict[Item, int] = {}
        self._progress: Progress | None = None
        if console.is_terminal:
            total = sum(_size(item) for item in items)
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._files = self._progress.add_task("files", total=len(items))
            self._bytes = self._progress.add_task("bytes", total=total)

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._progress:
            self._progress.stop()

    def show(self, event: Event) -> None:
        """Show an event."""
        if self._progress:
            self._move(self._progress, event)
        if line := _line(event, brief=self._progress is not None):
            self._console.print(one_line(line), markup=False, highlight=False, soft_wrap=True)

    def _move(self, progress: Progress, event: Event) -> None:
        if event.item is None:
            return
        before = self._sent.get(event.item, 0)
        if event.kind is Kind.SENT:
            self._sent[event.item] = before + event.size
            progress.advance(self._bytes, event.size)
        elif event.kind in _ENDS:
            progress.advance(self._files)
            progress.advance(self._bytes, max(0, event.size - before))


def _line(event: Event, *, brief: bool) -> str:
    """Return the line for an event, or None; `brief` leaves out what the bar shows."""
    key = event.item.key if event.item else ""
    match event.kind:
        case Kind.ACCEPTED if not brief:
            again = f", at try {event.tries}" if event.by_retry else ""
            return f"{key}: accepted in {event.region} after {event.seconds:.1f} s{again}"
        case Kind.ALREADY_THERE if not brief:
            return f"{key}: already in {event.region}"
        case Kind.TRY_FAILED:
            return f"{key}: {event.reason}; trying again"
        case Kind.FAILED:
            return f"{key}: FAILED: {event.reason}"
        case Kind.WARNING:
            return f"warning: {event.reason}"
        case _:
            return ""


def _size(item: Item) -> int:
    if isinstance(item.content, bytes):
        return len(item.content)
    try:
        return item.content.stat().st_size
    except OSError:
        return 0
