"""Each command prints the account first, and in a protected environment a change needs `--account`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner

from operations import __main__ as command_line
from operations.register import Register
from operations.target import Target
from unit_tests.operations.conftest import create_table, lose, lose_service

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "123456789012"
CHANGES = [
    ["promote", "--yes"],
    ["failback", "--yes"],
    ["force", "--yes"],
    ["unforce", "--yes"],
    ["reprocess", "incoming/", "--yes"],
]
NOT_VERIFIED = f"Account {ACCOUNT}, NOT VERIFIED"


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command_line.app, list(arguments))
    return result.exit_code, result.output


def _rows(target: Target) -> int:
    tables = [boto3.client("dynamodb", region_name=region) for region in target.regions]
    return sum(table.scan(TableName=target.table_name)["Count"] for table in tables)


@pytest.mark.parametrize("arguments", [["status"], *CHANGES])
@pytest.mark.parametrize("named", [[], ["--account", ACCOUNT]])
def test_the_first_line_names_the_account_and_the_caller(target: Target, named: list[str], arguments: list[str]) -> None:
    assert target
    _, output = _type(*named, "--environment", "staging", *arguments)
    first = output.splitlines()[0]
    assert first.startswith(f"Account {ACCOUNT}, caller arn:aws:sts::{ACCOUNT}:"), output
    assert ", confirmed by STS in us-" in first


@pytest.mark.parametrize("arguments", CHANGES)
def test_a_change_in_prod_without_an_account_is_refused(target: Target, arguments: list[str]) -> None:
    hosts = lose(target)
    code, output = _type(*arguments)
    assert (
        code,
        "--account is missing: this command changes the environment prod" in output,
        f"--account {ACCOUNT}" in output,
    ) == (2, True, False), output
    assert "Type --account and the 12 digits of the account" in output
    assert hosts == []


@pytest.mark.parametrize("flag", [[], ["--account-unverified"]])
def test_status_in_prod_needs_no_account_and_shows_it(target: Target, flag: list[str]) -> None:
    assert target
    _, output = _type(*flag, "status")
    assert output.startswith(f"Account {ACCOUNT}, caller arn:"), output


def test_the_unverified_flag_alone_is_not_an_account(target: Target) -> None:
    assert target
    code, output = _type("--account-unverified", "promote", "--yes")
    assert (code, "--account is missing: this command changes the environment prod" in output) == (2, True), output


@pytest.mark.parametrize("flag", [[], ["--account-unverified"]])
@pytest.mark.parametrize("arguments", [["status"], *CHANGES])
def test_another_account_is_refused_with_the_flag_too(target: Target, flag: list[str], arguments: list[str]) -> None:
    code, output = _type("--account", "210987654321", *flag, "--environment", "staging", *arguments)
    assert (code, f"these credentials belong to account {ACCOUNT}, not to 210987654321" in output) == (2, True), output
    assert _rows(target) == 0


@pytest.mark.parametrize("arguments", CHANGES)
@pytest.mark.parametrize("named", [[], ["--account", ACCOUNT]])
def test_a_change_is_refused_while_sts_is_out(target: Target, named: list[str], arguments: list[str]) -> None:
    lose_service(target, "sts")
    code, output = _type(*named, "--environment", "staging", *arguments)
    assert (code, "add --account-unverified" in output) == (2, True), output
    assert _rows(target) == 0


@pytest.mark.parametrize(
    ("arguments", "done"),
    [(["promote", "--yes"], "us-west-2 is active, epoch 1"), (["force", "--yes"], "publishes ForceFailover 1")],
)
def test_unverified_flag_without_sts_continues_and_is_printed(target: Target, arguments: list[str], done: str) -> None:
    lose_service(target, "sts")
    code, output = _type("--account", ACCOUNT, "--account-unverified", "--environment", "staging", *arguments)
    assert (code, done in output) == (0, True), output
    assert output.startswith(f"{NOT_VERIFIED} (--account-unverified): STS in us-west-2 does not answer"), output


def test_status_without_sts_shows_the_regions_and_no_account(target: Target) -> None:
    lose_service(target, "sts")
    code, output = _type("--environment", "staging", "status")
    assert output.startswith("Account not verified: STS in us-east-1 does not answer"), output
    assert (code, "claims (epoch by region)" in output) == (0, True), output


def test_status_of_a_given_account_without_sts_needs_the_flag(target: Target) -> None:
    lose_service(target, "sts")
    where = ["--account", ACCOUNT, "--environment", "staging"]
    assert _type(*where, "status")[0] == 2
    code, output = _type(*where, "--account-unverified", "status")
    assert (code, output.startswith(NOT_VERIFIED)) == (0, True), output


def test_missing_credentials_are_not_an_sts_outage(target: Target) -> None:
    with patch("botocore.signers.RequestSigner.sign", side_effect=NoCredentialsError):
        code, output = _type("--account", ACCOUNT, "--account-unverified", "--environment", "staging", "promote", "--yes")
    assert (code, "Log in first" in output) == (2, True), output
    assert _rows(target) == 0


@pytest.mark.parametrize(
    "command", [["files", "a"], ["logs"], ["endpoints"], ["dlq", "list"], ["dlq", "redrive"], ["replay", "incoming/a"]]
)
@pytest.mark.parametrize("named", [[], ["--account", ACCOUNT]])
def test_missing_credentials_are_not_a_lost_region(target: Target, named: list[str], command: list[str]) -> None:
    assert target
    with patch("botocore.signers.RequestSigner.sign", side_effect=NoCredentialsError):
        code, output = _type(*named, "--environment", "staging", *command)
    assert (code, "Log in first" in output, "No re" in output) == (2, True, False), output


@pytest.mark.parametrize(
    ("option", "own", "other"),
    [
        ("account", ACCOUNT, "210987654321"),
        ("environment", "prod", "staging"),
        ("primary", "us-east-1", "us-west-2"),
        ("secondary", "us-west-2", "eu-west-1"),
        ("name-prefix", "serverless", "acme"),
    ],
)
def test_option_beside_a_target_file_must_be_the_files(
    target: Target, tmp_path: Path, option: str, own: str, other: str
) -> None:
    file = tmp_path / "target.json"
    replace(target, environment="prod").save(file)
    for given in (own, other):
        code, output = _type(f"--{option}", given, "--target", str(file), "status")
        assert (f"names {option} '{own}', and --{option} is {given}" in output) == (given == other), output
        assert (code == 2) == (given == other), output


def test_a_promotion_in_prod_with_its_account_is_made(target: Target) -> None:
    create_table(WEST, replace(target, environment="prod").table_name)
    code, output = _type("--account", ACCOUNT, "promote", "--yes")
    assert (code, "us-west-2 is active, epoch 1" in output) == (0, True), output
    assert Register(replace(target, environment="prod"), WEST).claims() == {WEST: 1}
