"""The cloud itself: it starts, obeys, stops and leaves nothing running; and what has no other place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from integration_tests.local_cloud import LocalCloud, LocalCloudError, server_process
from integration_tests.local_cloud.shims import metric_math
from integration_tests.local_cloud.stacks_for_tests import allow, assume, deploy, function, key, role, until
from integration_tests.local_cloud.test_functions import depth, looping

REPOSITORY = Path(__file__).resolve().parents[2]


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    # A zombie that its parent has not fetched yet runs nothing any more.
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def worker_of(cloud: LocalCloud) -> int:
    """Deploy a function, and answer the process that ran it."""
    source = "import os\ndef handler(event, context): return os.getpid()"
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com"), "Function": function(source, "Role")})
    answer = stack.client("lambda").invoke(FunctionName=stack["Function"])
    return int(answer["Payload"].read())


def test_stopping_ends_the_server_and_its_workers_and_removes_its_folder() -> None:
    with LocalCloud.start() as cloud:
        server, worker, folder = cloud.process_id, worker_of(cloud), cloud.log.parent
        assert alive(server)
        assert alive(worker)
        client = cloud.client("sts")
    assert until(lambda: not alive(server) and not alive(worker))
    assert not folder.exists()
    with pytest.raises((EndpointConnectionError, ClientError)):
        client.get_caller_identity()
    cloud.stop()


def test_killing_its_user_ends_the_server_too() -> None:
    program = """
        import sys, time
        from integration_tests.local_cloud import LocalCloud
        cloud = LocalCloud.start()
        print(cloud.process_id, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(  # noqa: S603  a program of this test
        [sys.executable, "-c", textwrap.dedent(program)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        server = int(user.stdout.readline())
        assert alive(server)
        user.send_signal(signal.SIGKILL)
    assert until(lambda: not alive(server))


def test_a_server_that_dies_while_starting_shows_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "_MODULE", "integration_tests.local_cloud.no_such_launcher")
    with pytest.raises(LocalCloudError, match=r"(?s)died with exit status 1.*No module named"):
        LocalCloud.start()


def test_an_account_that_is_none_is_refused() -> None:
    with pytest.raises(LocalCloudError, match="12 digits"):
        LocalCloud.start(account="1234")


def test_a_taken_port_is_said(cloud: LocalCloud) -> None:
    port = int(cloud.endpoint_url.rpartition(":")[2])
    with pytest.raises(LocalCloudError, match="Give another port"):
        LocalCloud.start(port=port)


def test_its_environment_lets_nothing_of_the_real_aws_through(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    environment = cloud.environment("us-west-2")
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    said = subprocess.run(  # noqa: S603  a program of this test
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == cloud.account


def test_it_listens_on_loopback_only(cloud: LocalCloud) -> None:
    process = Path(f"/proc/{cloud.process_id}")
    if not process.exists():
        pytest.skip("needs Linux's /proc")
    owned = {str(link.readlink()) for link in (process / "fd").iterdir() if link.is_symlink()}
    rows = [line.split() for table in ("tcp", "tcp6") for line in (process / "net" / table).read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in owned]
    assert [address.split(":")[0] for address in listening] == ["0100007F"]


def test_an_unknown_command_is_told_what_there_is(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="region/<region>/down"):
        cloud._control("nonsense")  # noqa: SLF001  a command that no method sends
    with pytest.raises(LocalCloudError, match="from 0 up"):
        cloud.set_replication_lag(-1)


def test_a_region_that_is_down_answers_nothing_and_goes_on_afterwards(cloud: LocalCloud) -> None:
    stack = deploy(cloud, looping(), region="us-west-2")
    sqs, west = stack.client("sqs"), cloud.client("sts", "us-west-2")
    cloud.client("sts", "us-east-1").get_caller_identity()
    queue = stack["Queue"]
    sqs.send_message(QueueUrl=queue, MessageBody='{"hop": 12}', DelaySeconds=1)
    cloud.region_down("us-west-2")
    try:
        with pytest.raises(ClientError, match="503"):
            west.get_caller_identity()
        cloud.client("sts", "us-east-1").get_caller_identity()
        until(lambda: False, seconds=1.6)
    finally:
        cloud.region_up("us-west-2")
    assert depth(stack, "Dead") == 0
    assert until(lambda: depth(stack, "Dead")) == 1


def test_a_region_that_is_down_retries_no_invocation_until_it_is_back(cloud: LocalCloud) -> None:
    source = """
        import boto3, os
        def handler(event, context):
            boto3.client("sqs", "us-east-1").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="tried")
            raise RuntimeError("again")
    """
    told = deploy(cloud, {"Queue": {"Type": "AWS::SQS::Queue"}})
    resources = {
        "Role": role("lambda.amazonaws.com", allow("sqs:SendMessage")),
        "Function": function(source, "Role", Environment={"Variables": {"QUEUE": told["Queue"]}}),
    }
    stack = deploy(cloud, resources, region="us-west-2")
    stack.client("lambda").invoke(FunctionName=stack["Function"], InvocationType="Event")
    assert until(lambda: depth(told, "Queue")) == 1
    cloud.region_down("us-west-2")
    try:
        until(lambda: depth(told, "Queue") > 1, seconds=1.2)
        assert depth(told, "Queue") == 1
    finally:
        cloud.region_up("us-west-2")
    assert until(lambda: depth(told, "Queue") == 3)


def test_an_output_is_read_in_the_region_that_the_reference_names(cloud: LocalCloud) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    producer = deploy(cloud, {"P": parameter}, {"Where": {"Ref": "AWS::Region"}}, region="us-west-2")
    reference = {"StackName": producer.name, "OutputName": "Where", "Region": "us-west-2"}
    consumer = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::Join": ["-", ["from", {"Fn::GetStackOutput": reference}]]}},
    }
    stack = deploy(cloud, {"P": consumer})
    value = stack.client("ssm").get_parameter(Name=stack["P"])["Parameter"]["Value"]
    assert value == "from-us-west-2"
    elsewhere = {"Fn::GetStackOutput": {**reference, "Region": "us-east-1"}}
    lost = {**parameter, "Properties": {"Type": "String", "Value": elsewhere}}
    with pytest.raises(AssertionError, match="not found"):
        deploy(cloud, {"P": lost})


def test_messages_move_from_a_dead_letter_queue_to_where_they_came_from(cloud: LocalCloud) -> None:
    resources = looping(ReservedConcurrentExecutions=0)
    del resources["Mapping"]
    stack = deploy(cloud, resources)
    sqs = stack.client("sqs")
    sqs.set_queue_attributes(QueueUrl=stack["Queue"], Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=stack["Queue"], MessageBody="poison")

    def exhausted() -> bool:
        sqs.receive_message(QueueUrl=stack["Queue"])
        return depth(stack, "Dead") == 1

    assert until(exhausted)
    arns = {
        name: sqs.get_queue_attributes(QueueUrl=stack[name], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for name in ("Queue", "Dead")
    }
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arns["Queue"])
    sqs.start_message_move_task(SourceArn=arns["Dead"])
    assert until(lambda: depth(stack, "Queue")) == 1
    assert depth(stack, "Dead") == 0
    task = until(
        lambda: [t for t in sqs.list_message_move_tasks(SourceArn=arns["Dead"])["Results"] if t["Status"] == "COMPLETED"]
    )
    assert task[0]["ApproximateNumberOfMessagesMoved"] == 1


def test_the_network_is_read_back(cloud: LocalCloud) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}],
    }
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.2.0.0/16"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "GroupDescription": "a",
                "SecurityGroupEgress": [
                    {"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}
                ],
            },
        },
        "In": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "Description": "itself",
            },
        },
        "Out": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "DestinationPrefixListId": "pl-63a5400a",
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "ServiceName": "com.amazonaws.us-east-1.sqs",
                "VpcEndpointType": "Interface",
                "PolicyDocument": policy,
                "SecurityGroupIds": [{"Fn::GetAtt": ["Group", "GroupId"]}],
                "PrivateDnsEnabled": True,
            },
        },
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Role": role("vpc-flow-logs.amazonaws.com"),
        "Flow": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceId": {"Ref": "Vpc"},
                "ResourceType": "VPC",
                "TrafficType": "ALL",
                "LogGroupName": {"Ref": "Logs"},
                "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "MaxAggregationInterval": 60,
                "Tags": [{"Key": "Owner", "Value": "me"}],
            },
        },
    }
    stack = deploy(cloud, resources, {"Cidr": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}})
    ec2 = stack.client("ec2")
    assert stack.outputs()["Cidr"] == "10.2.0.0/16"
    group = ec2.describe_security_groups(GroupIds=[stack["Group"]])["SecurityGroups"][0]
    pair = group["IpPermissions"][0]["UserIdGroupPairs"][0]
    assert (pair["GroupId"], pair["Description"]) == (stack["Group"], "itself")
    assert any(rule["PrefixListIds"] == [{"PrefixListId": "pl-63a5400a"}] for rule in group["IpPermissionsEgress"])
    endpoint = ec2.describe_vpc_endpoints(VpcEndpointIds=[stack["Endpoint"]])["VpcEndpoints"][0]
    assert "s3:Get*" in endpoint["PolicyDocument"]
    assert endpoint["PrivateDnsEnabled"] is True
    assert [entry["GroupId"] for entry in endpoint["Groups"]] == [stack["Group"]]
    flow = ec2.describe_flow_logs(FlowLogIds=[stack["Flow"]])["FlowLogs"][0]
    assert flow["LogGroupName"] == stack["Logs"]
    assert flow["DeliverLogsPermissionArn"].endswith(stack["Role"])
    assert flow["MaxAggregationInterval"] == 60
    assert flow["Tags"] == [{"Key": "Owner", "Value": "me"}]

    del resources["In"]
    stack.update(resources)
    group = ec2.describe_security_groups(GroupIds=[stack["Group"]])["SecurityGroups"][0]
    assert group["IpPermissions"] == []
    stack.delete()


def trail_resources(*statements: dict[str, Any]) -> dict[str, Any]:
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
    data = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::x/"]},
    ]
    return {
        "Key": key(),
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Role": role("cloudtrail.amazonaws.com"),
        "Trail": {
            "Type": "AWS::CloudTrail::Trail",
            "DependsOn": "Policy",
            "Properties": {
                "TrailName": "audit",
                "S3BucketName": {"Ref": "Bucket"},
                "IsLogging": True,
                "IsMultiRegionTrail": True,
                "EnableLogFileValidation": True,
                "KMSKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                "CloudWatchLogsLogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]},
                "CloudWatchLogsRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "AdvancedEventSelectors": [{"Name": "objects", "FieldSelectors": data}],
                "Tags": [{"Key": "Owner", "Value": "me"}],
            },
        },
    }


def test_a_trail_is_read_back_and_needs_its_buckets_permission(cloud: LocalCloud) -> None:
    admitted = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"},
    }
    stack = deploy(cloud, trail_resources(admitted), {"Arn": {"Fn::GetAtt": ["Trail", "Arn"]}}, region="us-west-2")
    cloudtrail = stack.client("cloudtrail")
    trail = cloudtrail.get_trail(Name="audit")["Trail"]
    assert trail["TrailARN"] == stack.outputs()["Arn"]
    assert trail["LogFileValidationEnabled"] is True
    assert trail["IsMultiRegionTrail"] is True
    assert trail["KmsKeyId"].endswith(stack["Key"])
    assert trail["CloudWatchLogsLogGroupArn"].startswith("arn:aws:logs:us-west-2:")
    assert trail["CloudWatchLogsRoleArn"].endswith(stack["Role"])
    assert cloudtrail.get_trail_status(Name="audit")["IsLogging"] is True
    selectors = cloudtrail.get_event_selectors(TrailName="audit")["AdvancedEventSelectors"]
    assert selectors[0]["FieldSelectors"][2] == {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::x/"]}
    tags = cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"]
    assert {"Key": "Owner", "Value": "me"} in tags

    denied = {**admitted, "Principal": {"Service": "config.amazonaws.com"}}
    with pytest.raises(AssertionError, match="InsufficientS3BucketPolicy"):
        deploy(cloud, trail_resources(denied))


def test_a_key_whose_policy_lacks_the_caller_denies_decryption(cloud: LocalCloud) -> None:
    resources = {"Caller": role("lambda.amazonaws.com", allow("kms:*")), "Key": key()}
    stack = deploy(cloud, resources, {"Role": {"Fn::GetAtt": ["Caller", "Arn"]}})
    ciphertext = stack.client("kms").encrypt(KeyId=stack["Key"], Plaintext=b"x")["CiphertextBlob"]
    caller = assume(cloud, stack.outputs()["Role"], "kms")
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.decrypt(CiphertextBlob=ciphertext, KeyId=stack["Key"])
    stack.update({**resources, "Key": key({"Fn::GetAtt": ["Caller", "Arn"]})})
    assert caller.decrypt(CiphertextBlob=ciphertext, KeyId=stack["Key"])["Plaintext"] == b"x"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", [4.0, None]),
        ("FILL(a, 0) * 2", [2.0, 0.0]),
        ("SUM([a, b])", [4.0, 3.0]),
        ("MAX(METRICS())", [3.0, 3.0]),
        ("IF(b >= 3 AND b < 4, 7, 1)", [7.0, 7.0]),
        ("SUM(b) / 2", [3.0, 3.0]),
        ("b / 0", [None, None]),
    ],
)
def test_metric_math(expression: str, expected: list[float | None]) -> None:
    assert metric_math.evaluate(expression, {"a": [1.0, None], "b": [3.0, 3.0]}, 2) == expected


def test_what_is_not_faithful_is_said(cloud: LocalCloud) -> None:
    assert all(what and why for what, why in cloud.not_faithful)
    assert any("FlowLog" in what for what, _ in cloud.not_faithful)


def test_every_shim_is_in_the_documentation() -> None:
    folder = Path(__file__).parent / "shims"
    named = {file.stem for file in folder.glob("*.py") if file.stem != "__init__"}
    text = (REPOSITORY / "docs" / "local_cloud.md").read_text()
    assert {name for name in named if f"`{name}`" not in text} == set()
