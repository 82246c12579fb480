"""Test functions: their permissions and their roles' boundaries, their configuration, and their triggers."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import (
    EAST,
    Stack,
    allow,
    assume,
    deploy,
    function,
    key,
    role,
    until,
    values,
)

if TYPE_CHECKING:
    from local_cloud import LocalCloud


WRITES_TO_TABLE = """
    import boto3, os
    def handler(event, context):
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": "written"}})
        return "written"
"""
SENDS_ON = """
    import boto3, json, os
    sqs = boto3.client("sqs")
    def handler(event, context):
        for record in event["Records"]:
            hop = json.loads(record["body"])["hop"]
            sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps({"hop": hop + 1}))
"""


def invoke(stack: Stack, name: str, payload: object = None) -> Any:  # noqa: ANN401  whatever the function returns
    answer = stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


TRIES_ALL = """
    import boto3, os
    from botocore.exceptions import ClientError
    clients = {name: boto3.client(name) for name in ("s3", "sqs", "dynamodb", "secretsmanager", "kms")}
    where = os.environ
    attempts = {
        "s3:PutObject": lambda: clients["s3"].put_object(Bucket=where["BUCKET"], Key="a", Body=b"x"),
        "s3:GetObject": lambda: clients["s3"].get_object(Bucket=where["BUCKET"], Key="kept"),
        "s3:ListBucket": lambda: clients["s3"].list_objects_v2(Bucket=where["BUCKET"]),
        "sqs:SendMessage": lambda: clients["sqs"].send_message(QueueUrl=where["QUEUE"], MessageBody="x"),
        "sqs:ReceiveMessage": lambda: clients["sqs"].receive_message(QueueUrl=where["QUEUE"]),
        "dynamodb:PutItem": lambda: clients["dynamodb"].put_item(TableName=where["TABLE"], Item={"pk": {"S": "a"}}),
        "dynamodb:GetItem": lambda: clients["dynamodb"].get_item(TableName=where["TABLE"], Key={"pk": {"S": "a"}}),
        "secretsmanager:GetSecretValue": lambda: clients["secretsmanager"].get_secret_value(SecretId=where["SECRET"]),
        "kms:Encrypt": lambda: clients["kms"].encrypt(KeyId=where["KEY"], Plaintext=b"x"),
    }
    def handler(event, context):
        denied = []
        for action, attempt in attempts.items():
            try:
                attempt()
            except ClientError as error:
                denied.append(f"{action} {error.response['Error']['Code']}")
        return denied
"""
ACTIONS = (
    *("s3:PutObject", "s3:GetObject", "s3:ListBucket", "sqs:SendMessage", "sqs:ReceiveMessage", "dynamodb:PutItem"),
    *("dynamodb:GetItem", "secretsmanager:GetSecretValue", "kms:Encrypt"),
)


@pytest.fixture(scope="module")
def trying(cloud: LocalCloud) -> Stack:
    """A function that uses a resource of every service, and returns the denied actions."""
    where = {name.upper(): cfn.ref(name) for name in ("Bucket", "Queue", "Table", "Secret", "Key")}
    root = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}
    resources = {
        "Bucket": cfn.resource("S3::Bucket"),
        "Queue": cfn.resource("SQS::Queue"),
        "Table": cfn.simple_table(),
        "Secret": cfn.resource("SecretsManager::Secret", Name="tried", SecretString="x"),
        "Key": key(root),
        "Role": role("lambda.amazonaws.com", allow(*ACTIONS)),
        "Function": function(TRIES_ALL, "Role", variables=where),
    }
    stack = deploy(cloud, resources)
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="kept", Body=b"x")
    return stack


def test_function_with_all_its_permissions_is_denied_nothing(trying: Stack) -> None:
    assert invoke(trying, trying["Function"]) == (None, [])


@pytest.mark.parametrize("removed", ACTIONS)
def test_removed_permission_denies_its_action_and_no_other(trying: Stack, removed: str) -> None:
    iam, name = trying.client("iam"), trying["Role"]

    def grant(*actions: str) -> None:
        document = cfn.policy_document(allow(*actions))
        iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=json.dumps(document))

    grant(*(action for action in ACTIONS if action != removed))
    try:
        failed, denied = invoke(trying, trying["Function"])
    finally:
        grant(*ACTIONS)
    assert failed is None
    assert [one.split()[0] for one in denied] == [removed]
    assert all("Denied" in one for one in denied)


def test_subnet_is_in_the_zone_of_its_zone_id(cloud: LocalCloud) -> None:
    resources = {
        "Vpc": cfn.resource("EC2::VPC", CidrBlock="10.1.0.0/16"),
        "Subnet": cfn.resource("EC2::Subnet", VpcId=cfn.ref("Vpc"), CidrBlock="10.1.0.0/24", AvailabilityZoneId="use1-az2"),
    }
    stack = deploy(cloud, resources)
    (held,) = stack.client("ec2").describe_subnets(SubnetIds=[stack["Subnet"]])["Subnets"]
    assert (held["AvailabilityZoneId"], held["AvailabilityZone"]) == ("use1-az2", "us-east-1b")


def test_function_configuration_is_read_back(cloud: LocalCloud) -> None:
    resources = {
        "Vpc": cfn.resource("EC2::VPC", CidrBlock="10.1.0.0/16"),
        "Subnet": cfn.resource("EC2::Subnet", VpcId=cfn.ref("Vpc"), CidrBlock="10.1.0.0/24"),
        "Group": cfn.resource("EC2::SecurityGroup", VpcId=cfn.ref("Vpc"), GroupDescription="test"),
        "Dead": cfn.resource("SQS::Queue"),
        "Key": key(),
        "Role": role("lambda.amazonaws.com"),
        "Function": function(
            "def handler(event, context): pass",
            "Role",
            VpcConfig={"SubnetIds": [cfn.ref("Subnet")], "SecurityGroupIds": [cfn.ref("Group")]},
            ReservedConcurrentExecutions=3,
            RecursiveLoop="Allow",
            DeadLetterConfig={"TargetArn": cfn.att("Dead")},
            TracingConfig={"Mode": "Active"},
            Architectures=["arm64"],
            KmsKeyArn=cfn.att("Key"),
        ),
    }
    stack = deploy(cloud, resources)
    functions, name = stack.client("lambda"), stack["Function"]
    configuration = functions.get_function_configuration(FunctionName=name)
    assert configuration["VpcConfig"]["VpcId"] == stack["Vpc"]
    assert configuration["VpcConfig"]["SecurityGroupIds"] == [stack["Group"]]
    assert configuration["DeadLetterConfig"]["TargetArn"].startswith("arn:aws:sqs:us-east-1:")
    assert configuration["TracingConfig"] == {"Mode": "Active"}
    assert configuration["Architectures"] == ["arm64"]
    assert configuration["KMSKeyArn"].endswith(stack["Key"])
    assert functions.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"

    stack.update({**resources, "Function": function("def handler(event, context): pass", "Role")})
    assert functions.get_function_configuration(FunctionName=name)["VpcConfig"]["VpcId"] == ""
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
    assert functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"


def test_stacks_of_one_name_in_two_regions_do_not_share_their_roles(cloud: LocalCloud) -> None:
    resources = {
        "Table": cfn.simple_table(),
        "Role": role("lambda.amazonaws.com", allow("dynamodb:PutItem")),
        "Function": function(WRITES_TO_TABLE, "Role", variables={"TABLE": cfn.ref("Table")}),
    }
    east = deploy(cloud, resources)
    west = deploy(cloud, {**resources, "Role": role("lambda.amazonaws.com")}, region="us-west-2", name=east.name)
    assert east["Role"] != west["Role"]
    assert invoke(east, east["Function"]) == (None, "written")
    assert invoke(west, west["Function"])[0] == "Unhandled"


def looping(**properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    use = allow("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    redrive = {"deadLetterTargetArn": cfn.att("Dead"), "maxReceiveCount": 5}
    return {
        "Dead": cfn.resource("SQS::Queue"),
        "Queue": cfn.resource("SQS::Queue", RedrivePolicy=redrive, VisibilityTimeout=60),
        "Role": role("lambda.amazonaws.com", use),
        "Function": function(SENDS_ON, "Role", variables={"QUEUE": cfn.ref("Queue")}, **properties),
        "Mapping": cfn.resource(
            "Lambda::EventSourceMapping", FunctionName=cfn.ref("Function"), EventSourceArn=cfn.att("Queue"), BatchSize=1
        ),
    }


def depth(stack: Stack, queue: str) -> int:
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack[queue], AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])


def counted(stack: Stack, metric: str) -> float:
    """Return the sum of an AWS/Lambda metric of the stack's function."""
    return sum(values(stack.client("cloudwatch"), "AWS/Lambda", metric, "Sum", FunctionName=stack["Function"]))


def test_sixteenth_hop_of_a_loop_goes_to_the_dead_letter_queue(cloud: LocalCloud) -> None:
    stack = deploy(cloud, looping())
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 0}')
    assert until(lambda: depth(stack, "Dead")) == 1
    message = stack.client("sqs").receive_message(QueueUrl=stack["Dead"])["Messages"][0]
    assert json.loads(message["Body"])["hop"] == 16
    assert until(lambda: depth(stack, "Queue") == 0)


LOOPS_THROUGH_A_BUCKET = """
    import boto3, json, os
    def handler(event, context):
        for record in event["Records"]:
            for event_record in json.loads(record["body"]).get("Records", []):
                hop = int(event_record["s3"]["object"]["key"])
                boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=str(hop + 1), Body=b"x")
"""


def test_loop_through_a_bucket_and_a_queue_is_stopped_and_counted(cloud: LocalCloud) -> None:
    resources = {
        **looping(),
        **cfn.notifying(),
        "Role": role("lambda.amazonaws.com", allow("sqs:*", "s3:PutObject")),
        "Function": function(LOOPS_THROUGH_A_BUCKET, "Role", variables={"BUCKET": cfn.ref("Bucket")}),
    }
    stack = deploy(cloud, resources)
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="0", Body=b"x")
    assert until(lambda: depth(stack, "Dead"), seconds=15) == 1
    written = stack.client("s3").list_objects_v2(Bucket=stack["Bucket"])["Contents"]
    assert max(int(entry["Key"]) for entry in written) == 16
    assert counted(stack, "RecursiveInvocationsDropped") == 1


def test_function_that_allows_the_loop_is_not_stopped(cloud: LocalCloud) -> None:
    stack = deploy(cloud, looping(RecursiveLoop="Allow"))
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 0}')
    assert until(lambda: counted(stack, "Invocations") > 20)
    stack.client("lambda").put_function_concurrency(FunctionName=stack["Function"], ReservedConcurrentExecutions=0)
    assert depth(stack, "Dead") == 0


def problem(stack: Stack) -> str:
    """Return the problem that the stack's mapping reports; nothing while it works."""
    mapping = stack.client("lambda").get_event_source_mapping(UUID=stack["Mapping"])
    result = str(mapping.get("LastProcessingResult", ""))
    return result if result.startswith("PROBLEM") else ""


def message_receives(stack: Stack) -> int:
    """Return the number of receives of the only message in the stack's queue."""
    received = stack.client("sqs").receive_message(
        QueueUrl=stack["Queue"], MessageSystemAttributeNames=["ApproximateReceiveCount"], VisibilityTimeout=0
    )
    return int(received["Messages"][0]["Attributes"]["ApproximateReceiveCount"]) - 1


def test_mapping_without_receive_permission_invokes_nothing(cloud: LocalCloud) -> None:
    resources = looping()
    stack = deploy(cloud, {**resources, "Role": role("lambda.amazonaws.com", allow("sqs:SendMessage"))})
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 15}')
    assert "lacks sqs:ReceiveMessage" in until(lambda: problem(stack))
    assert message_receives(stack) == 0
    stack.update(resources)
    assert until(lambda: depth(stack, "Queue") == 0)


def test_invocations_and_errors_are_counted_whatever_caused_them(cloud: LocalCloud) -> None:
    resources = looping()
    resources["Function"] = function("def handler(event, context): raise ValueError(event)", "Role")
    stack = deploy(cloud, resources)
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody="{}")
    assert until(lambda: counted(stack, "Errors")) == 1
    assert counted(stack, "Invocations") == 1
    assert counted(stack, "Duration") > 0
    stack.client("lambda").invoke(FunctionName=stack["Function"])
    assert until(lambda: counted(stack, "Errors") == 2)


def test_mappings_settings_are_read_back(cloud: LocalCloud) -> None:
    resources = looping()
    resources["Mapping"]["Properties"] |= {
        "ScalingConfig": {"MaximumConcurrency": 7},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 1,
    }
    stack = deploy(cloud, resources)
    mapping = stack.client("lambda").get_event_source_mapping(UUID=stack["Mapping"])
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 7}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumBatchingWindowInSeconds"] == 1


TAKES_ITS_TIME = """
    import os, time
    def handler(event, context):
        time.sleep(event or 0)
        return [os.getpid(), os.environ["IS"]]
"""


def slow(name: str, version: str) -> dict[str, Any]:
    """A function that sleeps for the seconds in its event, and then returns its process and its version."""
    environment = {"Variables": {"IS": version}}
    return {
        "Role": role("lambda.amazonaws.com"),
        "Slow": function(TAKES_ITS_TIME, "Role", FunctionName=name, Environment=environment),
    }


def test_invocation_takes_the_first_free_environment(cloud: LocalCloud) -> None:
    source = """
        import os, time
        time.sleep(1)
        def handler(event, context):
            return os.getpid()
    """
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com"), "Starts": function(source, "Role")})
    name, client = stack["Starts"], stack.client("lambda")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.invoke(FunctionName=name)["Payload"].read(), range(12)))
    assert all(answer.isdigit() for answer in answers)
    # All twelve ask before the first one is ready: none would have to start for what the first few can take.
    assert len(set(answers)) <= 2 * (os.cpu_count() or 1)


def test_environments_that_hang_hold_up_no_other_function_for_long(cloud: LocalCloud, tmp_path: Path) -> None:
    released = tmp_path / "released"
    hangs = f"""
        import pathlib, time
        while not pathlib.Path({str(released)!r}).exists():
            time.sleep(0.1)
        def handler(event, context): pass
    """
    resources = {
        "Role": role("lambda.amazonaws.com"),
        "Hangs": function(hangs, "Role"),
        "Starts": function("def handler(event, context): return 'started'", "Role"),
    }
    stack = deploy(cloud, resources)
    for _ in range(2 * (os.cpu_count() or 1)):
        stack.client("lambda").invoke(FunctionName=stack["Hangs"], InvocationType="Event")
    time.sleep(0.5)
    try:
        assert invoke(stack, stack["Starts"]) == (None, "started")  # while they still hang
    finally:
        released.touch()


def test_namesake_in_another_region_ends_no_invocation(cloud: LocalCloud) -> None:
    stack = deploy(cloud, slow("namesake", "west"), region="us-west-2")
    process = invoke(stack, "namesake")[1][0]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, stack, "namesake", 2)
        time.sleep(0.5)
        deploy(cloud, slow("namesake", "east"))
        assert not running.done()
        assert running.result() == (None, [process, "west"])
    assert invoke(stack, "namesake") == (None, [process, "west"])


def test_update_affects_the_next_invocation_and_not_the_running_one(cloud: LocalCloud) -> None:
    stack = deploy(cloud, slow("updated", "old"))
    process = invoke(stack, "updated")[1][0]
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, stack, "updated", 2)
        time.sleep(0.5)
        stack.update(slow("updated", "new"))
        failed, (successor, version) = invoke(stack, "updated")
        assert not running.done()
        assert (failed, version) == (None, "new")
        assert successor != process
        assert running.result() == (None, [process, "old"])
    assert until(lambda: not Path(f"/proc/{process}").exists())
    assert invoke(stack, "updated") == (None, [successor, "new"])


def test_reserved_concurrency_of_none_holds_the_queue(cloud: LocalCloud) -> None:
    stack = deploy(cloud, looping(ReservedConcurrentExecutions=0))
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 0}')
    assert not until(lambda: depth(stack, "Dead"), seconds=0.5)
    assert depth(stack, "Queue") == 1


def api(authorization: str) -> dict[str, Any]:
    """An HTTP API with one route."""
    return {
        "Role": role("lambda.amazonaws.com"),
        "Function": function("def handler(event, context): return {'statusCode': 200, 'body': event['rawPath']}", "Role"),
        "Api": cfn.resource("ApiGatewayV2::Api", Name="test", ProtocolType="HTTP"),
        "Logs": cfn.resource("Logs::LogGroup", RetentionInDays=7),
        "Stage": cfn.resource(
            "ApiGatewayV2::Stage",
            ApiId=cfn.ref("Api"),
            StageName="$default",
            AutoDeploy=True,
            AccessLogSettings={
                "DestinationArn": cfn.att("Logs"),
                "Format": "$context.requestId",
            },
            DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 10},
        ),
        "Integration": cfn.resource(
            "ApiGatewayV2::Integration",
            ApiId=cfn.ref("Api"),
            IntegrationType="AWS_PROXY",
            IntegrationUri=cfn.att("Function"),
            PayloadFormatVersion="2.0",
        ),
        "Route": cfn.resource(
            "ApiGatewayV2::Route",
            ApiId=cfn.ref("Api"),
            RouteKey="GET /healthz",
            AuthorizationType=authorization,
            Target={"Fn::Join": ["/", ["integrations", cfn.ref("Integration")]]},
        ),
        "Permission": cfn.resource(
            "Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName=cfn.ref("Function"),
            Principal="apigateway.amazonaws.com",
            SourceArn={"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/healthz"},
        ),
    }


def fetch(url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=10) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_api_answers_at_its_local_url_and_by_its_aws_name(cloud: LocalCloud) -> None:
    stack = deploy(cloud, api("NONE"), {"Endpoint": cfn.att("Api", "ApiEndpoint")}, region="us-west-2")
    identity = stack["Api"]
    endpoint = stack.outputs()["Endpoint"]
    assert endpoint == f"https://{identity}.execute-api.us-west-2.amazonaws.com"
    assert fetch(f"{cloud.api_url(identity)}/healthz") == (200, "/healthz")
    assert fetch(f"{cloud.endpoint_url}/healthz", {"Host": endpoint.removeprefix("https://")}) == (200, "/healthz")
    stage = stack.client("apigatewayv2").get_stage(ApiId=identity, StageName="$default")
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 10
    assert stage["AccessLogSettings"]["Format"] == "$context.requestId"


def signed(url: str, credentials: Credentials) -> dict[str, str]:
    request = AWSRequest("GET", url)
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_iam_route_allows_only_callers_with_permission(cloud: LocalCloud) -> None:
    resources = {
        **api("AWS_IAM"),
        "Client": role("lambda.amazonaws.com", allow("execute-api:Invoke")),
        "Stranger": role("lambda.amazonaws.com"),
    }
    stack = deploy(cloud, resources)
    url = f"{cloud.api_url(stack['Api'])}/healthz"

    def ask(who: str) -> int:
        arn = f"arn:aws:iam::{cloud.account}:role/{stack[who]}"
        answer = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        credentials = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return fetch(url, signed(url, credentials))[0]

    assert ask("Client") == 200
    assert ask("Stranger") == 403
    assert fetch(url)[0] == 403
    assert stack.assume("Client", "sts").get_caller_identity()["Arn"].endswith("/test")


CALLS_AN_API = """
    import os
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session
    from botocore.session import Session
    http = URLLib3Session(timeout=5)
    def handler(event, context):
        request = AWSRequest("GET", os.environ["API"] + "/healthz?b=2&a=1", headers={"x-signed-header": "x"})
        SigV4Auth(Session().get_credentials(), "execute-api", os.environ["AWS_REGION"]).add_auth(request)
        if event:
            request.headers.replace_header("x-signed-header", event)
        answer = http.send(request.prepare())
        return [answer.status_code, answer.text]
"""


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_function_calls_an_api_by_its_own_name_with_a_valid_signature(cloud: LocalCloud, region: str) -> None:
    resources = {
        **api("AWS_IAM"),
        "Caller": role("lambda.amazonaws.com", allow("execute-api:Invoke")),
        "Calls": function(CALLS_AN_API, "Caller", variables={"API": cfn.att("Api", "ApiEndpoint")}),
    }
    stack = deploy(cloud, resources, region=region)
    assert invoke(stack, stack["Calls"]) == (None, [200, "/healthz"])
    failed, (status, text) = invoke(stack, stack["Calls"], "tampered with")
    assert (failed, status) == (None, 403)
    assert "signature" in text.lower()
    stack.update({**resources, "Caller": role("lambda.amazonaws.com")})
    assert invoke(stack, stack["Calls"])[1][0] == 403


def test_other_names_do_not_resolve_to_the_server(cloud: LocalCloud) -> None:
    source = """
        import urllib3
        def handler(event, context):
            try:
                return urllib3.PoolManager(retries=False, timeout=2).request("GET", event).status
            except urllib3.exceptions.HTTPError as error:
                return type(error).__name__
    """
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com"), "Calls": function(source, "Role")})
    answers = [invoke(stack, stack["Calls"], f"https://{host}/")[1] for host in ("x.execute-api.invalid", "aws.invalid")]
    assert answers == ["NameResolutionError"] * 2
    assert invoke(stack, stack["Calls"], "https://abcdefghij.execute-api.us-east-1.amazonaws.com/")[1] == 404


_BOUNDARY: Final = "boundary-of-the-tests"


def bounded(cloud: LocalCloud, boundary: str | None) -> dict[str, Any]:
    """Return a role that may list queues and topics, with a boundary."""
    made = role(cloud.account, allow("sqs:ListQueues", "sns:ListTopics"))
    if boundary:
        made["Properties"]["PermissionsBoundary"] = boundary
    return {"Role": made}


def test_boundary_of_a_role_limits_it_until_it_is_removed(cloud: LocalCloud) -> None:
    iam = cloud.client("iam", EAST)
    policy = cfn.policy_document(allow("sqs:*"))
    arn = iam.create_policy(PolicyName=_BOUNDARY, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    stack = deploy(cloud, bounded(cloud, arn), region=EAST)
    assert iam.get_role(RoleName=stack["Role"])["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert [may_list(cloud, stack["Role"], service) for service in ("sqs", "sns")] == [True, False]
    stack.update(bounded(cloud, None))
    assert [may_list(cloud, stack["Role"], service) for service in ("sqs", "sns")] == [True, True]


def test_boundary_that_does_not_exist_fails_the_deployment(cloud: LocalCloud) -> None:
    with pytest.raises(AssertionError, match="nowhere"):
        deploy(cloud, bounded(cloud, f"arn:aws:iam::{cloud.account}:policy/nowhere"), region=EAST)


def may_list(cloud: LocalCloud, role_name: str, service: str) -> bool:
    """Return whether a session of the role may list the queues or the topics."""
    client = assume(cloud, f"arn:aws:iam::{cloud.account}:role/{role_name}", service)
    try:
        client.list_queues() if service == "sqs" else client.list_topics()
    except ClientError as error:
        assert "AccessDenied" in error.response["Error"]["Code"] or "Authorization" in error.response["Error"]["Code"]
        return False
    return True
