"""The operator's commands: what they ask, what they refuse, what they say; and the status of what does not answer."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from handlers.observer.force import is_forced
from operations import __main__ as command_line
from operations import status as regions
from operations.force import set_forced
from operations.register import Register
from operations.status import RegionStatus
from operations.target import Target

EAST, WEST = "us-east-1", "us-west-2"
WHERE = ["--account", "123456789012", "--environment", "staging"]


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line.app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "12", "status"], "'12' is no account."),
        (["--account", "210987654321", "status"], "STS in us-east-1 says that these credentials are account 123456789012's"),
        (
            [*WHERE, "--secondary", EAST, "status"],
            "The regions contradict each other: primary us-east-1, secondary us-e",
        ),
        ([*WHERE, "promote", "eu-west-1", "--yes"], "'eu-west-1' is no region of this platform."),
        ([*WHERE, "promote", WEST], "Nobody is here to confirm it."),
        ([*WHERE, "force"], "Nobody is here to confirm it."),
        ([*WHERE, "reprocess", "incoming/a/"], "Nobody is here to confirm it."),
        ([*WHERE, "reprocess", "uploads/"], "Type one that begins with incoming/."),
        (["--target", "nowhere.json", "status"], "nowhere.json is no target"),
    ],
)
def test_wrong_use_is_taught_and_changes_nothing(target: Target, arguments: list[str], said: str) -> None:
    code, output = _type(*arguments)
    assert (code, said in output, "Traceback" in output) == (2, True, False), output
    assert Register(target, WEST).claims() == {}


def test_a_target_that_is_no_target_is_told(target: Target, tmp_path: Path) -> None:
    assert target
    file = tmp_path / "target.json"
    file.write_text("{}", "utf-8")
    code, output = _type("--target", str(file), "status")
    assert (code, "is no target" in output) == (2, True), output


def test_a_promotion_says_what_it_did_and_a_second_one_that_there_was_nothing_to_do(target: Target) -> None:
    code, output = _type(*WHERE, "promote", WEST, "--yes")
    assert (code, "us-west-2 is active, epoch 1; before it was us-east-1." in output) == (0, True), output
    assert "3 calls, all to us-west-2" in output
    code, output = _type(*WHERE, "promote", "--region", WEST, "--yes")
    assert (code, "active already, epoch 1; nothing was written" in output) == (0, True), output
    assert Register(target, WEST).claims() == {WEST: 1}


def test_a_failback_is_refused_while_the_gate_is_shut(target: Target) -> None:
    Register(target, WEST).promote()
    code, output = _type(*WHERE, "failback", "--yes")
    assert (code, "It is not time to go back." in output) == (2, True), output
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
