"""Timing of commands as whole processes, in turns, so that a slow phase of the machine affects all of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from infra.bundling import REPOSITORY


class BenchmarkError(Exception):
    """Raised when a timed command fails. The message holds the end of its output."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command to time.

    Attributes:
        name: As the report names it.
        arguments: The command line.
        variables: The whole environment.
        allowed: The exit statuses with which it has done its work: a linter that finds something has.
    """

    name: str
    arguments: Sequence[str]
    variables: Mapping[str, str]
    allowed: tuple[int, ...] = (0,)


def seconds(command: Command, directory: Path) -> float:
    """Run a command to its end and return the seconds it took.

    Raises:
        BenchmarkError: It exited with a status that is not allowed.
    """
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - the benchmark's own command lines
        command.arguments, cwd=directory, env=dict(command.variables), capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode not in command.allowed:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BenchmarkError(f"{command.name} exited with {done.returncode}:\n{end}")
    return took


def take_turns(
    commands: Sequence[Command], directory: Path, *, rounds: int, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Time each command once a round, after one round that is not counted; seconds by name.

    Raises:
        BenchmarkError: See `seconds`.
    """
    times: dict[str, list[float]] = {command.name: [] for command in commands}
    for number in range(rounds + 1):
        for command in commands:
            say(f"round {number} of {rounds}: {command.name}" if number else f"warming up: {command.name}")
            took = seconds(command, directory)
            if number:
                times[command.name].append(took)
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median seconds of each command, to a hundredth."""
    return {name: round(median(values), 2) for name, values in times.items()}


def measured_apart(module: str, *arguments: str, kill_after: float | None = None) -> dict[str, Any]:
    """Run a module of the benchmarks in a process of its own, and return the JSON object of its last line of output.

    Raises:
        BenchmarkError: It exited with another status than 0.
        TimeoutExpired: It was killed after `kill_after` seconds.
    """
    done = subprocess.run(  # noqa: S603 - the benchmark's own command line
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=kill_after,
    )
    if done.returncode:
        raise BenchmarkError(f"{arguments[0]} exited with {done.returncode}:\n{done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
