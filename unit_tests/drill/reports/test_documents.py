"""Test that the commands in the runbook and docs/drill.md work on the platform and the drill."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import jmespath  # type: ignore[import-untyped]
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.main import get_command

from drill.__main__ import app
from drill.faults import FAULTS
from drill.phases import ALL
from drill.plan import PHASES
from handlers.shared import schema
from handlers.shared.claims import EPOCH_LIMIT, Active, EpochsExhaustedError
from handlers.shared.control import ControlRegister
from operations.register import Register

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from unit_tests.infra.synthesis import Template

DOCS = Path(__file__).parents[3] / "docs"
RUNBOOK, DRILL = (DOCS / "runbook.md").read_text("utf-8"), (DOCS / "drill.md").read_text("utf-8")
SECONDARY, PRIMARY, TABLE = "us-west-2", "us-east-1", "serverless-ledger-prod"


_CLAIMS, _LOWERS = "attribute_not_exists(pk)", "epoch = :held"
"""Distinguishes the two commands that write a control row."""


def _typed(*beginning: str, holding: str = "") -> dict[str, str]:
    """Return the options of the runbook's only command with this beginning and this text, as a shell parses them."""
    wanted = ["aws", *beginning]
    (words,) = [
        split for line in RUNBOOK.splitlines() if holding in line and (split := _split(line))[: len(wanted)] == wanted
    ]
    options = words[len(wanted) :]
    named = [index for index, word in enumerate(options) if word.startswith("--")]
    ends = [*named[1:], len(options)]
    return {options[at]: " ".join(options[at + 1 : end]) for at, end in zip(named, ends, strict=True)}


def _split(line: str) -> list[str]:
    return shlex.split(line) if line.startswith("aws ") else []


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """The secondary's replica of the ledger."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name=SECONDARY)
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def _claim(dynamodb: DynamoDBClient, *, region: str = SECONDARY, epoch: int = 1) -> None:
    """Run the claim with the runbook's replacements."""
    options = {
        name: value.replace('"N": "1"', f'"N": "{epoch}"').replace(f"CONTROL#{SECONDARY}", f"CONTROL#{region}")
        for name, value in _typed("dynamodb", "put-item", holding=_CLAIMS).items()
    }
    assert set(options) == {"--region", "--table-name", "--item", "--condition-expression", "--expression-attribute-values"}
    dynamodb.put_item(
        TableName=options["--table-name"],
        Item=json.loads(options["--item"]),
        ConditionExpression=options["--condition-expression"],
        ExpressionAttributeValues=json.loads(options["--expression-attribute-values"]),
    )


def test_typed_claim_promotes_the_secondary_and_the_next_the_primary(dynamodb: DynamoDBClient) -> None:
    register = ControlRegister(dynamodb=dynamodb, table_name=TABLE, regions=(PRIMARY, SECONDARY))
    assert register.read() == Active(region=PRIMARY, epoch=0)

    _claim(dynamodb)
    assert register.read() == Active(region=SECONDARY, epoch=1)

    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        _claim(dynamodb)
    _claim(dynamodb, region=PRIMARY, epoch=2)
    assert register.read() == Active(region=PRIMARY, epoch=2)


def test_typed_command_lowers_an_epoch_at_its_limit_and_frees_promote(dynamodb: DynamoDBClient) -> None:
    register = ControlRegister(dynamodb=dynamodb, table_name=TABLE, regions=(PRIMARY, SECONDARY))
    _claim(dynamodb, epoch=EPOCH_LIMIT - 1)
    with pytest.raises(EpochsExhaustedError):
        register.claim(PRIMARY, claimed_by="test", claimed_at="now")
    options = _typed("dynamodb", "put-item", holding=_LOWERS)
    dynamodb.put_item(
        TableName=options["--table-name"],
        Item=json.loads(options["--item"]),
        ConditionExpression=options["--condition-expression"],
        ExpressionAttributeValues=json.loads(options["--expression-attribute-values"]),
    )
    assert register.read() == Active(region=PRIMARY, epoch=0)
    assert register.claim(SECONDARY, claimed_by="test", claimed_at="now") == Active(region=SECONDARY, epoch=1)


def test_typed_query_returns_the_claims(dynamodb: DynamoDBClient) -> None:
    _claim(dynamodb, epoch=7)
    _claim(dynamodb, region=PRIMARY, epoch=6)
    options = _typed("dynamodb", "batch-get-item")

    answer = dynamodb.batch_get_item(RequestItems=json.loads(options["--request-items"]))

    found = jmespath.search(options["--query"], answer)
    # A scalar in each column: the AWS CLI refuses to print an object beside a text.
    assert sorted(found) == [[f"CONTROL#{PRIMARY}", '{"N":"6"}'], [f"CONTROL#{SECONDARY}", '{"N":"7"}']]


def test_typed_claim_equals_that_of_operate() -> None:
    class _Client:
        sent: Mapping[str, Any]

        def get_item(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
            return {}

        def put_item(self, **sent: Any) -> None:  # noqa: ANN401 - boto3's
            self.sent = sent

    class _Target:
        table_name, regions = TABLE, (PRIMARY, SECONDARY)
        made = _Client()

        def client(self, *_: str) -> _Client:
            return self.made

        fail_fast_client = operator_client = client

    target = _Target()
    Register(target, SECONDARY).promote()  # type: ignore[arg-type]

    options = _typed("dynamodb", "put-item", holding=_CLAIMS)
    assert options["--region"] == SECONDARY
    assert target.made.sent["TableName"] == options["--table-name"]
    typed = json.loads(options["--item"])
    assert {name: target.made.sent["Item"][name] for name in typed} == typed


def test_typed_force_is_the_row_that_the_observer_reads() -> None:
    options = _typed("dynamodb", "put-item", holding="FORCE#")
    assert (options["--region"], options["--table-name"]) == (SECONDARY, TABLE)
    assert json.loads(options["--item"]) == {
        "pk": {"S": schema.force_partition_key(SECONDARY)},
        "sk": {"S": schema.LATEST},
        "forced": {"BOOL": True},
    }


def test_names_in_the_runbook_are_deployed(templates: Mapping[str, Template]) -> None:
    deployed = json.dumps(list(templates.values()))

    names = set(re.findall(r"serverless-[a-z-]+-prod", RUNBOOK))

    assert len(names) >= 5
    assert {name for name in names if f'"{name}"' not in deployed} == set()


def test_commands_of_the_runbook_name_a_region() -> None:
    commands = [words for line in RUNBOOK.splitlines() if (words := _split(line))]

    assert len(commands) == 6
    assert all("--region" in words and words[words.index("--region") + 1] == SECONDARY for words in commands)


def test_tutorial_shows_the_phases_as_a_drill_prints_them() -> None:
    tutorial = (DOCS / "tutorial.md").read_text("utf-8")
    assert [line for phase in ALL if (line := f"\n  {phase.name:<10} {phase.title}\n") not in tutorial] == []
    done = dict(re.findall(r"^(\w+): (.+): done in ", tutorial, re.MULTILINE))
    titles = {phase.name: phase.title for phase in ALL}
    assert {name: titles[name] for name in done if name in titles}.items() <= done.items()
    assert len(done.keys() & titles) > len(titles) / 2


def test_drill_page_lists_every_flag_fault_and_phase() -> None:
    commands: Any = get_command(app)
    parameters = [one for name in ("run", "export") for one in commands.commands[name].params]
    flags = {option for one in parameters for option in one.opts if option.startswith("--")}

    of_others = {"--cli-input-json", "--drills", "--key"}  # of the AWS CLI, and of `compliance verify`
    assert set(re.findall(r"--[a-z][a-z-]+", DRILL)) <= flags | of_others
    assert flags - set(re.findall(r"--[a-z][a-z-]+", DRILL)) <= {"--help", "--profile", "--output"}
    assert {name for name in FAULTS if f"| `{name}` |" not in DRILL} == set()
    assert [row for row in re.findall(r"^\| ([a-z]+) \|", DRILL, re.MULTILINE) if row in PHASES] == list(PHASES)
