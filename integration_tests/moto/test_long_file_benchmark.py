"""Test that the benchmark of a long file accepts the processor through kills and a failover, and convicts wrong ones."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import contestants, long_file
from benchmarks.timing import BenchmarkError
from handlers.processor.application import application
from handlers.processor.batch_requests import BatchRequests
from handlers.processor.deadline import Deadline
from handlers.processor.store import Known, Ledger
from integration_tests.moto.processor_world import VARIABLES, environment
from simulation.sabotage import sabotaged

RECORDS = 2_500
LAST = 99
"""Number of an invocation that does not happen: the failover follows RESULT."""
MID_FILE, ITS_ROWS_REPLICATED, ITS_ROWS_LOST = 2, 0, 1
OTHERS = "checkpoint of another region"
TRUSTING = (OTHERS, "checkpoint of another epoch")

look = Ledger.look


class Killed(BaseException):
    """Ends an invocation as SIGKILL does."""


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Invoke the processor here; an invocation's time ends after 40 batches, or is killed after the batches of `--kill`."""
    app, send = typer.Typer(), BatchRequests.send
    app.command()(contestants.main)
    left, fatal = [0], [0]

    def invoke(_module: str, *arguments: str, kill_after: float | None) -> dict[str, Any]:
        application.cache_clear()
        left[0], fatal[0] = 40, 40 - int(kill_after or LAST)
        try:
            ended = CliRunner().invoke(app, arguments, standalone_mode=False)
        except Killed:
            raise TimeoutExpired(arguments, 0) from None
        if ended.exception:
            raise BenchmarkError(str(ended.exception))
        measured: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return measured

    def count(self: BatchRequests, batch: Any) -> Any:  # noqa: ANN401 - a batch
        left[0] -= 1
        if left[0] == fatal[0]:
            raise Killed
        return send(self, batch)

    # The metrics of this process have one `environment` for all tests.
    monkeypatch.setitem(contestants._ENVIRONMENT, "ENVIRONMENT", VARIABLES["ENVIRONMENT"])  # noqa: SLF001
    monkeypatch.setattr(long_file, "measured_apart", invoke)
    monkeypatch.setattr(BatchRequests, "send", count)
    monkeypatch.setattr(Deadline, "is_too_late_for", lambda _self, _seconds: left[0] <= 0)
    with patch.dict(os.environ), environment():
        yield


def measured(folder: Path, *, kill: dict[int, float], failover: int | None, seed: int = 0) -> long_file.Result:
    options: dict[str, Any] = {"record_bytes": 200, "function_seconds": 300, "latency_ms": 0, "say": lambda _: None}
    return long_file.measure(records=RECORDS, kill=kill, failover=failover, seed=seed, output=folder, **options)


@pytest.mark.parametrize(
    ("kill", "failover", "seed", "result"),
    [
        ({2: 30}, None, 0, "us-east-1, epoch 0"),
        ({}, MID_FILE, ITS_ROWS_REPLICATED, "us-west-2, epoch 1"),
        ({2: 30, 4: 20}, MID_FILE, ITS_ROWS_LOST, "us-west-2, epoch 1"),
        ({}, LAST, 0, "us-east-1, epoch 0"),
    ],
)
def test_long_file_is_whole_after_kills_and_a_failover(
    kill: dict[int, float], failover: int | None, seed: int, result: str, tmp_path: Path
) -> None:
    found = measured(tmp_path, kill=kill, failover=failover, seed=seed)
    assert found.result == result
    lost = [one for one in found.invocations if "replicated" in one]
    assert len(lost) == bool(failover)
    assert all(0.3 * one["written"] < one["replicated"] < 0.7 * one["written"] for one in lost)
    assert found.invocations[-1]["written"] == RECORDS


def look_at_both_checkpoints(self: Ledger, object_id: str) -> Known:
    known, lost = look(self, object_id), copy(self)
    lost._region = contestants.PRIMARY  # noqa: SLF001 - as that region's processor
    return replace(known, checkpoint=known.checkpoint or look(lost, object_id).checkpoint)


@pytest.mark.parametrize(
    ("wrong", "failover", "message"),
    [
        (TRUSTING, MID_FILE, "lockstep did not process its message"),
        ((*TRUSTING, "earlier records unchecked"), MID_FILE, f"of {RECORDS} records are in the table"),
        (("trust RESULT without reading the replica",), LAST, f"of {RECORDS} records are in the table"),
        (("RESULT written unconditionally",), LAST, "RESULT was replaced after the failover"),
    ],
)
def test_long_file_of_a_wrong_processor_fails(wrong: tuple[str, ...], failover: int, message: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for name in wrong:
            changed = patch.object(Ledger, "look", look_at_both_checkpoints) if name == OTHERS else sabotaged(name)
            stack.enter_context(changed)
        with pytest.raises(BenchmarkError, match=message):
            measured(tmp_path, kill={}, failover=failover, seed=ITS_ROWS_REPLICATED)
