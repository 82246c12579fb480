"""The commands that run the CDK CLI: the arguments that they give to it, and their exit status."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from lockstep import cdk


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of each run of the CLI."""
    given: list[list[str]] = []
    monkeypatch.setattr("infra.cdk_cli.main", given.append)
    return given


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["synth"], ["synth", "--quiet"]),
        (["synth", "--environment", "dev"], ["synth", "--quiet", "-c", "environment=dev"]),
        (["diff", "-c", "retention.logs_days=30"], ["diff", "-c", "retention.logs_days=30"]),
        (["deploy"], ["deploy", "--all"]),
        (["deploy", "--all"], ["deploy", "--all"]),
        (["deploy", "Data", "--profile", "p"], ["deploy", "Data", "--profile", "p"]),
        (["deploy", "-c", "a=b", "Data"], ["deploy", "-c", "a=b", "Data"]),
        (
            ["deploy", "--require-approval", "never", "--environment", "dev"],
            ["deploy", "--require-approval", "never", "-c", "environment=dev", "--all"],
        ),
        (["destroy", "--environment", "dev"], ["destroy", "-c", "environment=dev", "--all"]),
        (["bootstrap", "aws://123456789012/us-east-1"], ["bootstrap", "aws://123456789012/us-east-1"]),
    ],
)
def test_command_gives_the_cli_its_arguments(given: list[list[str]], typed: list[str], expected: list[str]) -> None:
    assert CliRunner().invoke(cdk.app, typed).exit_code == 0
    assert given == [expected]


def test_refused_option_ends_with_2_and_runs_nothing(given: list[list[str]]) -> None:
    result = CliRunner().invoke(cdk.app, ["deploy", "--role-arn", "x"])
    assert (result.exit_code, "'--role-arn' is refused with 'deploy'" in result.output, given) == (2, True, [])


@pytest.mark.parametrize(("ended", "expected"), [("names no account", 2), (1, 1), (0, 0)])
def test_exit_status_of_the_cli_is_kept_and_a_refusal_is_2(
    monkeypatch: pytest.MonkeyPatch, ended: str | int, expected: int
) -> None:
    monkeypatch.setattr("infra.cdk_cli.main", lambda _: sys.exit(ended))
    result = CliRunner().invoke(cdk.app, ["diff"])
    assert result.exit_code == expected
    assert (str(ended) in result.output) is isinstance(ended, str)
