"""Run histories outside the process of the tests."""

import atexit
import functools
import json
import os
import subprocess
import sys
from typing import Any

Outcome = dict[str, list[str]]
"""The `digest`, the `broken` invariants, the `answers` to clients, the `coverage` and the clients' `states` of a history."""


@functools.cache
def _server(hash_seed: str) -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "unit_tests.simulation.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    atexit.register(server.communicate)
    return server


def run(choice: str, *chosen: int | str | dict[str, Any], sabotage: str = "", hash_seed: str = "0") -> list[Outcome]:
    """Run the histories of a choice of `server.CHOICES`: of seeds, of plans, of invariants, or of all."""
    server = _server(hash_seed)
    assert server.stdin
    assert server.stdout
    print(json.dumps([sabotage, choice, *chosen]), file=server.stdin, flush=True)
    outcomes = json.loads(server.stdout.readline())
    assert isinstance(outcomes, list), outcomes
    return outcomes


def broken(outcomes: list[Outcome]) -> set[str]:
    """Return the invariants that any of the histories breaks."""
    return {name for outcome in outcomes for name in outcome["broken"]}
