"""A resource that was not read, or is gone, is a finding; it never counts as a resource without drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from compliance.engine.matrix import Configuration
from compliance.gate import GateError
from compliance.live import __main__ as command
from compliance.live.defaults import is_default
from compliance.live.deployed import Deployed, deployed
from compliance.live.drift import Drift, read_stacks

URL = "https://sqs.us-east-1.amazonaws.com/111111111111/orders-7"
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders-7", "VisibilityTimeout": 60}}
TABLE = {"Type": "AWS::Timestream::Table", "Properties": {"TableName": "t"}}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Question")


class Pages:
    """The only page of an answer."""

    def __init__(self, page: dict[str, Any]) -> None:
        self._page = page

    def paginate(self, **_asked: str) -> list[dict[str, Any]]:
        return [self._page]


class FakeAws:
    """Answers for one stack. Each answer is a value, or an error to raise."""

    account = "111111111111"

    def __init__(self, resources: dict[str, Any], status: str = "UPDATE_COMPLETE", **answers: object) -> None:
        self._resources = resources
        self._answers = {
            "get_template": {"TemplateBody": {"Resources": resources}},
            "describe_stacks": {"Stacks": [{"StackStatus": status}]},
            "list_queue_tags": {},
            "get_caller_identity": {"Account": self.account},
            **answers,
        }

    def client(self, _service: str, _region: str) -> FakeAws:
        return self

    def get_paginator(self, _name: str) -> Pages:
        there = [{"LogicalResourceId": one, "PhysicalResourceId": URL, "ResourceStatus": "X"} for one in self._resources]
        return Pages({"StackResourceSummaries": there, "Exports": []})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def answer(**_asked: Any) -> Any:  # noqa: ANN401 - a boto3 client
            found = self._answers[name]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def drift_of(cloud: FakeAws) -> Drift:
    body = {"Resources": {"Queue": QUEUE}}
    return read_stacks(cloud, [Template(name="Stack", stack_name="stack", region="us-east-1", body=body)])


def rows_of(cloud: FakeAws) -> set[tuple[str, Verdict, str]]:
    found = drift_of(cloud).rows(Configuration(name="prod live", environment="prod"))
    return {(row.rule.rpartition("-")[2], row.verdict, row.message) for row in found.rows if row.verdict is not Verdict.PASS}


def held(**attributes: str) -> dict[str, Any]:
    return {"Attributes": {"VisibilityTimeout": "60", **attributes}}


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_arn_of_a_reference_has_the_partition_of_its_region(region: str, partition: str) -> None:
    reference = {"Type": "AWS::SQS::Queue", "Properties": {"Reference": {"Fn::GetAtt": ["Queue", "Arn"]}}}

    _, resource = deployed(FakeAws({"Queue": QUEUE, "Other": reference}), "stack", region).resources

    assert resource.properties == {"Reference": f"arn:{partition}:sqs:{region}:111111111111:orders-7"}


def test_unchanged_queue_has_no_finding() -> None:
    assert rows_of(FakeAws({"Queue": QUEUE}, get_queue_attributes=held(MessageRetentionPeriod="345600"))) == set()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"VisibilityTimeout": "7"}, 'VisibilityTimeout: the template has 60, the cloud has "7"'),
        ({"DelaySeconds": "7"}, 'DelaySeconds: the template has nothing, the cloud has "7"'),
        ({"SqsManagedSseEnabled": "false"}, 'SqsManagedSseEnabled: the template has nothing, the cloud has "false"'),
    ],
)
def test_changed_queue_is_a_finding_and_changed_in_the_live_template(attributes: dict[str, str], message: str) -> None:
    cloud = FakeAws({"Queue": QUEUE}, get_queue_attributes=held(**attributes))
    assert rows_of(cloud) == {("Properties", Verdict.FAIL, message)}
    (template,) = drift_of(cloud).templates()
    assert template.body["Resources"]["Queue"]["Properties"] == {**QUEUE["Properties"], **attributes}  # type: ignore[dict-item]


def test_policy_that_no_template_declares_is_a_finding_and_judged() -> None:
    policy = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}'
    cloud = FakeAws({"Queue": QUEUE}, get_queue_attributes=held(Policy=policy))
    ((rule, verdict, _),) = rows_of(cloud)
    assert (rule, verdict) == ("Declared", Verdict.FAIL)
    (template,) = drift_of(cloud).templates()
    assert template.body["Resources"]["QueueUndeclared1"]["Type"] == "AWS::SQS::QueuePolicy"


def test_deleted_queue_is_a_finding_and_not_in_the_live_template() -> None:
    cloud = FakeAws({"Queue": QUEUE}, get_queue_attributes=refused("AWS.SimpleQueueService.NonExistentQueue"))
    assert rows_of(cloud) == {("Exists", Verdict.FAIL, f"{URL} does not exist")}
    assert drift_of(cloud).templates()[0].body["Resources"] == {}


@pytest.mark.parametrize(
    "answer", [refused("AccessDenied"), refused("Throttling"), {"Attributes": None}, TypeError("x"), held(Policy="{")]
)
def test_queue_that_cannot_be_read_is_not_evaluated(answer: object) -> None:
    ((rule, verdict, message),) = rows_of(FakeAws({"Queue": QUEUE}, get_queue_attributes=answer))
    assert (rule, verdict) == ("Properties", Verdict.NOT_EVALUATED)
    assert message.startswith("it was not read: ")


def test_type_that_cloud_control_does_not_know_is_not_evaluated() -> None:
    cloud = FakeAws({"Table": TABLE}, get_resource=refused("ResourceNotFoundException"))
    found = read_stacks(
        cloud, [Template(name="Stack", stack_name="stack", region="us-east-1", body={"Resources": {"Table": TABLE}})]
    )
    assert [one.unread for one in found.comparisons] == [str(refused("ResourceNotFoundException"))]


@pytest.mark.parametrize(
    ("cloud", "reason"),
    [
        (FakeAws({}, describe_stacks=ClientError({"Error": {"Message": "stack does not exist"}}, "X")), "does not exist"),
        (FakeAws({}, status="UPDATE_IN_PROGRESS"), "is being changed"),
        (FakeAws({"Other": QUEUE}, get_template={"TemplateBody": {"Resources": {"Queue": QUEUE}}}), "has no resource"),
    ],
)
def test_stack_that_was_not_read_is_not_evaluated(cloud: FakeAws, reason: str) -> None:
    ((rule, verdict, message),) = rows_of(cloud)
    assert (rule, verdict) == ("Exists", Verdict.NOT_EVALUATED)
    assert reason in message


@pytest.mark.parametrize("value", ["7", 7, "1111", True, {"a": 7}, ["orders-7"]])
def test_value_that_resembles_a_part_of_the_id_is_no_default(value: object) -> None:
    resource = Deployed(FakeAws({}), "us-east-1", "stack", "Queue", "AWS::SQS::Queue", URL, {}, {})
    assert not is_default(resource, "DelaySeconds", value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--account", "12"], "--account '12' is not an account; give its 12 digits"),
        (["--account", "1" * 12, "--format", "docx"], "--format 'docx' is not a format; choose from summary"),
        (["--account", "1" * 12, "--assembly", "missing"], "missing: not a cloud assembly"),
    ],
)
def test_wrong_use_ends_with_2_and_an_explanation(arguments: list[str], message: str) -> None:
    ended = CliRunner().invoke(command.app, arguments)
    assert ended.exit_code == 2
    assert message in ended.stderr


def test_credentials_of_another_account_are_refused() -> None:
    other = FakeAws({})
    other.account = "222222222222"
    with pytest.raises(GateError, match="belong to account 111111111111, not to 222222222222"):
        command.require_account(other, "us-east-1")
