"""Test secrets: identity, replicas, rotation, and the policies of their keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import WEST, Stack, allow, deploy, function, key, role, until

if TYPE_CHECKING:
    from local_cloud import LocalCloud

ROTATES = """
    import boto3, json
    secrets = boto3.client("secretsmanager")
    def handler(event, context):
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
        print("step", step)
        if step == "createSecret":
            try:
                secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
            except secrets.exceptions.ResourceNotFoundException:
                pass
            else:
                raise AssertionError("a pending version has no value before it is put")
            secrets.put_secret_value(
                SecretId=arn, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
        if step == "testSecret":
            assert secrets.get_secret_value(SecretId=arn, VersionStage="AWSPENDING")["SecretString"] == "new"
        if step == "finishSecret":
            stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
            current = next(version for version, names in stages.items() if "AWSCURRENT" in names)
            secrets.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
"""


def secret(name: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    return cfn.resource("SecretsManager::Secret", Name=name, **properties)


def rotating(name: str, *actions: str, **schedule: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    return {
        "Secret": secret(name, SecretString="old"),
        "Role": role("lambda.amazonaws.com", allow(*actions)),
        "Function": function(ROTATES, "Role"),
        "Schedule": cfn.resource(
            "SecretsManager::RotationSchedule",
            SecretId=cfn.ref("Secret"),
            RotationLambdaARN=cfn.att("Function"),
            RotationRules={"AutomaticallyAfterDays": 30},
            **schedule,
        ),
    }


ALL = ("secretsmanager:*",)


def current(stack: Stack) -> str:
    value: str = stack.client("secretsmanager").get_secret_value(SecretId=stack["Secret"])["SecretString"]
    return value


def test_secret_ref_is_its_arn(cloud: LocalCloud) -> None:
    generated = {
        "PasswordLength": 40,
        "ExcludePunctuation": True,
        "SecretStringTemplate": '{"v":1}',
        "GenerateStringKey": "k",
    }
    stack = deploy(cloud, {"Secret": secret("named", GenerateSecretString=generated)}, {"Ref": cfn.ref("Secret")})
    arn = stack.outputs()["Ref"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:named-")
    assert len(arn.rpartition("-")[2]) == 6
    value = json.loads(current(stack))
    assert value["v"] == 1
    assert len(value["k"]) == 40
    assert value["k"].isalnum()
    stack.update({"Secret": secret("named", GenerateSecretString=generated, Description="changed")})
    assert json.loads(current(stack)) == value


def test_replicas_keep_the_key_of_their_region_and_follow(cloud: LocalCloud) -> None:
    west = deploy(cloud, {"Key": key()}, {"Arn": cfn.att("Key")}, region="us-west-2").outputs()["Arn"]
    replicas = [{"Region": "us-west-2", "KmsKeyId": west}]
    stack = deploy(cloud, {"Secret": secret("copied", SecretString="one", ReplicaRegions=replicas)})
    remote = cloud.client("secretsmanager", "us-west-2")
    assert remote.describe_secret(SecretId="copied")["KmsKeyId"] == west
    status = stack.client("secretsmanager").describe_secret(SecretId="copied")["ReplicationStatus"]
    assert [(entry["Region"], entry["Status"]) for entry in status] == [("us-west-2", "InSync")]
    stack.client("secretsmanager").put_secret_value(SecretId="copied", SecretString="two")
    assert until(lambda: remote.get_secret_value(SecretId="copied")["SecretString"] == "two")
    stack.update({"Secret": secret("copied", SecretString="one")})
    with pytest.raises(ClientError, match="ResourceNotFound"):
        remote.describe_secret(SecretId="copied")


def test_secret_replica_waits_for_its_region_and_catches_up(disturbed: LocalCloud) -> None:
    resources = {"Secret": secret("apart", SecretString="one", ReplicaRegions=[{"Region": "us-west-2"}])}
    stack = deploy(disturbed, resources)
    home, remote = stack.client("secretsmanager"), disturbed.client("secretsmanager", "us-west-2")

    def put(value: str) -> None:
        home.put_secret_value(SecretId="apart", SecretString=value)

    def there() -> str:
        return str(remote.get_secret_value(SecretId="apart")["SecretString"])

    def status() -> str:
        (replica,) = home.describe_secret(SecretId="apart")["ReplicationStatus"]
        return str(replica["Status"])

    disturbed.partition(cut=True)
    put("two")
    assert not until(lambda: there() == "two", seconds=0.4)
    assert (there(), status()) == ("one", "InProgress")
    disturbed.partition(cut=False)
    assert until(lambda: there() == "two")
    assert until(lambda: status() == "InSync")

    disturbed.region_down("us-west-2")
    put("three")
    with pytest.raises(AssertionError, match="us-west-2: that region is down"):
        deploy(disturbed, {"Secret": secret("half", SecretString="x", ReplicaRegions=[{"Region": "us-west-2"}])})
    until(lambda: False, seconds=0.3)
    # Looked at behind a cut, so that what is there must have come while the region was down.
    disturbed.partition(cut=True)
    disturbed.region_up("us-west-2")
    assert there() == "two"
    disturbed.partition(cut=False)
    assert until(lambda: there() == "three")


def test_rotation_schedule_runs_all_four_steps_at_once(cloud: LocalCloud) -> None:
    resources = rotating("rotated", *ALL, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    stack = deploy(cloud, resources)
    assert until(lambda: current(stack) == "new")
    secrets = stack.client("secretsmanager")
    previous = secrets.get_secret_value(SecretId=stack["Secret"], VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "old"
    described = until(lambda: (d := secrets.describe_secret(SecretId=stack["Secret"])).get("LastRotatedDate") and d)
    assert described["RotationEnabled"] is True
    assert described["RotationRules"]["AutomaticallyAfterDays"] == 30
    group = f"/aws/lambda/{stack['Function']}"

    def steps() -> list[str]:
        events = stack.client("logs").filter_log_events(logGroupName=group)["events"]
        return [event["message"].split()[-1] for event in events if event["message"].startswith("step")]

    assert until(lambda: len(steps()) == 4)
    assert sorted(steps()) == sorted(["createSecret", "setSecret", "testSecret", "finishSecret"])


def test_rotation_schedule_without_immediate_rotation_only_tests(cloud: LocalCloud) -> None:
    stack = deploy(cloud, rotating("patient", *ALL, RotateImmediatelyOnUpdate=False))
    assert not until(lambda: current(stack) == "new", seconds=1.0)
    stack.client("secretsmanager").rotate_secret(SecretId=stack["Secret"])
    assert until(lambda: current(stack) == "new")


def test_rotation_without_write_permission_leaves_the_secret_unchanged(cloud: LocalCloud) -> None:
    stack = deploy(cloud, rotating("stuck", "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"))
    assert not until(lambda: current(stack) == "new", seconds=1.0)
    assert "LastRotatedDate" not in stack.client("secretsmanager").describe_secret(SecretId=stack["Secret"])


KEY_USE = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")


@pytest.mark.parametrize("lacking", [None, *KEY_USE])
def test_rotation_needs_the_key_of_the_replica_too(cloud: LocalCloud, lacking: str | None) -> None:
    name = f"both-{lacking or 'granted'}".replace(":", "-")
    far = deploy(cloud, {"Key": key(cfn.ROOT)}, {"Arn": cfn.att("Key")}, region=WEST).outputs()["Arn"]
    resources = rotating(name, *ALL)
    resources["Secret"]["Properties"]["ReplicaRegions"] = [{"Region": WEST, "KmsKeyId": far}]
    granted = [each for each in KEY_USE if each != lacking]
    resources["Role"] = role("lambda.amazonaws.com", allow(*ALL), allow(*granted, resource=far))
    stack = deploy(cloud, resources)
    assert until(lambda: current(stack) == "new")
    remote, home = cloud.client("secretsmanager", WEST), stack.client("secretsmanager")

    def versions() -> list[str]:
        both = (client.describe_secret(SecretId=name)["VersionIdsToStages"] for client in (home, remote))
        return [next(version for version, stages in each.items() if "AWSCURRENT" in stages) for each in both]

    def status() -> str:
        (replica,) = home.describe_secret(SecretId=name)["ReplicationStatus"]
        return str(replica["Status"])

    if lacking is None:
        assert until(lambda: len(set(versions())) == 1)
        assert until(lambda: status() == "InSync")
        assert remote.get_secret_value(SecretId=name)["SecretString"] == "new"
        return
    assert until(lambda: status() == "Failed")
    assert not until(lambda: len(set(versions())) == 1, seconds=0.5)
    assert remote.get_secret_value(SecretId=name)["SecretString"] == "old"


def test_resource_policy_is_stored_and_removed(cloud: LocalCloud) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/none": "x"}},
    }
    policy = cfn.resource(
        "SecretsManager::ResourcePolicy",
        SecretId=cfn.ref("Secret"),
        ResourcePolicy=cfn.policy_document(deny),
        BlockPublicPolicy=True,
    )
    resources = {"Secret": secret("guarded", SecretString="x")}
    stack = deploy(cloud, {**resources, "Policy": policy})
    secrets = stack.client("secretsmanager")
    kept = json.loads(secrets.get_resource_policy(SecretId="guarded")["ResourcePolicy"])
    assert kept["Statement"] == [deny]
    stack.update(resources)
    assert "ResourcePolicy" not in secrets.get_resource_policy(SecretId="guarded")


def test_encrypted_secret_needs_its_key(cloud: LocalCloud) -> None:
    resources = {
        "Reader": role("lambda.amazonaws.com", allow("secretsmanager:GetSecretValue", "kms:Decrypt")),
        "Key": key(),
        "Secret": secret("sealed", SecretString="x", KmsKeyId=cfn.att("Key")),
    }
    stack = deploy(cloud, resources)
    reader = stack.assume("Reader", "secretsmanager")
    with pytest.raises(ClientError, match="KMS"):
        reader.get_secret_value(SecretId="sealed")
    stack.update({**resources, "Key": key(cfn.att("Reader"))})
    assert reader.get_secret_value(SecretId="sealed")["SecretString"] == "x"
    stack.client("kms").disable_key(KeyId=stack["Key"])
    with pytest.raises(ClientError, match="KMS"):
        reader.get_secret_value(SecretId="sealed")
