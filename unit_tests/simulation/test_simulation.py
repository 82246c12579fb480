"""Histories of the real processor in the simulated world."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.plan import Plan, draw

PROJECT = Path(__file__).parents[2]
# Whatever runs handlers runs in a process of its own: the simulator takes their clock, and sets variables of Powertools.
_SCRIPT = """
from simulation.__main__ import known_failures
from simulation.exhaustive import plans
from simulation.history import History
from simulation.plan import draw
from simulation.sabotage import sabotaged
import contextlib, sys
with sabotaged(sys.argv[1]) if sys.argv[1] else contextlib.nullcontext():
    chosen = {"regressions": known_failures, "exhaustive": lambda: plans(1)}
    drawn = chosen[sys.argv[2]]() if sys.argv[2] in chosen else [draw(seed) for seed in map(int, sys.argv[2:])]
    histories = [History(plan).run() for plan in drawn]
print([one.digest() for one in histories])
print(sorted({name for one in histories for name, _ in one.violations}))
"""


def run(*seeds: int, sabotage: str = "", hash_seed: str = "0", plans: str = "") -> tuple[str, str]:
    """Run in a process of its own, for the simulator replaces the handlers' clock; return digests, violations."""
    command = [sys.executable, "-c", _SCRIPT, sabotage, *([plans] if plans else map(str, seeds))]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)  # noqa: S603 - our own script
    digests, violations = done.stdout.splitlines()
    return digests, violations


def test_one_seed_gives_one_history_whatever_the_hash_seed() -> None:
    assert run(3, 9, hash_seed="1") == run(3, 9, hash_seed="2")


def test_the_histories_that_once_failed_hold() -> None:
    digests, violations = run(plans="regressions")
    assert (violations, bool(ast.literal_eval(digests))) == ("[]", True)


@pytest.mark.parametrize(
    ("sabotage", "broken"),
    [
        ("acknowledge on RESULT alone", "every record of a COMPLETED object is there"),
        ("trust RESULT without reading the replica", "every record of a COMPLETED object is there"),
        ("RESULT before the last record", "RESULT follows its records"),
        ("archive in one region only", "a quarantined object has its note and its copy"),
    ],
)
def test_a_sabotaged_protocol_is_convicted(sabotage: str, broken: str) -> None:
    _, violations = run(5, 9, 11, 23, 37, 42, 46, 79, sabotage=sabotage)
    assert broken in violations


def test_every_loss_of_a_region_while_one_object_is_processed_holds() -> None:
    digests, violations = run(plans="exhaustive")
    assert (violations, len(ast.literal_eval(digests))) == ("[]", 127)


@pytest.mark.parametrize("sabotage", ["trust RESULT without reading the replica", "archive in one region only"])
def test_the_exhaustive_scope_convicts(sabotage: str) -> None:
    _, violations = run(plans="exhaustive", sabotage=sabotage)
    assert violations != "[]"


def test_a_run_in_two_processes_ends_with_a_verdict(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulation", "--histories", "1", "--jobs", "2"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60)  # noqa: S603 - our own command
    assert (done.returncode, "every invariant holds" in done.stdout) == (0, True), done.stderr
    assert "<h1>Every invariant holds</h1>" in (tmp_path / "reports" / "simulation" / "report.html").read_text()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_plan_survives_its_file(seed: int) -> None:
    assert Plan.from_json(draw(seed).to_json()) == draw(seed)
