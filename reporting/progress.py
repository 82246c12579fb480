"""Show the progress of a run: a live list of steps on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text


class Step:
    """A step in progress."""

    def __init__(self, progress: Progress | None, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self.outcome = ""

    def say(self, detail: str) -> None:
        """Show the current activity of the step, on a terminal only."""
        if self._progress:
            self._progress.update(self._task, detail=escape(detail[:70]))

    def conclude(self, outcome: str) -> None:
        """Set the outcome of the step, which is shown beside its name."""
        self.outcome = outcome
        self.say(outcome)


class Steps:
    """The list of steps, a context manager. Steps may run in several threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        if console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description}"),
                _Seconds(),
                TextColumn("[dim]{task.fields[detail]}[/]"),
                console=console,
            )

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step as in progress until the block ends, then as done or failed, with its seconds."""
        begun = time.monotonic()
        task = self._progress.add_task(title, total=1, detail="") if self._progress else TaskID(0)
        step = Step(self._progress, task)
        try:
            yield step
        except BaseException:
            self._end(task, title, begun, "failed", step)
            raise
        self._end(task, title, begun, "done", step)

    def _end(self, task: TaskID, title: str, begun: float, word: str, step: Step) -> None:
        if not self._progress:
            outcome = f" ({step.outcome})" if step.outcome else ""
            line = f"{title}: {word} in {time.monotonic() - begun:.1f} s{outcome}"
            # The reader may be gone (`| head`); the run must still clean up.
            with contextlib.suppress(OSError):
                self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        elif word == "done":
            self._progress.update(task, completed=1, detail=escape(step.outcome))
        else:
            self._progress.update(task, description=f"[red]{escape(title)}[/]", detail="[red]failed[/]")
            self._progress.stop_task(task)


class _Seconds(ProgressColumn):
    """A column with the seconds that a step has taken."""

    def render(self, task: Task) -> Text:
        """Return the text of the column for one step."""
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{seconds or 0.0:5.1f} s")
