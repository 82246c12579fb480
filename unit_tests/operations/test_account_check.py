"""A command asks STS of the region that it changes, and no other: the other region may be down."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations import __main__ as command_line
from operations.target import Target
from unit_tests.operations.conftest import lose

EAST, WEST = "us-east-1", "us-west-2"
WHERE = ["--account", "123456789012", "--environment", "staging"]


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line.app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture(params=["named account", "target file"])
def where(request: pytest.FixtureRequest, target: Target, tmp_path: Path) -> list[str]:
    """Both ways to name the platform."""
    if request.param == "named account":
        return WHERE
    target.save(tmp_path / "target.json")
    return ["--target", str(tmp_path / "target.json")]


@pytest.mark.parametrize(
    ("lost", "arguments", "shown"),
    [
        (EAST, ["promote", "--yes"], "us-west-2 is active, epoch 1"),
        (EAST, ["force", "--yes"], "The observer of us-west-2 publishes ForceFailover 1"),
        (EAST, ["unforce", "--yes"], "The observer of us-west-2 publishes ForceFailover 0"),
    ],
)
def test_the_other_region_is_not_asked(
    target: Target, where: list[str], lost: str, arguments: list[str], shown: str
) -> None:
    hosts = lose(target, lost)
    code, output = _type(*where, *arguments)
    assert (code, shown in output) == (0, True), output
    acted_on = WEST if lost == EAST else EAST
    assert f"sts.{acted_on}.amazonaws.com" in hosts
    assert [host for host in hosts if acted_on not in host] == []


def test_promote_active_region_asks_the_lost_one_for_its_claims_alone(target: Target, where: list[str]) -> None:
    hosts = lose(target, WEST)
    code, output = _type(*where, "promote", EAST, "--yes")
    assert (code, "us-east-1 is active already" in output) == (0, True), output
    assert {host for host in hosts if EAST not in host} == {f"dynamodb.{WEST}.amazonaws.com"}


@pytest.mark.parametrize(("lost", "answers"), [(EAST, WEST), (WEST, EAST)])
def test_status_proves_the_account_by_whichever_region_answers(
    target: Target, where: list[str], lost: str, answers: str
) -> None:
    hosts = lose(target, lost)
    code, output = _type(*where, "status")
    assert (code, f"{lost}: the table: Could not connect" in output) == (1, True), output
    assert f"sts.{answers}.amazonaws.com" in hosts
    assert "sts.amazonaws.com" not in hosts


def test_status_of_another_account_is_refused_though_a_region_is_lost(target: Target) -> None:
    lose(target, EAST)
    code, output = _type("--account", "210987654321", "status")
    assert (code, "STS in us-west-2 reports that these credentials belong to account 123456789012" in output) == (2, True), (
        output
    )


def test_account_without_any_sts_answer_is_not_verified(target: Target, where: list[str]) -> None:
    lose(target, EAST, WEST)
    code, output = _type(*where, "status")
    assert (code, output.count("does not answer")) == (2, 2), output
    assert "Log in" not in output


def test_action_on_the_lost_region_is_refused_with_a_hint(target: Target, where: list[str]) -> None:
    lose(target, WEST)
    code, output = _type(*where, "promote", WEST, "--yes")
    assert (code, "If us-west-2 is the region that is down, act on the other one." in output) == (2, True), output


def test_sts_is_never_asked_at_its_global_endpoint(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    assert target.client("sts", EAST).meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"


def test_unknown_profile_is_reported(target: Target) -> None:
    assert target
    code, output = _type(*WHERE, "--profile", "nobody", "status")
    assert (code, "nobody" in output, "aws configure list-profiles" in output) == (2, True, True), output
