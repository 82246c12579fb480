"""Test the cloud itself: it starts, executes commands, caches, stops, and leaves no process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import allow, deploy, function, key, role, until, zipped
from local_cloud import LocalCloud, LocalCloudError
from local_cloud.caching import copied, reading
from local_cloud.shims import metric_math

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
    """Deploy a function, and return the process that ran it."""
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


def test_environments_of_one_function_share_its_unpacked_code(cloud: LocalCloud) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(2)\n    return __file__"
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com"), "Function": function(source, "Role")})

    def invoke(_: int) -> str:
        answer = cloud.client("lambda").invoke(FunctionName=stack["Function"])
        return str(json.loads(answer["Payload"].read()))

    with ThreadPoolExecutor() as pool:
        files = set(pool.map(invoke, range(3)))
    assert len(files) == 3
    assert len({Path(file).resolve() for file in files}) == 1
    folders = {Path(file).parents[1] for file in files}
    assert not [packed for folder in folders for packed in folder.glob("*.zip")]


STARTS_ONE = """
    import sys, time
    from local_cloud import LocalCloud
    cloud = LocalCloud.start()
    print(cloud.process_id, cloud.endpoint_url, cloud.log.parent, flush=True)
    time.sleep(60)
"""
NEVER_ENDS = """
    import os, time
    def handler(event, context):
        if event:
            time.sleep(60)
        return os.getpid()
"""


@pytest.mark.parametrize("also_killed", ["nobody", "server"])
def test_killed_owner_or_server_leaves_no_server_and_no_worker(also_killed: str) -> None:
    with subprocess.Popen(  # noqa: S603  a program of this test
        [sys.executable, "-c", textwrap.dedent(STARTS_ONE)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as user:
        try:
            assert user.stdout is not None
            server, url, folder = user.stdout.readline().split()
            worker = busy_worker(url, (Path(folder) / "secret").read_text("utf-8"))
            assert alive(int(server))
            assert alive(worker)
        finally:
            user.kill()
        if also_killed == "server":
            os.kill(int(server), signal.SIGKILL)
    assert until(lambda: not alive(int(server)) and not alive(worker))
    if also_killed == "server":
        # Nobody is left to remove it, so the next one does.
        assert Path(folder).exists()
        LocalCloud.start().stop()
    assert until(lambda: not Path(folder).exists())


def test_folder_is_removed_though_its_owner_is_killed_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for number in range(40):
        (folder / str(number)).mkdir(parents=True)
        for file in range(250):
            (folder / str(number) / str(file)).touch()
    program = "import sys, pathlib\nfrom local_cloud.server_process import remove_folder as r\nr(pathlib.Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], cwd=REPOSITORY) as owner:  # noqa: S603  ours
        # Its removal has begun.
        assert until(lambda: len(list(folder.iterdir())) < 40)
        owner.kill()
    assert until(lambda: not folder.exists())


def _remove_folder(cloud: LocalCloud) -> None:
    shutil.rmtree(cloud.log.parent)


def _remove_secret(cloud: LocalCloud) -> None:
    cloud.secret_file.unlink()


def _close_port(cloud: LocalCloud) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        cloud._server.port = unused.getsockname()[1]  # noqa: SLF001  nothing listens on it from here on


def _deny_writes(cloud: LocalCloud) -> None:
    (cloud.log.parent / "probe").mkdir()


def _kill(cloud: LocalCloud) -> None:
    os.kill(cloud.process_id, signal.SIGKILL)
    os.waitid(os.P_PID, cloud.process_id, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_remove_folder, "has lost its files: another program removed owner.lock, server.log, secret, tmp from /"),
        (_remove_secret, "has lost its files: another program removed secret from /"),
        (_deny_writes, "cannot write to /"),
        (_close_port, "listens no longer on 127.0.0.1:"),
        (_kill, "died with exit status -9"),
    ],
)
def test_cloud_that_lost_a_part_is_named_and_stopped(damage: Callable[[LocalCloud], None], reason: str) -> None:
    with LocalCloud.start() as cloud:
        cloud.require_alive()
        damage(cloud)
        with pytest.raises(LocalCloudError, match="^The local cloud's server " + re.escape(reason)) as raised:
            cloud.require_alive()
        assert str(raised.value).splitlines()[1] == "The end of its log:"
        assert until(lambda: not alive(cloud.process_id))


def test_start_removes_no_folder_of_another_cloud_and_no_kept_one(cloud: LocalCloud) -> None:
    with LocalCloud.start(keep_folder=True) as kept:
        folder = kept.log.parent
    LocalCloud.start().stop()
    assert cloud.log.exists()
    assert "Running on http://127.0.0.1" in kept.log.read_text()
    shutil.rmtree(folder)


def busy_worker(url: str, secret: str) -> int:
    """Create a function without CloudFormation, leave it within an invocation, and return its process."""

    def client(service: str) -> Any:  # noqa: ANN401  boto3's clients have no common type
        credentials = {"aws_access_key_id": "000000000000", "aws_secret_access_key": secret}
        return boto3.client(service, "us-east-1", endpoint_url=url, **credentials)  # type: ignore[call-overload]

    arn = client("iam").create_role(RoleName="busy", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions, name = client("lambda"), "busy"
    package = {"Handler": "index.handler", "Code": {"ZipFile": zipped(NEVER_ENDS)}, "Timeout": 120}
    functions.create_function(FunctionName=name, Runtime="python3.13", Role=arn, **package)
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    worker = int(functions.invoke(FunctionName=name, Payload="null")["Payload"].read())
    functions.invoke(FunctionName=name, Payload='"sleep"', InvocationType="Event")
    until(lambda: False, seconds=0.5)
    return worker


class Command:
    """A running `python -m local_cloud`, and its output until now."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "local_cloud", *arguments]
        self.process = subprocess.Popen(  # noqa: S603  our own module
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.printed = ""

    def __enter__(self) -> Self:
        assert self.process.stdout is not None
        while "Ctrl-C" not in self.printed and (line := self.process.stdout.readline()):
            self.printed += line
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def variables(self) -> dict[str, str]:
        return dict(re.findall(r"^  export (\w+)=(.*)$", self.printed, re.MULTILINE))

    def folder(self) -> Path:
        """Return the path of the log that it prints."""
        found = re.search(r"^Its log: (.*)/server.log$", self.printed, re.MULTILINE)
        assert found, self.printed
        return Path(found[1])

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_alone_it_tells_how_to_reach_it_and_is_gone_when_it_is_stopped(how: signal.Signals) -> None:
    with Command("--port=0", "--account=123456789012") as one:
        unset = {"AWS_PROFILE", "AWS_SESSION_TOKEN"}
        assert f"  unset {' '.join(sorted(unset))}\n" in one.printed
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        environment = {**inherited, **one.variables()}
        program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
        asked = [sys.executable, "-c", program]
        ended = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)  # noqa: S603  ours
        assert ended.stdout.strip() == "123456789012"
        assert f"{environment['AWS_ENDPOINT_URL']}/_local_cloud/region/us-east-1/down" in one.printed
        folder = one.folder()
        assert folder.exists()
        assert one.stop(how) == 0
    assert not folder.exists()
    address = urlsplit(environment["AWS_ENDPOINT_URL"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_operate_finds_the_platform_of_a_local_cloud_without_an_option() -> None:
    with Command("--port=0", "--account=123456789012") as one:
        environment = {**os.environ, **one.variables()}
        command = [sys.executable, "-m", "operations", "--account", "123456789012", "status"]
        ended = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603  ours
    # Nothing is deployed to it yet.
    assert "caller arn:aws:iam::123456789012:root, confirmed by STS" in ended.stderr


def test_local_deploy_gives_the_commands_with_local_a_platform(tmp_path: Path) -> None:
    def lockstep(*arguments: str) -> str:
        # Other tests of this checkout start local clouds too, so the test links the files of its own.
        command = [sys.executable, "-m", "lockstep", *arguments, "--local"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout  # noqa: S603  ours

    with Command("--deploy", "--port=0", "--account=123456789012") as one:
        (tmp_path / ".build").mkdir()
        (tmp_path / ".build" / "local").symlink_to(Path(one.variables()["LOCKSTEP_TARGET"]).parent)
        (tmp_path / "a.ndjson").write_text('{"id": 1}\n')
        lockstep("upload", "a.ndjson")
        assert "1 processed" in lockstep("verify", "--wait", "120")
        assert '{"id": 1}' in lockstep("records", "a.ndjson")
        assert "us-west-2 is active, epoch 1" in lockstep("promote", "us-west-2", "--yes")
        assert one.stop(signal.SIGINT) == 0
    assert not (tmp_path / ".build" / "local").exists()


def test_two_clouds_side_by_side_are_independent(cloud: LocalCloud) -> None:
    cloud.client("sqs").create_queue(QueueName="side-by-side")
    with LocalCloud.start(account=cloud.account) as other:
        assert other.endpoint_url != cloud.endpoint_url
        assert other.log.parent != cloud.log.parent
        assert not other.client("sqs").list_queues().get("QueueUrls")
        other.region_down("us-east-1")
        assert cloud.client("sqs").list_queues(QueueNamePrefix="side-by-side")["QueueUrls"]


@pytest.mark.parametrize("port", ["99999", "-1", "taken"])
def test_port_in_use_is_an_error_with_a_hint(cloud: LocalCloud, port: str) -> None:
    with Command(f"--port={cloud.endpoint_url.rpartition(':')[2] if port == 'taken' else port}") as one:
        assert one.process.wait(20) == 1
    message = r"Cannot listen on 127\.0\.0\.1:-?\d+: .*\. Give another port, or 0 to take any free one\.\n"
    assert re.fullmatch(message, one.printed)


def test_its_environment_lets_nothing_of_the_real_aws_through(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    environment = cloud.environment("us-west-2")
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    ended = subprocess.run(  # noqa: S603  a program of this test
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == cloud.account


def test_unknown_command_is_refused_with_the_list_of_commands(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="region/<region>/down"):
        cloud._control("nonsense")  # noqa: SLF001  a command that no method sends
    with pytest.raises(LocalCloudError, match="from 0 up"):
        cloud.set_replication_lag(-1)


def test_network_is_read_back(cloud: LocalCloud) -> None:
    policy = cfn.policy_document({"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"})
    resources = {
        "Vpc": cfn.resource("EC2::VPC", CidrBlock="10.2.0.0/16"),
        "Group": cfn.resource(
            "EC2::SecurityGroup",
            VpcId=cfn.ref("Vpc"),
            GroupDescription="a",
            SecurityGroupEgress=[{"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}],
        ),
        "In": cfn.resource(
            "EC2::SecurityGroupIngress",
            GroupId=cfn.att("Group", "GroupId"),
            IpProtocol="tcp",
            FromPort=443,
            ToPort=443,
            SourceSecurityGroupId=cfn.att("Group", "GroupId"),
            Description="itself",
        ),
        "Out": cfn.resource(
            "EC2::SecurityGroupEgress",
            GroupId=cfn.att("Group", "GroupId"),
            IpProtocol="tcp",
            FromPort=443,
            ToPort=443,
            DestinationPrefixListId="pl-63a5400a",
        ),
        "Endpoint": cfn.resource(
            "EC2::VPCEndpoint",
            VpcId=cfn.ref("Vpc"),
            ServiceName="com.amazonaws.us-east-1.sqs",
            VpcEndpointType="Interface",
            PolicyDocument=policy,
            SecurityGroupIds=[cfn.att("Group", "GroupId")],
            PrivateDnsEnabled=True,
        ),
        "Logs": cfn.resource("Logs::LogGroup"),
        "Role": role("vpc-flow-logs.amazonaws.com"),
        "Flow": cfn.resource(
            "EC2::FlowLog",
            ResourceId=cfn.ref("Vpc"),
            ResourceType="VPC",
            TrafficType="ALL",
            LogGroupName=cfn.ref("Logs"),
            DeliverLogsPermissionArn=cfn.att("Role"),
            MaxAggregationInterval=60,
            Tags=[{"Key": "Owner", "Value": "me"}],
        ),
    }
    stack = deploy(cloud, resources, {"Cidr": cfn.att("Vpc", "CidrBlock")})
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
    policy = {"Bucket": cfn.ref("Bucket"), "PolicyDocument": cfn.policy_document(*statements)}
    data = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::x/"]},
    ]
    return {
        "Key": key(),
        "Bucket": cfn.resource("S3::Bucket"),
        "Policy": cfn.resource("S3::BucketPolicy", **policy),
        "Logs": cfn.resource("Logs::LogGroup"),
        "Role": role("cloudtrail.amazonaws.com"),
        "Trail": cfn.resource(
            "CloudTrail::Trail",
            TrailName="audit",
            S3BucketName=cfn.ref("Bucket"),
            IsLogging=True,
            IsMultiRegionTrail=True,
            EnableLogFileValidation=True,
            KMSKeyId=cfn.att("Key"),
            CloudWatchLogsLogGroupArn=cfn.att("Logs"),
            CloudWatchLogsRoleArn=cfn.att("Role"),
            AdvancedEventSelectors=[{"Name": "objects", "FieldSelectors": data}],
            Tags=[{"Key": "Owner", "Value": "me"}],
        )
        | {"DependsOn": "Policy"},
    }


def test_trail_is_read_back_and_needs_its_buckets_permission(cloud: LocalCloud) -> None:
    admitted = cfn.admit("cloudtrail.amazonaws.com", "s3:PutObject", resource={"Fn::Sub": "arn:aws:s3:::${Bucket}/*"})
    stack = deploy(cloud, trail_resources(admitted), {"Arn": cfn.att("Trail")}, region="us-west-2")
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


def test_key_policy_without_the_caller_denies_decryption(cloud: LocalCloud) -> None:
    resources = {"Caller": role("lambda.amazonaws.com", allow("kms:*")), "Key": key()}
    stack = deploy(cloud, resources)
    ciphertext = stack.client("kms").encrypt(KeyId=stack["Key"], Plaintext=b"x")["CiphertextBlob"]
    caller = stack.assume("Caller", "kms")
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.decrypt(CiphertextBlob=ciphertext, KeyId=stack["Key"])
    stack.update({**resources, "Key": key(cfn.att("Caller"))})
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


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()),
    max_leaves=20,
)


def changeable(value: Any) -> list[int]:  # noqa: ANN401  any value
    """Return the identities of all mutable objects in a value."""
    if isinstance(value, dict):
        return [id(value), *(identity for one in value.values() for identity in changeable(one))]
    if isinstance(value, list):
        return [id(value), *(identity for one in value for identity in changeable(one))]
    return [id(value)] if isinstance(value, set) else []


@pytest.mark.property
@given(ITEMS)
def test_copy_is_equal_and_shares_nothing_mutable(value: Any) -> None:  # noqa: ANN401  any value
    copy = copied(value)
    assert (copy, type(copy)) == (value, type(value))
    assert not set(changeable(copy)) & set(changeable(value))


@pytest.mark.property
@given(
    st.lists(st.sampled_from(['{"a": 1}', '{"a": 2}', "[]", "1", "1.0", "true", "{", "", b'{"a": 1}', b"\xff"]), min_size=1)
)
def test_text_parses_to_the_same_value_each_time(texts: list[str | bytes]) -> None:
    remembering = reading(2)
    for text in texts:
        try:
            parsed = json.loads(text)
        except ValueError as error:
            with pytest.raises(type(error)):
                remembering.loads(text)
        else:
            read = remembering.loads(text)
            assert (read, type(read)) == (parsed, type(parsed))
