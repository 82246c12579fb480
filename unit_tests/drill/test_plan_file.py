"""Test plan files: a wrong one is refused with name, value and what is allowed; a right one is quoted by the report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from drill import __main__ as command_line
from drill import measures, plan_file
from drill.folder import CHECKOUT
from drill.journal import Journal
from drill.model import Sample
from drill.plan import FaultSpec, Plan
from drill.stops import Stop, StopConditions
from operations.errors import Refused

SHIPPED = CHECKOUT / "drill" / "plans" / "blackout.toml"
LEAST = 'hypothesis = "h"\nwatcher = "w"\napprovers = ["a"]\nfaults = ["grey"]\n'


def _file(folder: Path, text: str) -> Path:
    file = folder / "plan.toml"
    file.write_text(text, "utf-8")
    return file


def test_shipped_plan_is_read_and_states_the_usual_drill(tmp_path: Path) -> None:
    found, reviewed = plan_file.read(SHIPPED)
    usual = Plan(drill_id="20260101T000000Z-abcdef")
    assert (found.specs, found.objects, found.seed, found.time_factor) == (usual.faults, usual.objects, 1, usual.time_factor)
    assert reviewed.file == "drill/plans/blackout.toml"
    of_a_fork = Plan(drill_id=usual.drill_id, prefix="acme", environment="qa", reviewed=reviewed)
    assert of_a_fork.abort_alarms == ("acme-lww-conflicts-qa",)
    assert (found.environment, usual.abort_alarms) == (None, ())
    assert reviewed.sha256 == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    journal = Journal(tmp_path / "j")
    targets = {one.name: one.target_seconds for one in measures.measure(journal, usual, began_at=0.0, ended_at=1.0)}
    assert all(targets[name] in {None, seconds} for name, seconds in found.targets.items())


def test_plan_without_optional_keys_has_the_usual_values(tmp_path: Path) -> None:
    found, reviewed = plan_file.read(_file(tmp_path, LEAST))
    assert (found.specs, found.objects, found.environment) == ((FaultSpec("grey"),), 200, None)
    assert (reviewed.abort_alarms, reviewed.targets) == ((), {})


@pytest.mark.parametrize(
    ("text", "output"),
    [
        (LEAST.replace('"h"', '""'), "hypothesis = '': string should have at least 1 character"),
        (LEAST.replace('"h"', '" "'), "hypothesis = ' ': string should match pattern"),
        (LEAST.replace('"w"', "3"), "watcher = 3: input should be a valid string"),
        (LEAST.replace('["a"]', "[]"), "approvers = []: list should have at least 1 item"),
        (LEAST.replace("approvers", "approver"), "the key approvers is missing; there is no key approver; the keys are"),
        (LEAST.replace('["grey"]', '["gray"]'), "There is no fault 'gray'."),
        (LEAST.replace('["grey"]', '["grey@lunch"]'), "a drill has no phase 'lunch'"),
        (LEAST + "objects = -1", "objects = -1: input should be greater than or equal to 0"),
        (LEAST + "objects = true", "objects = True: input should be a valid integer"),
        (LEAST + "time_factor = 101", "time_factor = 101: input should be less than or equal to 100"),
        (LEAST + "time_factor = nan", "time_factor = nan: input should be a finite number"),
        (LEAST + "[targets]\nfull_drill = 0", "targets.full_drill = 0: input should be greater than 0"),
        (LEAST + "[targets]\nlunch = 1", "targets.lunch = 1: the drill measures no such duration; it measures detect,"),
        (LEAST + f"abort_alarms = {['x'] * 101}", "list should have at most 100 items"),
        ("hypothesis = ", "it is no TOML: Invalid value"),
        ("\x00", "it is no TOML: "),
    ],
)
def test_plan_file_wrong_content_is_refused(tmp_path: Path, text: str, output: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_file.read(_file(tmp_path, text))
    assert output in caught.value.message
    assert str(tmp_path / "plan.toml") in caught.value.message
    assert "Nothing was started." in caught.value.hint


def test_plan_file_that_is_unreadable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for file, output in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "binary.toml", "it is no UTF-8 text"),
    ):
        with pytest.raises(Refused, match=output):
            plan_file.read(file)


def test_plan_file_with_a_flag_is_refused() -> None:
    with pytest.raises(Refused, match="--objects, --seed would change what was reviewed"):
        command_line._wanted(SHIPPED, {"--fault": None, "--objects": 0, "--seed": 1})  # noqa: SLF001 - what `run` asks


def test_reviewed_plan_survives_the_journal_and_sets_the_targets(tmp_path: Path) -> None:
    text = LEAST + 'abort_alarms = ["x"]\n[targets]\nfull_drill = 5\ndetect = 7\n'
    _, reviewed = plan_file.read(_file(tmp_path, text))
    plan = Plan(drill_id="20260101T000000Z-abcdef", reviewed=reviewed)
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    found = {one.name: one for one in measures.measure(Journal(tmp_path / "j"), plan, began_at=0.0, ended_at=6.0)}
    assert (found["full_drill"].target_seconds, found["full_drill"].met) == (5, False)
    assert (found["detect"].target_seconds, found["switch"].target_seconds) == (7, None)


def test_abort_alarm_in_alarm_stops_the_drill(tmp_path: Path) -> None:
    stops = StopConditions(Journal(tmp_path / "j"), ("us-east-1", "us-west-2"))
    sample = {"us-east-1": Sample(seconds=1, region="us-east-1")}
    stops.check(sample, {"us-east-1": []})
    with pytest.raises(Stop, match="The plan's abort alarm x is in ALARM in us-west-2"):
        stops.check(sample, {"us-east-1": [], "us-west-2": ["x"]})
