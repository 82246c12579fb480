"""Test the custom resources against moto in both regions, with the requests that CloudFormation sends.

moto's S3 drops parts of a replication rule, so the fixture returns the rule that was put. Only a deployment to an account
proves that S3 replicates by the rule and returns it unchanged.
"""
# ruff: noqa: ANN401 - events and rules are JSON

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from handlers.bucket_replication import handler as bucket_replication
from handlers.bucket_replication.existing_objects import ExistingObjectsError, Source
from handlers.default_security_group import handler as default_security_group
from handlers.shared import custom_resource
from handlers.table_policy import handler as table_policy

ROLE = "arn:aws:iam::123456789012:role/replication"
HOSTS = {region: f"abc.execute-api.{region}.amazonaws.com" for region in ("us-east-1", "us-west-2")}
BATCH_ROLE = "arn:aws:iam::123456789012:role/batch"
BUCKETS = {region: f"serverless-ingest-prod-123456789012-{region}-an" for region in ("us-east-1", "us-west-2")}
CONTEXT = SimpleNamespace(
    function_name="custom-resource",
    function_version="1",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-west-2:123456789012:function:custom-resource",
    aws_request_id="request-1",
    log_stream_name="stream",
    get_remaining_time_in_millis=lambda: 60_000,
)

Handler = Callable[[dict[str, Any], Any], None]


class CloudFormation:
    """Sends requests and keeps the answers."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.writes: list[str] = []
        """The called S3 operations that change something, with their regions."""
        self.jobs: list[dict[str, Any]] = []
        """The request of each job that replicates older objects."""
        self.job_fails = False

    def send(self, handler: Handler, kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Send a request to a handler and check that it answers exactly once."""
        before = len(self.answers)
        event = {
            "RequestType": kind,
            "ResponseURL": "https://example.com/answer",
            "StackId": "stack",
            "RequestId": "request-1",
            "LogicalResourceId": "Resource",
            "ResourceProperties": {"ServiceToken": "token", **properties},
        }
        handler(event | more, CONTEXT)
        (answer,) = self.answers[before:]
        return answer


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.setenv(name, "us-west-2")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    cloudformation = CloudFormation()
    monkeypatch.setattr(custom_resource, "put", lambda _url, body: cloudformation.answers.append(json.loads(body)))

    def replicate(control: Any, source: Source, **asked: Any) -> str:
        """Record a job, because moto has no S3 Batch Operations."""
        cloudformation.jobs.append({**asked, **asdict(source), "region": control.meta.region_name})
        if cloudformation.job_fails:
            raise ExistingObjectsError("some objects stay behind")
        return "job-1: Complete, 0 objects"

    monkeypatch.setattr(bucket_replication, "replicate_existing", replicate)
    with mock_aws():
        session = boto3.Session()
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        remember_replication_rules(session.events)
        for region, bucket in BUCKETS.items():
            location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3: Any = boto3.client("s3", region_name=region)
            s3.create_bucket(Bucket=bucket, **location)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        key = [{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))]
        boto3.client("dynamodb").create_table(
            TableName="ledger",
            KeySchema=key,  # type: ignore[arg-type]
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        note_writes(session.events, cloudformation.writes)
        yield cloudformation


def remember_replication_rules(events: Any) -> None:
    """Make S3 return the replication rules completely, as they were put."""
    remembered: dict[str, dict[str, Any]] = {}

    def put(params: dict[str, Any], **_: Any) -> None:
        remembered[params["Bucket"]] = copy.deepcopy(params["ReplicationConfiguration"])

    def get(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "ReplicationConfiguration" in parsed:
            parsed["ReplicationConfiguration"] = copy.deepcopy(remembered[context["input_params"]["Bucket"]])

    events.register("provide-client-params.s3.PutBucketReplication", put)
    events.register("after-call.s3.GetBucketReplication", get)


def note_writes(events: Any, writes: list[str]) -> None:
    """Record each operation that is not a read, with its region."""

    def note(model: Any, context: dict[str, Any], **_: Any) -> None:
        if not model.name.startswith("Get"):
            writes.append(f"{model.name} in {context['client_region']}")

    events.register("before-call.s3", note)


# --- bucket replication -----------------------------------------------------------------------------------------


RULE_ID = "everything-to-the-other-region"


def properties(source: str = "us-west-2", *, rule_id: str = RULE_ID, key: str = "serverless-data-prod") -> dict[str, Any]:
    """Properties as CloudFormation sends them: those of the template, with numbers as text."""
    destination = next(region for region in BUCKETS if region != source)
    on = {"Status": "Enabled"}
    rule = {
        "Id": rule_id,
        "Status": "Enabled",
        "Priority": "1",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": on,
        "SourceSelectionCriteria": {"ReplicaModifications": on, "SseKmsEncryptedObjects": on},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{BUCKETS[destination]}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": f"arn:aws:kms:{destination}:123456789012:alias/{key}"},
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": "15"}},
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": "15"}},
        },
    }
    return {
        "Bucket": BUCKETS[source],
        "BucketRegion": source,
        "AccountId": "123456789012",
        "BatchRole": BATCH_ROLE,
        "TableName": "ledger",
        "ApiHosts": HOSTS,
        "ReplicationConfiguration": {"Role": ROLE, "Rules": [rule]},
    }


def physical_id(source: str = "us-west-2", rule_id: str = RULE_ID) -> str:
    return f"{BUCKETS[source]}/{rule_id}"


def rules(source: str = "us-west-2") -> list[dict[str, Any]]:
    s3: Any = boto3.client("s3", region_name=source)
    try:
        return list(s3.get_bucket_replication(Bucket=BUCKETS[source])["ReplicationConfiguration"]["Rules"])
    except s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "ReplicationConfigurationNotFoundError"
        return []


def update(cloudformation: CloudFormation, wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Send an Update of the resource that a Create with the usual properties made."""
    of_old = {"PhysicalResourceId": physical_id(), "OldResourceProperties": properties()}
    return cloudformation.send(bucket_replication.handler, "Update", wanted, **{**of_old, **more})


def delete(cloudformation: CloudFormation, old: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    of_old = {"PhysicalResourceId": physical_id()}
    return cloudformation.send(bucket_replication.handler, "Delete", old or properties(), **{**of_old, **more})


@pytest.mark.parametrize("source", BUCKETS)
def test_rule_is_set_complete_in_the_buckets_own_region(cloudformation: CloudFormation, source: str) -> None:
    answer = cloudformation.send(bucket_replication.handler, "Create", properties(source))
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == physical_id(source)
    assert cloudformation.writes == [f"PutBucketReplication in {source}"]
    (there,) = BUCKETS.keys() - {source}
    assert rules(source) == [
        {
            "ID": "everything-to-the-other-region",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "SourceSelectionCriteria": {
                "SseKmsEncryptedObjects": {"Status": "Enabled"},
                "ReplicaModifications": {"Status": "Enabled"},
            },
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {
                "Bucket": f"arn:aws:s3:::{BUCKETS[there]}",
                "EncryptionConfiguration": {
                    "ReplicaKmsKeyID": f"arn:aws:kms:{there}:123456789012:alias/serverless-data-prod"
                },
                "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
            },
        }
    ]


def ready_rows() -> list[dict[str, Any]]:
    """The rows that state that files replicate both ways."""
    return [dict(item) for item in boto3.client("dynamodb").scan(TableName="ledger")["Items"]]


def test_older_objects_are_replicated_once_the_rule_is_set(cloudformation: CloudFormation) -> None:
    answer = cloudformation.send(bucket_replication.handler, "Create", properties(), RequestId="request-of-cloudformation")
    (job,) = cloudformation.jobs
    assert 0 < job.pop("seconds") <= 60 - bucket_replication.AFTER_THE_JOB_SECONDS
    assert job == {
        "region": "us-west-2",
        "account": "123456789012",
        "bucket": BUCKETS["us-west-2"],
        "role": BATCH_ROLE,
        # The same event, delivered again, starts no second job; another deployment does.
        "token": "request-of-cloudformation",
    }
    assert answer["Data"]["ExistingObjects"] == "job-1: Complete, 0 objects"
    assert update(cloudformation, properties())["Status"] == "SUCCESS"
    assert len(cloudformation.jobs) == 2


def test_canaries_may_begin_only_after_rule_and_job(cloudformation: CloudFormation) -> None:
    cloudformation.job_fails = True
    answer = cloudformation.send(bucket_replication.handler, "Create", properties())
    assert (answer["Status"], ready_rows()) == ("FAILED", [])
    assert "some objects stay behind" in answer["Reason"]
    assert len(rules()) == 1
    cloudformation.job_fails = False
    assert cloudformation.send(bucket_replication.handler, "Create", properties())["Status"] == "SUCCESS"
    row = {"pk": "REPLICATION#us-west-2", "sk": "READY", "bucket": BUCKETS["us-west-2"], "rule_id": RULE_ID}
    hosts = {"api_hosts": {"M": {region: {"S": host} for region, host in HOSTS.items()}}}
    assert ready_rows() == [{**{name: {"S": value} for name, value in row.items()}, **hosts}]


def test_job_is_not_started_if_no_rule_can_be_set(cloudformation: CloudFormation) -> None:
    answer = cloudformation.send(bucket_replication.handler, "Create", {**properties(), "Bucket": "not-there"})
    assert (answer["Status"], cloudformation.jobs, ready_rows()) == ("FAILED", [], [])
    delete(cloudformation)
    assert cloudformation.jobs == []


def test_existing_rule_is_not_written_again(cloudformation: CloudFormation) -> None:
    for _ in range(2):
        assert cloudformation.send(bucket_replication.handler, "Create", properties())["Status"] == "SUCCESS"
    assert update(cloudformation, properties())["Status"] == "SUCCESS"
    assert cloudformation.writes == ["PutBucketReplication in us-west-2"]
    assert update(cloudformation, properties(key="other"))["Status"] == "SUCCESS"
    assert cloudformation.writes == ["PutBucketReplication in us-west-2"] * 2


def test_weakened_rule_is_restored(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    (whole,) = rules()
    weak = {**whole, "DeleteMarkerReplication": {"Status": "Disabled"}}
    s3: Any = boto3.client("s3", region_name="us-west-2")
    s3.put_bucket_replication(Bucket=BUCKETS["us-west-2"], ReplicationConfiguration={"Role": ROLE, "Rules": [weak]})
    update(cloudformation, properties())
    assert rules() == [whole]


def test_update_that_renames_the_rule_leaves_one(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    answer = update(cloudformation, properties(rule_id="renamed"))
    assert [rule["ID"] for rule in rules()] == ["renamed"]
    assert answer["PhysicalResourceId"] == physical_id(rule_id="renamed")
    # CloudFormation then deletes what the old id named.
    delete(cloudformation)
    assert [rule["ID"] for rule in rules()] == ["renamed"]


def test_update_to_another_bucket_moves_the_rule(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    answer = update(cloudformation, properties("us-east-1"))
    assert answer["PhysicalResourceId"] == physical_id("us-east-1")
    assert (len(rules("us-east-1")), len(rules("us-west-2"))) == (1, 1)
    delete(cloudformation)
    assert (len(rules("us-east-1")), len(rules("us-west-2"))) == (1, 0)


def test_rule_of_an_earlier_release_is_replaced_and_removed(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    (whole,) = rules()
    old = {"Bucket": BUCKETS["us-west-2"], "BucketRegion": "us-west-2", "Role": ROLE, "RuleId": RULE_ID}
    assert update(cloudformation, properties(rule_id="renamed"), OldResourceProperties=old)["Status"] == "SUCCESS"
    assert rules() == [{**whole, "ID": "renamed"}]
    answer = delete(cloudformation, old, PhysicalResourceId=physical_id(rule_id="renamed"))
    assert (answer["Status"], rules()) == ("SUCCESS", [])


def test_delete_removes_only_its_own_rule(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    other = {**rules()[0], "ID": "of-somebody-else", "Priority": 2}
    s3: Any = boto3.client("s3", region_name="us-west-2")
    s3.put_bucket_replication(
        Bucket=BUCKETS["us-west-2"], ReplicationConfiguration={"Role": ROLE, "Rules": [*rules(), other]}
    )
    for _ in range(2):
        assert delete(cloudformation)["Status"] == "SUCCESS"
        assert rules() == [other]


def test_delete_of_the_last_rule_leaves_none(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    for _ in range(2):
        assert delete(cloudformation)["Status"] == "SUCCESS"
        assert rules() == []


def test_delete_succeeds_without_the_bucket(cloudformation: CloudFormation) -> None:
    boto3.client("s3", region_name="us-west-2").delete_bucket(Bucket=BUCKETS["us-west-2"])
    assert delete(cloudformation)["Status"] == "SUCCESS"


def test_create_without_the_bucket_fails_with_the_reason(cloudformation: CloudFormation) -> None:
    answer = cloudformation.send(bucket_replication.handler, "Create", {**properties(), "Bucket": "not-there"})
    assert answer["Status"] == "FAILED"
    assert "NoSuchBucket" in answer["Reason"]


@pytest.mark.parametrize("missing", sorted(properties()))
def test_missing_property_is_named(cloudformation: CloudFormation, missing: str) -> None:
    given = {name: value for name, value in properties().items() if name != missing}
    answer = cloudformation.send(bucket_replication.handler, "Create", given)
    assert answer["Status"] == "FAILED"
    assert f"property {missing} " in answer["Reason"]
    assert rules() == []


def test_unknown_term_is_refused_and_the_rule_kept(cloudformation: CloudFormation) -> None:
    cloudformation.send(bucket_replication.handler, "Create", properties())
    before = rules()
    wanted = properties(key="other")
    wanted["ReplicationConfiguration"]["Rules"][0]["ExistingObjectReplication"] = {"Status": "Enabled"}
    answer = update(cloudformation, wanted)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", physical_id())
    assert "ReplicationConfiguration.Rules[0].ExistingObjectReplication is not known" in answer["Reason"]
    assert "allowed are: Id, Status, Priority" in answer["Reason"]
    assert rules() == before


def test_term_that_s3_drops_fails_the_deployment(cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_replication, "READ_BACK_PAUSE_SECONDS", 0)

    def drop(parsed: dict[str, Any], **_: Any) -> None:
        for rule in parsed.get("ReplicationConfiguration", {}).get("Rules", []):
            rule["Destination"].pop("Metrics")

    session: Any = boto3.DEFAULT_SESSION
    session.events.register_last("after-call.s3.GetBucketReplication", drop)
    answer = cloudformation.send(bucket_replication.handler, "Create", properties())
    assert answer["Status"] == "FAILED"
    assert "returns another: Rule.Destination.Metrics is None" in answer["Reason"]


# --- default security group -------------------------------------------------------------------------------------


def default_group(ec2: Any) -> dict[str, Any]:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return dict(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0])


def is_closed(ec2: Any, group_id: str) -> bool:
    group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    return not group["IpPermissions"] and not group["IpPermissionsEgress"]


@pytest.mark.parametrize("region", BUCKETS)
def test_group_is_closed_in_the_region_of_the_function(
    cloudformation: CloudFormation, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    ec2: Any = boto3.client("ec2", region_name=region)
    group = default_group(ec2)
    assert not is_closed(ec2, group["GroupId"])
    given = {"DefaultSecurityGroupId": group["GroupId"], "Account": "123456789012"}
    for kind in ("Create", "Create", "Update"):
        answer = cloudformation.send(default_security_group.handler, kind, given)
        assert answer["Status"] == "SUCCESS"
        assert is_closed(ec2, group["GroupId"])


def test_every_kind_of_group_rule_is_removed(cloudformation: CloudFormation) -> None:
    ec2: Any = boto3.client("ec2", region_name="us-west-2")
    group_id = default_group(ec2)["GroupId"]
    ports = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ec2.authorize_security_group_ingress(
        GroupId=group_id,
        IpPermissions=[
            {**ports, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "with words"}]},
            {**ports, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {**ports, "UserIdGroupPairs": [{"GroupId": group_id}]},
        ],
    )
    ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[{**ports, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    answer = cloudformation.send(default_security_group.handler, "Create", {"DefaultSecurityGroupId": group_id})
    assert answer["Status"] == "SUCCESS"
    assert is_closed(ec2, group_id)


def test_delete_leaves_the_group_and_needs_no_group(cloudformation: CloudFormation) -> None:
    ec2: Any = boto3.client("ec2", region_name="us-west-2")
    group_id = default_group(ec2)["GroupId"]
    for name in (group_id, "sg-00000000"):
        given = {"DefaultSecurityGroupId": name}
        answer = cloudformation.send(
            default_security_group.handler, "Delete", given, PhysicalResourceId=f"default-security-group/{name}"
        )
        assert answer["Status"] == "SUCCESS"
    assert not is_closed(ec2, group_id)


def test_missing_group_fails_with_the_reason(cloudformation: CloudFormation) -> None:
    answer = cloudformation.send(default_security_group.handler, "Create", {"DefaultSecurityGroupId": "sg-00000000"})
    assert answer["Status"] == "FAILED"
    assert "InvalidGroup.NotFound" in answer["Reason"]


# --- the table's policy -----------------------------------------------------------------------------------------

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["dynamodb:PutItem"], "Resource": "*"}],
}


class Replica:
    """A DynamoDB that keeps one policy, as the API does; moto 5.2 has no conflicts."""

    def __init__(self) -> None:
        self.held: str | None = None
        self.writes: list[str] = []
        self.blocked = 0

    def get_resource_policy(self, *, ResourceArn: str) -> dict[str, str]:  # noqa: N803 - boto3's spelling
        if self.held is None:
            raise self._error("PolicyNotFoundException", ResourceArn)
        return {"Policy": self.held}

    def put_resource_policy(self, *, ResourceArn: str, Policy: str) -> None:  # noqa: N803
        if self.blocked:
            self.blocked -= 1
            raise self._error("ResourceInUseException", ResourceArn)
        self.writes.append(ResourceArn)
        self.held = Policy

    def delete_resource_policy(self, *, ResourceArn: str) -> None:  # noqa: N803
        if self.held is None:
            raise self._error("ResourceNotFoundException", ResourceArn)
        self.held = None

    @staticmethod
    def _error(code: str, arn: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": arn}}, "PutResourcePolicy")


TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/serverless-ledger-prod"


@pytest.fixture
def replica(cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch) -> Replica:  # noqa: ARG001
    replica = Replica()

    def client(service: str, *, region_name: str, **_: Any) -> Replica:
        assert (service, region_name) == ("dynamodb", "us-east-1")
        return replica

    monkeypatch.setattr(boto3, "client", client)
    monkeypatch.setattr(table_policy, "BLOCKED_PAUSE_SECONDS", 0)
    return replica


def test_policy_is_set_once_and_removed(cloudformation: CloudFormation, replica: Replica) -> None:
    wanted = {"TableArn": TABLE_ARN, "Policy": POLICY}
    for kind in ("Create", "Update"):
        answer = cloudformation.send(table_policy.handler, kind, wanted, PhysicalResourceId=TABLE_ARN)
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", TABLE_ARN)
    assert json.loads(str(replica.held)) == POLICY
    assert replica.writes == [TABLE_ARN], "what is there already is not written again"
    for _ in range(2):
        answer = cloudformation.send(table_policy.handler, "Delete", wanted, PhysicalResourceId=TABLE_ARN)
        assert answer["Status"] == "SUCCESS"
    assert replica.held is None


def test_replaced_policy_is_restored(cloudformation: CloudFormation, replica: Replica) -> None:
    replica.held = json.dumps({"Statement": []})
    cloudformation.send(table_policy.handler, "Update", {"TableArn": TABLE_ARN, "Policy": POLICY})
    assert json.loads(str(replica.held)) == POLICY


@pytest.mark.parametrize(("blocked", "status"), [(2, "SUCCESS"), (3, "FAILED")])
def test_change_that_is_blocked_for_a_while_is_retried(
    blocked: int, status: str, cloudformation: CloudFormation, replica: Replica
) -> None:
    replica.blocked = blocked
    answer = cloudformation.send(table_policy.handler, "Create", {"TableArn": TABLE_ARN, "Policy": POLICY})
    assert answer["Status"] == status


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"TableArn": TABLE_ARN},
        {"TableArn": "ledger", "Policy": POLICY},
        {"TableArn": TABLE_ARN, "Policy": "{}"},
        {"TableArn": TABLE_ARN, "Policy": {}},
        {"TableArn": f"{TABLE_ARN}/index/a", "Policy": POLICY},
    ],
)
def test_properties_that_name_no_table_or_policy_are_refused(
    given: dict[str, Any], cloudformation: CloudFormation, replica: Replica
) -> None:
    answer = cloudformation.send(table_policy.handler, "Create", given)
    assert answer["Status"] == "FAILED"
    assert "TableArn" in answer["Reason"] or "Policy" in answer["Reason"] or "ledger" in answer["Reason"]
    assert replica.held is None
