"""Test that the real CDK CLI finds updates that AWS refuses. CloudFormation's own answer is not tested."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from infra.updates import UpdateCheckError, compare, refused_updates, replacements

TABLE = {
    "Type": "AWS::DynamoDB::GlobalTable",
    "Properties": {
        "TableName": "serverless-ledger-prod",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "a", "b", "c")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "Replicas": [{"Region": "us-west-2"}],
        "GlobalSecondaryIndexes": [],
    },
}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-ingest-prod", "FifoQueue": True}}
NOTHING: dict[str, frozenset[str]] = {}


def index(name: str, key: str = "a", projection: str = "ALL") -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": projection},
    }


def table(*indexes: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(TABLE)
    made["Properties"]["GlobalSecondaryIndexes"] = list(indexes)
    return {"Resources": {"Ledger": made}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [index("a"), index("b")]),
        ([index("a"), index("b")], []),
        ([index("a")], [index("b")]),
        ([index("a")], [index("a", key="b")]),
        ([index("a")], [index("a", projection="KEYS_ONLY")]),
    ],
)
def test_updates_of_two_indexes_at_once_are_refused(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    (refusal,) = refused_updates(table(*before), table(*after), NOTHING)
    assert "one index of a table at a time" in refusal
    assert "Deploy one of these changes" in refusal


@pytest.mark.parametrize(("before", "after"), [([], [index("a")]), ([index("a")], []), ([index("a")], [index("a")])])
def test_updates_of_one_index_pass(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    assert not list(refused_updates(table(*before), table(*after), NOTHING))


@pytest.mark.parametrize("modes", [("EVENTUAL", "STRONG"), ("STRONG", None), (None, "STRONG")])
def test_updates_of_a_tables_consistency_are_refused(modes: tuple[str | None, ...]) -> None:
    before, after = table(), table()
    for template, mode in zip((before, after), modes, strict=True):
        template["Resources"]["Ledger"]["Properties"] |= {"MultiRegionConsistency": mode} if mode else {}
    (refusal,) = refused_updates(before, after, NOTHING)
    assert "when a global table is created" in refusal
    assert not list(refused_updates(after, after, NOTHING))


def test_updates_of_a_type_are_refused() -> None:
    (refusal,) = refused_updates({"Resources": {"Ledger": QUEUE}}, table(), NOTHING)
    assert "changes its type from AWS::SQS::Queue to AWS::DynamoDB::GlobalTable" in refusal


def queue(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - properties
    return {"Resources": {"Queue": {**QUEUE, "Properties": {**QUEUE["Properties"], **changes}}}}  # type: ignore[dict-item]


def write(folder: Path, template: dict[str, Any]) -> Path:
    folder.mkdir()
    (folder / "Data.template.json").write_text(json.dumps(template))
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/us-west-2",
        "properties": {"templateFile": "Data.template.json", "stackName": "serverless-data-prod"},
        "displayName": "Data",
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": {"Data": artifact}}))
    return folder


def test_update_that_replaces_a_named_resource_is_the_one_refused(tmp_path: Path) -> None:
    changes: dict[str, dict[str, Any]] = {
        "A": {"FifoQueue": False},
        "B": {"FifoQueue": False, "QueueName": "other"},
        "C": {"DelaySeconds": 5},
        "D": {},
    }
    names = {name: {"QueueName": f"serverless-{name}-prod"} for name in changes}
    before, after = (
        {name: queue(**{**names[name], **change})["Resources"]["Queue"] for name, change in by_name.items()}
        for by_name in (names, changes)
    )
    old = write(tmp_path / "old", {"Resources": {**before, **table()["Resources"]}})
    (refusal,) = compare(old, write(tmp_path / "new", {"Resources": after}))
    assert "keeps its name 'serverless-A-prod' and changes FifoQueue" in refusal


def resource(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - properties
    return {"Type": f"AWS::{kind}", "Properties": properties}


SUBNET = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/18"}
REPLACED = [
    (resource("EC2::Subnet", AvailabilityZoneId="use1-az1", **SUBNET), "AvailabilityZoneId", True),
    (resource("EC2::Subnet", **SUBNET), "VpcId", False),
    (resource("EC2::SecurityGroup", GroupName="functions", VpcId={"Ref": "Vpc"}), "VpcId", False),
    (resource("EC2::SecurityGroup", GroupName="functions", VpcId={"Ref": "Vpc"}), "GroupDescription", True),
    (resource("EC2::VPCEndpoint", ServiceName="com.amazonaws.us-east-1.sqs", VpcId={"Ref": "Vpc"}), "VpcId", False),
    (resource("EC2::FlowLog", LogGroupName={"Ref": "Logs"}, ResourceId={"Ref": "Vpc"}), "ResourceId", False),
    (resource("Lambda::EventSourceMapping", FunctionName={"Ref": "F"}), "EventSourceArn", False),
    (resource("DynamoDB::GlobalTable", TableName="ledger"), "KeySchema", True),
    (resource("S3::Bucket", BucketNamePrefix="serverless-ingest-prod"), "ObjectLockEnabled", True),
    (resource("KMS::Alias", AliasName="alias/serverless-data-prod"), "AliasName", True),
    (resource("ApiGatewayV2::DomainName", DomainName="ingest.example.com"), "DomainName", True),
    (resource("CertificateManager::Certificate", DomainName="ingest.example.com"), "ValidationMethod", False),
    (resource("EC2::VPC", CidrBlock="10.0.0.0/16"), "InstanceTenancy", False),
    (resource("ApiGatewayV2::Api", Name="serverless-ingest-prod"), "ProtocolType", False),
    (resource("Route53::RecordSet", Name="a.b.", HostedZoneId="Z1", Type="A", SetIdentifier="primary"), "Name", True),
]
"""An unchanged resource, the property whose change replaces it, and whether its name prevents that."""


@pytest.mark.parametrize(("stays", "cause", "refused"), REPLACED)
def test_replacement_whose_name_is_taken_is_refused(stays: dict[str, Any], cause: str, *, refused: bool) -> None:
    template = {"Resources": {"One": stays}}
    found = list(refused_updates(template, template, {"One": frozenset({cause})}))
    assert bool(found) == refused
    assert all(f"changes {cause}" in each for each in found)


@pytest.mark.parametrize("stays", [stays for stays, _, refused in REPLACED if refused])
def test_resource_moved_to_another_id_with_its_name_is_refused(stays: dict[str, Any]) -> None:
    (refusal,) = refused_updates({"Resources": {"Old": stays}}, {"Resources": {"New": stays}}, NOTHING)
    assert "would be created with the name of Old" in refusal
    assert "nox -s cdk -- refactor" in refusal


def test_resource_moved_to_another_id_with_another_name_passes() -> None:
    moved = {"Resources": {"New": resource("SQS::Queue", QueueName="serverless-other-prod")}}
    assert not list(refused_updates(queue(), moved, NOTHING))


def test_updates_of_a_stack_that_is_not_deployed_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert not list(compare(tmp_path / "old", write(tmp_path / "new", queue())))


def test_updates_from_a_broken_template_are_an_error(tmp_path: Path) -> None:
    old = write(tmp_path / "old", queue())
    (old / "Data.template.json").write_text("{")
    with pytest.raises(UpdateCheckError, match="cannot be read as JSON"):
        list(compare(old, write(tmp_path / "new", queue())))


def test_replacements_are_read_with_their_causes() -> None:
    diff = """
[~] AWS::S3::Bucket Ingest/Bucket Ingest12345678
 └─ [~] BucketName (may cause replacement)
[~] AWS::SQS::Queue Two Words Queue12345678 replace
 ├─ [~] FifoQueue (requires replacement)
 │   └─ [-] true
 └─ [-] QueueName (requires replacement)
"""
    assert replacements(diff) == {"Queue12345678": frozenset({"FifoQueue", "QueueName"})}
