"""The operator's commands: their confirmations, refusals and output, and the status of regions that do not answer."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from handlers.observer.peer import is_forced
from operations import __main__ as command_line
from operations import status as regions
from operations.force import set_forced
from operations.register import Register
from operations.status import RegionStatus
from operations.target import Target
from unit_tests.operations.conftest import put_claim

EAST, WEST = "us-east-1", "us-west-2"
WHERE = ["--account", "123456789012", "--environment", "staging"]


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line.app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--account", "12", "status"], "'12' is not an account id."),
        (
            ["--account", "210987654321", "status"],
            "STS in us-east-1 reports that these credentials belong to account 123456789012",
        ),
        (
            [*WHERE, "--secondary", EAST, "status"],
            "The regions contradict each other: primary us-east-1, secondary us-e",
        ),
        ([*WHERE, "promote", "eu-west-1", "--yes"], "'eu-west-1' is not a region of this platform."),
        ([*WHERE, "promote", EAST, "--region", WEST, "--yes"], "us-east-1 and --region us-west-2 name different regions."),
        ([*WHERE, "--primary", "us-eats-1", "status"], "'us-eats-1' is not a region of AWS."),
        ([*WHERE, "--secondary", "a b", "promote", "--yes"], "'a b' is not a region of AWS."),
        (["--environment", "nope", "status"], "type this: --environment prod"),
        ([*WHERE, "promote", WEST], "It needs a confirmation, and the input is not a terminal."),
        ([*WHERE, "force"], "It needs a confirmation, and the input is not a terminal."),
        ([*WHERE, "reprocess", "incoming/a/"], "It needs a confirmation, and the input is not a terminal."),
        ([*WHERE, "reprocess", "uploads/"], "Type a prefix that begins with incoming/."),
        (["--target", "nowhere.json", "status"], "nowhere.json is not a target file"),
        (["--local", "status"], "--local: no local cloud of "),
    ],
)
def test_operate_wrong_usage_is_refused_and_changes_nothing(
    target: Target, arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path)
        code, output = _type(*arguments)
    assert (code, expected in output, "Traceback" in output) == (2, True, False), output
    assert Register(target, WEST).claims() == {}


def test_operate_malformed_target_file_is_refused(target: Target, tmp_path: Path) -> None:
    assert target
    file = tmp_path / "target.json"
    file.write_text("{}", "utf-8")
    code, output = _type("--target", str(file), "status")
    assert (code, "is not a target file" in output) == (2, True), output


def test_second_promotion_reports_that_nothing_was_written(target: Target) -> None:
    code, output = _type(*WHERE, "promote", WEST, "--yes")
    assert (code, "us-west-2 is active, epoch 1; us-east-1 was active before." in output) == (0, True), output
    assert "3 calls, all to us-west-2" in output
    code, output = _type(*WHERE, "promote", "--region", WEST, "--yes")
    assert (code, "active already, epoch 1. Nothing changes, and nothing was written." in output) == (0, True), output
    assert Register(target, WEST).claims() == {WEST: 1}


def test_promotion_of_the_active_region_asks_for_no_confirmation(target: Target) -> None:
    code, output = _type(*WHERE, "promote", EAST)
    assert (code, "us-east-1 is active already, epoch 0. Nothing changes" in output) == (0, True), output
    assert Register(target, EAST).claims() == {}


@pytest.mark.parametrize(("region", "other"), [(EAST, WEST), (WEST, EAST)])
def test_promotion_of_one_side_ends_a_split_brain(target: Target, region: str, other: str) -> None:
    put_claim(region, region, 3)
    put_claim(other, other, 4)
    code, output = _type(*WHERE, "status")
    assert "Split brain: each region holds itself active, and both process" in output
    code, output = _type(*WHERE, "promote", region, "--yes")
    assert (code, f"Split brain: {region} holds itself active, epoch 3; the other replica holds epoch 4" in output) == (
        0,
        True,
    )
    assert Register(target, region).claims() == {region: 5}


def test_split_brain_without_a_processing_region_is_named(target: Target) -> None:
    assert target.regions == (EAST, WEST)
    put_claim(EAST, WEST, 3)
    put_claim(WEST, EAST, 4)
    _, output = _type(*WHERE, "status")
    assert "Split brain: each region holds the other one active, and none processes." in " ".join(output.split())
    assert "by us-east-1's replica us-west-2 is active (us-west-2 3)" in " ".join(output.split())


def test_failback_with_unmet_conditions_is_refused(target: Target) -> None:
    Register(target, WEST).promote()
    code, output = _type(*WHERE, "failback", "--yes", "--wait", "0")
    assert (code, "Failback is refused." in output) == (2, True), output
    assert Register(target, EAST).claims() == {}


@pytest.mark.parametrize("forced", [True, False])
def test_force_writes_the_row_that_the_secondarys_observer_reads(target: Target, forced: bool) -> None:  # noqa: FBT001
    set_forced(target, forced=not forced)
    set_forced(target, forced=forced)
    assert is_forced(boto3.client("dynamodb", region_name=WEST), target.table_name, WEST) is forced
    assert boto3.client("dynamodb", region_name=EAST).scan(TableName=target.table_name)["Items"] == []


def test_a_region_without_a_table_is_shown_as_not_answering(target: Target) -> None:
    boto3.client("dynamodb", region_name=EAST).delete_table(TableName=target.table_name)
    east, west = regions.look(target)
    assert (east.claims, west.claims) == (None, {})
    assert east.problems[0].startswith("the table: ")
    code, output = _type(*WHERE, "status")
    assert (code, "does not answer" in output) == (1, True), output


def _status(region: str, claims: dict[str, int] | None, **more: object) -> RegionStatus:
    return RegionStatus(region, claims=claims, ready=True, **more)  # type: ignore[arg-type]


def test_who_is_active_is_merged_from_what_each_replica_holds() -> None:
    apart = [_status(EAST, {EAST: 2}), _status(WEST, {EAST: 2, WEST: 3})]
    assert regions.active(apart, primary=EAST) == WEST
    assert not regions.agree(apart)
    assert regions.active([_status(EAST, None)], primary=EAST) is None
