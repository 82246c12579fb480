"""The comparison of a template with live answers finds every difference; an unread or gone resource is a finding."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from compliance.engine.matrix import Configuration
from compliance.gate import GateError
from compliance.live import __main__ as command
from compliance.live.compare import Difference, count, merged, unknown_places
from compliance.live.defaults import is_default
from compliance.live.deployed import UNKNOWN, Deployed, deployed
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


_names = st.text("abcDE", min_size=1, max_size=3)
_values = st.booleans() | st.integers(-5, 10**7) | st.text("xyz", min_size=1, max_size=4)
_properties = st.dictionaries(
    _names,
    st.recursive(
        _values,
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(_names, inner, min_size=1, max_size=3),
        max_leaves=10,
    ),
    min_size=1,
    max_size=4,
)


def differences(declared: Any, live: Any) -> list[Difference]:  # noqa: ANN401 - JSON
    return merged(declared, declared, live, lambda _place, _value: False)[1]


@pytest.mark.property
@given(_properties)
def test_answer_equal_to_the_template_is_no_difference(declared: dict[str, Any]) -> None:
    assert differences(declared, copy.deepcopy(declared)) == []


@pytest.mark.property
@given(_properties, st.data())
@example({"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}, None)
def test_dropped_value_is_a_difference(declared: dict[str, Any], data: st.DataObject | None) -> None:
    paths = [path for path in _paths(declared) if path]
    path = data.draw(st.sampled_from(paths)) if data else ("Tags", 1)
    answered = copy.deepcopy(declared)
    holder: Any = answered
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    assert differences(declared, answered)


@pytest.mark.property
@given(_properties, st.data())
def test_changed_value_is_a_difference(declared: dict[str, Any], data: st.DataObject) -> None:
    leaves = [path for path in _paths(declared) if not isinstance(_at(declared, path), dict | list)]
    path = data.draw(st.sampled_from(leaves))
    answered = copy.deepcopy(declared)
    holder = _at(answered, path[:-1])
    holder[path[-1]] = "something else"
    assert differences(declared, answered)


@pytest.mark.parametrize(
    ("declared", "answered"),
    [
        (True, "true"),
        ("1209600", 1209600),
        (5, 5.0),
        (["one"], "one"),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}),
        (UNKNOWN, "vpc-123"),
        ({"Roles": [UNKNOWN]}, {"Roles": ["generated"]}),
    ],
)
def test_other_notation_of_an_api_is_no_difference(declared: object, answered: object) -> None:
    assert differences(declared, answered) == []


def test_values_are_counted() -> None:
    declared = {"a": 1, "b": [True, {"c": "x"}], "d": UNKNOWN}
    assert (count(declared), list(unknown_places(declared))) == (3, ["d"])


@pytest.mark.property
@given(_properties, _values)
def test_added_value_is_a_difference(declared: dict[str, Any], value: object) -> None:
    (found,) = differences(declared, {**declared, "Added": value})
    assert (found.place, found.live) == ("Added", value)


def test_second_principal_in_a_statement_is_a_difference() -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    changed = {**statement, "Principal": {**statement["Principal"], "AWS": "*"}}  # type: ignore[dict-item]
    found = differences({"Statement": [statement]}, {"Statement": [changed]})
    assert [str(each) for each in found] == ['Statement[0].Principal.AWS: the template has nothing, the cloud has "*"']


def test_unchanged_values_keep_their_references_in_the_live_template() -> None:
    raw = {"KeyId": {"Ref": "Key"}, "Rules": [{"Target": {"Fn::GetAtt": ["Queue", "Arn"]}}, {"Target": "a"}]}
    declared = {"KeyId": "key-1", "Rules": [{"Target": "arn"}, {"Target": "a"}]}
    value, found = merged(raw, declared, {"KeyId": "key-1", "Rules": [{"Target": "b"}, {"Target": "arn"}]}, lambda *_: False)
    assert value == {"KeyId": {"Ref": "Key"}, "Rules": [{"Target": {"Fn::GetAtt": ["Queue", "Arn"]}}, {"Target": "b"}]}
    assert [each.place for each in found] == ["Rules[1].Target"]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield from _paths(part, (*path, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        value = value[part]
    return value
