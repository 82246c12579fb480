"""Histories of the real processor in the simulated world."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.drawing import draw
from simulation.plan import Plan
from unit_tests.simulation.histories import broken, run

PROJECT = Path(__file__).parents[2]


def test_history_of_a_seed_is_independent_of_the_hash_seed() -> None:
    assert run("drawn", 3, 9, hash_seed="1") == run("drawn", 3, 9, hash_seed="2")


@pytest.mark.parametrize(
    ("sabotage", "invariant"),
    [
        ("acknowledge on RESULT alone", "every record of a COMPLETED object is there"),
        ("trust RESULT without reading the replica", "every record of a COMPLETED object is there"),
        ("RESULT before the last record", "RESULT follows its records"),
        ("archive in one region only", "a settled region's archive holds what was rejected"),
        ("digest of an upload unchecked", "RESULT says what the file is"),
    ],
)
def test_sabotaged_protocol_is_convicted(sabotage: str, invariant: str) -> None:
    assert invariant in broken(run("drawn", 5, 9, 11, 23, 37, 42, 46, 79, sabotage=sabotage))


def test_uploads_in_parts_pass_and_a_missing_part_is_convicted() -> None:
    """The seeds of the first plans with parts; clients are killed between two parts and continue with another size."""
    assert broken(run("drawn", 10, 29, 87, 94, 131, 141)) == set()
    wrong = run("drawn", 10, 29, 87, sabotage="completion that accepts a missing part")
    assert "RESULT says what the file is" in broken(wrong)


@pytest.mark.parametrize(
    ("sabotage", "seed", "invariant"),
    [
        ("earlier records unchecked", 2, "RESULT follows its records"),
        ("checkpoint of another version", 4, "a checkpoint follows its records"),
        ("RESULT of this region trusted", 37, "what is noted as settled is there"),
    ],
)
def test_sabotaged_long_file_is_convicted_by_a_duel(sabotage: str, seed: int, invariant: str) -> None:
    assert invariant in broken(run("duel", seed, sabotage=sabotage))


def test_every_loss_of_a_region_during_processing_passes() -> None:
    outcomes = run("exhaustive")
    assert (broken(outcomes), len(outcomes)) == (set(), 127)


@pytest.mark.parametrize(
    ("sabotage", "invariant"),
    [
        ("reconciler ignores the passive region's list", "no accepted object is lost"),
        ("accepted because another region began", "every upload of a client ends"),
        ("processed on RESULT alone", "what is processed is there"),
        ("settled while another version is written", "a settled replica holds every record"),
        ("settled after a withdrawal", "a settled replica holds every record"),
        ("attempt of another version overtaken unseen", "no note outlasts the records that it is about"),
    ],
)
def test_reintroduced_fault_is_convicted(sabotage: str, invariant: str) -> None:
    assert invariant in broken(run("regressions", invariant, sabotage=sabotage))


@pytest.mark.parametrize("sabotage", ["trust RESULT without reading the replica", "archive in one region only"])
def test_exhaustive_scope_convicts_a_sabotage(sabotage: str) -> None:
    assert broken(run("exhaustive", sabotage=sabotage))


_STALE = """
from handlers.processor.store import Ledger
from simulation.drawing import draw
from simulation.history import History
from simulation.sabotage import VARIANTS, sabotaged

VARIANTS["stale"] = "", [(Ledger, "settle", lambda _ledger, _object_id: None)]
with sabotaged("stale"):
    History(draw(5)).run()
"""


def test_variant_that_no_longer_fits_the_handlers_ends_the_run() -> None:
    done = subprocess.run([sys.executable, "-c", _STALE], check=False, capture_output=True, text=True, cwd=PROJECT)  # noqa: S603 - our own code
    assert (done.returncode, "StaleVariantError" in done.stderr) == (1, True), done.stderr


def simulate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": "300", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "simulation", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)  # noqa: S603 - our own command


def test_seed_gives_one_history_with_observers() -> None:
    one = run("observed", 4, hash_seed="1")
    assert (one, broken(one)) == (run("observed", 4, hash_seed="2"), set())


def test_reconcilers_on_their_schedule_leave_no_alarm() -> None:
    outcomes = run("reconciled", 9, 49)
    assert (broken(outcomes), len(outcomes)) == (set(), 2)


@pytest.mark.parametrize(
    ("sabotage", "seed", "invariant"),
    [
        ("observer that reports every peer as healthy", 0, "the loss of a region alarms in the other"),
        ("observer that checks its own region only", 6, "the secondary promotes itself"),
        ("alarm that treats missing data as healthy", 5, "silence alarms"),
    ],
)
def test_sabotaged_watcher_is_convicted(sabotage: str, seed: int, invariant: str) -> None:
    assert invariant in broken(run("observed", seed, sabotage=sabotage))


def test_failback_loses_nothing_and_sabotaged_checks_are_convicted() -> None:
    assert broken(run("failback", 6)) == set()
    assert "a failback loses nothing" in broken(run("failback", 6, sabotage="failback that looks at RESULT alone"))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_plan_reads_back_from_its_file(seed: int) -> None:
    assert Plan.from_json(draw(seed).to_json()) == draw(seed)


_UPLOAD = {"at": 1.0, "region": "us-east-1", "name": "file-0", "records": "g"}
_PLAN = {"seed": 1, "uploads": [_UPLOAD], "faults": [], "horizon": 60.0}


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("{", "the plan is no JSON"),
        ("[]", "the plan is []; allowed is an object with seed, uploads"),
        (_PLAN | {"uploads": {}}, "uploads of the plan is {}; allowed is a list"),
        ({"seed": 1}, "the plan has no uploads, faults"),
        (_PLAN | {"seed": 1.5}, "seed of the plan is 1.5; allowed is a whole number of 64 bits"),
        (_PLAN | {"seed": True}, "seed of the plan is True; allowed is"),
        (_PLAN | {"horizon": float("inf")}, "horizon of the plan is inf; allowed is a number of seconds from 0"),
        (_PLAN | {"uploads": [_UPLOAD, 7]}, "upload 2 is 7; allowed is an object with at, region"),
        (_PLAN | {"uploads": [_UPLOAD | {"at": float("nan")}]}, "at of upload 1 is nan; allowed is"),
        (
            _PLAN | {"uploads": [_UPLOAD | {"region": "eu-west-1"}]},
            "region of upload 1 is 'eu-west-1'; allowed is one of us-",
        ),
        (_PLAN | {"uploads": [_UPLOAD | {"twins": True}]}, "upload 1 has 'twins'; allowed are at, region"),
        (
            _PLAN | {"faults": [{"kind": "flood", "region": "us-east-1", "at": 1}]},
            "kind of fault 1 is 'flood'; allowed is one",
        ),
        (_PLAN | {"unreplicated": ["x"]}, "unreplicated of the plan is ['x']; allowed is null or a list"),
    ],
)
def test_invalid_plan_is_refused_with_the_allowed_values(text: object, violation: str) -> None:
    with pytest.raises(ValueError, match=re.escape(violation)):
        Plan.from_json(text if isinstance(text, str) else json.dumps(text))


@pytest.mark.parametrize(
    ("options", "violation"),
    [
        (["--plan", "none.json"], "does not exist"),
        (["--plan", "bad.json"], "bad.json: the plan has no uploads"),
        (["--jobs", "0"], "--jobs"),
        (["--histories", "99999999999"], "--histories"),
        (["--story", "--exhaustive"], "contradict each other"),
    ],
)
def test_wrong_command_line_is_refused_before_anything_runs(tmp_path: Path, options: list[str], violation: str) -> None:
    (tmp_path / "bad.json").write_text('{"seed": 1}')
    done = simulate(tmp_path, *options)
    assert (done.returncode, "Traceback" in done.stderr, (tmp_path / "reports").exists()) == (2, False, False)
    assert violation in done.stderr


def test_digest_is_independent_of_the_number_of_processes(tmp_path: Path) -> None:
    digests: set[str] = set()
    for jobs in ("1", "2"):
        done = simulate(tmp_path, "--histories", "1", "--objects", "3", "--jobs", jobs)
        assert (done.returncode, "every invariant holds" in done.stdout) == (0, True), done.stderr
        digests.add(json.loads((tmp_path / "reports" / "simulation" / "report.json").read_text())["digest"])
        assert f"digest {min(digests)}" in done.stdout
    assert len(digests) == 1
    assert "<h1>Every invariant holds</h1>" in (tmp_path / "reports" / "simulation" / "report.html").read_text()
