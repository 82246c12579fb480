"""Test drills of a real account: they need all options, and each fault has a stop condition and a way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.model import ServiceModel
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from drill.faults import FAULTS
from drill.plan import Plan
from drill.targets.live import CONCURRENCY_TAG, TAG, LiveTarget, deny_table, require_leave
from operations.errors import Refused, RunFailure

Json: TypeAlias = Any
"""The content of a request."""
EAST, WEST = "us-east-1", "us-west-2"
PLAN = Plan(
    drill_id="20260101T000000Z-abcdef",
    mode="live",
    account="123456789012",
    stop_alarm="users-suffer",
    fis_role="arn:aws:iam::123456789012:role/fis",
)


class FakeAws:
    """The parts of FIS and Lambda in two regions that the drill uses; each request is checked against AWS's model."""

    def __init__(self, reserved: int | None) -> None:
        self.experiments: dict[str, dict[str, Any]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.functions: dict[tuple[str, str], dict[str, Any]] = {}
        self.reserved = reserved
        self.target = SimpleNamespace(
            primary=EAST, secondary=WEST, regions=(EAST, WEST), account="123456789012", client=self.client
        )
        outputs = {"ProcessorFunctionName": "processor", "IssuerFunctionName": "issuer"}
        self.deployment = SimpleNamespace(
            regional={EAST: outputs, WEST: outputs},
            table=lambda _: "serverless-ledger-prod",
            ingest_bucket=lambda region: f"ingest-{region}",
        )

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - stands for a boto3 client
        return _Client(self, service, region)

    def function(self, region: str, name: str) -> dict[str, Any]:
        return self.functions.setdefault((region, name), {"reserved": self.reserved, "tags": {}})


class _Client:
    def __init__(self, aws: FakeAws, service: str, region: str) -> None:
        self._aws, self._region = aws, region
        self._model, self._operations = _model(service)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a client does
        shape = self._model.operation_model(self._operations[name]).input_shape

        def call(**arguments: Json) -> Any:  # noqa: ANN401 - likewise
            assert shape is not None
            validate_parameters(arguments, shape)
            return getattr(self, f"_{name}")(**arguments)

        return call

    def get_paginator(self, name: str) -> Any:  # noqa: ANN401 - a paginator
        pages = {
            "list_experiments": lambda: [{"experiments": self._list()}],
            "list_experiment_templates": lambda: [{"experimentTemplates": self._list_templates()}],
        }
        return SimpleNamespace(paginate=pages[name])

    def _list(self) -> list[dict[str, Any]]:
        return [one for one in self._aws.experiments.values() if one["region"] == self._region]

    def _create_experiment_template(self, **arguments: Json) -> Any:  # noqa: ANN401 - an answer
        return self._once(arguments["clientToken"], lambda: self._new_template(arguments))

    def _once(self, token: str, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the earlier result for a token, or a new one."""
        if token not in self._aws.tokens:
            self._aws.tokens[token] = do()
        return self._aws.tokens[token]

    def _new_template(self, arguments: dict[str, Any]) -> dict[str, Any]:
        template = {"id": f"template-{len(self._aws.tokens)}", "region": self._region, **arguments}
        self._aws.templates[template["id"]] = template
        return {"experimentTemplate": template}

    def _list_templates(self) -> list[dict[str, Any]]:
        return [one for one in self._aws.templates.values() if one["region"] == self._region]

    def _delete_experiment_template(self, *, id: str) -> None:  # noqa: A002 - AWS's own name
        del self._aws.templates[id]

    def _start_experiment(self, **arguments: Json) -> None:
        assert arguments["experimentTemplateId"] in self._aws.templates
        self._once(f"start {arguments['clientToken']}", lambda: self._start(arguments))

    def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        identity = f"experiment-{self._region}"
        assert identity not in self._aws.experiments or self._aws.experiments[identity]["state"]["status"] == "stopped"
        started = {"id": identity, "region": self._region, "tags": arguments["tags"], "state": {"status": "running"}}
        self._aws.experiments[identity] = started
        return started

    def _stop_experiment(self, *, id: str) -> None:  # noqa: A002 - AWS's own name
        self._aws.experiments[id]["state"]["status"] = "stopped"

    def _get_function(self, **arguments: Json) -> Any:  # noqa: ANN401 - an answer
        name = arguments["FunctionName"]
        held = self._aws.function(self._region, name)
        concurrency = {} if held["reserved"] is None else {"ReservedConcurrentExecutions": held["reserved"]}
        arn = f"arn:aws:lambda:{self._region}:123456789012:function:{name}"
        return {"Configuration": {"FunctionArn": arn}, "Tags": dict(held["tags"]), "Concurrency": concurrency}

    def _put_function_concurrency(self, **arguments: Json) -> None:
        held = self._aws.function(self._region, arguments["FunctionName"])
        held["reserved"] = arguments["ReservedConcurrentExecutions"]

    def _delete_function_concurrency(self, **arguments: Json) -> None:
        self._aws.function(self._region, arguments["FunctionName"])["reserved"] = None

    def _tag_resource(self, **arguments: Json) -> None:
        self._aws.function(self._region, arguments["Resource"].rpartition(":")[2])["tags"].update(arguments["Tags"])

    def _untag_resource(self, **arguments: Json) -> None:
        for key in arguments["TagKeys"]:
            del self._aws.function(self._region, arguments["Resource"].rpartition(":")[2])["tags"][key]


@cache
def _model(service: str) -> tuple[ServiceModel, dict[str, str]]:
    """Return AWS's model of a service, and the names of its operations by method."""
    model = get_session().get_service_model(service)
    return model, {_snake(name): name for name in model.operation_names}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _live(reserved: int | None = 50) -> tuple[FakeAws, Any]:
    aws = FakeAws(reserved)
    target: Any = aws.target
    deployment: Any = aws.deployment
    return aws, LiveTarget(target, deployment, "drill-abcdef", stop_alarm="users-suffer", fis_role=str(PLAN.fis_role))


@pytest.mark.parametrize(
    ("changed", "execute", "output"),
    [
        ({"account": None}, True, "--live needs one"),
        ({"account": "12345678901x"}, True, "--live needs one"),
        ({}, False, "Nothing was done."),
        ({"stop_alarm": None}, True, "--stop-alarm NAME is missing"),
        ({"fis_role": None}, True, "--fis-role ARN is missing"),
    ],
)
def test_live_drill_without_a_required_option_is_refused(changed: dict[str, Any], execute: bool, output: str) -> None:  # noqa: FBT001 - a table's column
    with pytest.raises(Refused, match=output):
        require_leave(dataclasses.replace(PLAN, **changed), execute=execute)


def test_live_drill_with_all_options_may_begin() -> None:
    require_leave(PLAN, execute=True)


@pytest.mark.parametrize("name", ["grey", "blackout", "partition"])
@pytest.mark.parametrize("reserved", [None, 50])
def test_healed_fault_leaves_nothing(name: str, reserved: int | None) -> None:
    aws, live = _live(reserved)
    for _ in range(2):
        FAULTS[name].inject(live)
    stalled = {held["reserved"] for held in aws.functions.values()}
    assert stalled == ({0} if name != "partition" else set())
    running = [one for one in aws.experiments.values() if one["state"]["status"] == "running"]
    assert len(running) == (0 if name == "grey" else 2)
    for _ in range(2):
        FAULTS[name].heal(live)
    assert all(held == {"reserved": reserved, "tags": {}} for held in aws.functions.values())
    assert all(one["state"]["status"] == "stopped" for one in aws.experiments.values())
    assert aws.templates == {}


def test_second_fault_of_a_drill_starts_its_own_experiments() -> None:
    aws, live = _live()
    for _ in range(2):
        live.set_partition(cut=True)
        assert [one["state"]["status"] for one in aws.experiments.values()] == ["running", "running"]
        live.set_partition(cut=False)


@pytest.mark.property
@given(st.lists(st.booleans(), max_size=8), st.sampled_from([None, 1, 50]))
def test_earlier_concurrency_is_restored_after_any_history(states: list[bool], reserved: int | None) -> None:
    aws, live = _live(reserved)
    for stalled in (*states, False):
        live.set_region_stalled(EAST, stalled=stalled)
    assert all(held == {"reserved": reserved, "tags": {}} for held in aws.functions.values())


def test_kill_between_the_tag_and_the_action_loses_nothing() -> None:
    aws, live = _live(7)
    aws.function(EAST, "processor")["tags"][CONCURRENCY_TAG] = "7"
    live.set_region_stalled(EAST, stalled=True)
    live.set_region_stalled(EAST, stalled=False)
    assert aws.function(EAST, "processor") == {"reserved": 7, "tags": {}}


def test_every_experiment_ends_by_an_alarm_and_by_itself() -> None:
    _, live = _live()
    for source, destination in ((EAST, WEST), (WEST, EAST)):
        template = live._template(source, destination)  # noqa: SLF001 - the request to AWS
        (stop,) = template["stopConditions"]
        assert stop == {
            "source": "aws:cloudwatch:alarm",
            "value": f"arn:aws:cloudwatch:{source}:123456789012:alarm:users-suffer",
        }
        assert {one["parameters"]["duration"] for one in template["actions"].values()} == {"PT20M"}
        assert template["tags"] == {TAG: "drill-abcdef"}
        assert {one["actionId"] for one in template["actions"].values()} == {
            "aws:s3:bucket-pause-replication",
            "aws:dynamodb:global-table-pause-replication",
        }


def test_experiments_of_others_are_left_alone() -> None:
    aws, live = _live()
    others = {"id": "theirs", "region": EAST, "tags": {TAG: "drill-000000"}, "state": {"status": "running"}}
    aws.experiments["theirs"] = others
    aws.templates["theirs"] = {"id": "theirs", "region": EAST, "tags": {TAG: "drill-000000"}}
    live.set_partition(cut=False)
    assert others["state"] == {"status": "running"}
    assert list(aws.templates) == ["theirs"]


@pytest.mark.parametrize("name", ["lag", "throttle", "reorder"])
def test_fault_impossible_on_aws_is_refused_and_its_healing_is_not(name: str) -> None:
    _, live = _live()
    with pytest.raises(RunFailure, match="cannot be injected on AWS"):
        FAULTS[name].inject(live)
    FAULTS[name].heal(live)


def test_rights_are_taken_by_a_policy_and_come_back() -> None:
    with mock_aws():
        iam = boto3.client("iam", region_name=EAST)
        iam.create_role(RoleName="processor", AssumeRolePolicyDocument="{}")
        for denied in (True, True, False, False):
            deny_table(iam, "processor", denied=denied)
            assert bool(iam.list_role_policies(RoleName="processor")["PolicyNames"]) == denied
