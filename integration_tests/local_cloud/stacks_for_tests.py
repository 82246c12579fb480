"""Deploy small CloudFormation templates through the public API, as a user does."""

from __future__ import annotations

import io
import json
import textwrap
import time
import uuid
import zipfile
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.config import Config

from integration_tests.local_cloud import cfn

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud import LocalCloud

Answer = TypeVar("Answer")

EAST: Final = "us-east-1"
WEST: Final = "us-west-2"
_DEPLOYED_WITHIN_SECONDS: Final = 90.0
_UNFINISHED: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")


class Stack:
    """A deployed stack: its outputs, and clients of its region."""

    def __init__(self, cloud: LocalCloud, region: str, name: str) -> None:
        self.cloud, self.region, self.name = cloud, region, name
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401  boto3's clients have no common type
        if service not in self._clients:
            self._clients[service] = self.cloud.client(service, self.region)
        return self._clients[service]

    def __getitem__(self, logical_id: str) -> str:
        detail = self.client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        identity: str = detail["StackResourceDetail"]["PhysicalResourceId"]
        return identity

    def assume(self, role_id: str, service: str, **more: Any) -> Any:  # noqa: ANN401  a boto3 client
        """Return a client that acts as a role of the stack."""
        return assume(self.cloud, f"arn:aws:iam::{self.cloud.account}:role/{self[role_id]}", service, self.region, **more)

    def outputs(self) -> dict[str, str]:
        described = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def update(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
        body = json.dumps({"Resources": resources, "Outputs": _outputs(outputs)})
        self.client("cloudformation").update_stack(
            StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        _settle(self)

    def delete(self) -> None:
        """Delete the stack and wait until it is deleted."""
        self.client("cloudformation").delete_stack(StackName=self.name)
        _settle(self)


def deploy(
    cloud: LocalCloud,
    resources: dict[str, Any],
    outputs: dict[str, Any] | None = None,
    *,
    region: str = "us-east-1",
    name: str = "",
) -> Stack:
    """Create a stack and return it when it is complete; raise AssertionError with the reasons if it fails."""
    stack = Stack(cloud, region, name or f"test-{uuid.uuid4().hex[:10]}")
    stack.client("cloudformation").create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps({"Resources": resources, "Outputs": _outputs(outputs)}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    _settle(stack)
    return stack


def _outputs(outputs: dict[str, Any] | None) -> dict[str, Any]:
    return {name: {"Value": value} for name, value in (outputs or {}).items()}


def _settle(stack: Stack) -> None:
    cloudformation = stack.client("cloudformation")
    deadline = time.monotonic() + _DEPLOYED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            status = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]["StackStatus"]
        except cloudformation.exceptions.ClientError:
            return
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"):
            return
        if status not in _UNFINISHED:
            events = cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
            reasons = [
                f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in events if "FAILED" in e["ResourceStatus"]
            ]
            raise AssertionError(f"the stack ended as {status}: {reasons}")
        time.sleep(0.02)
    raise AssertionError(f"the stack {stack.name} did not settle")


def values(client: Any, namespace: str, metric: str, statistic: str, **dimensions: str) -> list[float]:  # noqa: ANN401
    """Return a metric's values of the last ten minutes."""
    now = time.time()
    found = client.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    return [float(one[statistic]) for one in found]


def until(ask: Callable[[], Answer], *, seconds: float = 20.0) -> Answer:
    """Call a function until its result is truthy; return the last result after the timeout."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.03)
    return answer


def zipped(source: str) -> bytes:
    """Return a deployment package of one module, `index`."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", textwrap.dedent(source))
    return package.getvalue()


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:  # noqa: ANN401  a string or an intrinsic function
    """Return a statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def role(trusted: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Return a role that a service or an account may assume, with the permissions of the statements."""
    principal = {"AWS" if trusted.isdigit() else "Service": trusted}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    policies = [{"PolicyName": "allowed", "PolicyDocument": cfn.policy_document(*statements)}] if statements else []
    return cfn.resource("IAM::Role", AssumeRolePolicyDocument=cfn.policy_document(trust), Policies=policies)


def function(
    source: str,
    role_id: str,
    *,
    variables: dict[str, Any] | None = None,
    **properties: Any,  # noqa: ANN401  template properties
) -> dict[str, Any]:
    """Return a Python function of one module."""
    usual = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 10,
        "Environment": {"Variables": variables or {}},
    }
    code = {"ZipFile": textwrap.dedent(source)}
    return cfn.resource("Lambda::Function", usual, Code=code, Role=cfn.att(role_id), **properties)


def key(*principals: Any, admitted: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ANN401  ARNs or intrinsic functions
    """Return a KMS key with the account's root as administrator, and only these principals as users, beside a statement."""
    administer = ["kms:Create*", "kms:Describe*", "kms:Put*", "kms:Get*", "kms:ScheduleKeyDeletion", "kms:TagResource"]
    statements = [allow(*administer, Principal={"AWS": cfn.ROOT})]
    if principals:
        use = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        statements.append(allow(*use, Principal={"AWS": list(principals)}))
    if admitted:
        statements.append(admitted)
    return cfn.resource("KMS::Key", KeyPolicy=cfn.policy_document(*statements))


def impatient(cloud: LocalCloud, service: str, region: str) -> Any:  # noqa: ANN401  a boto3 client
    """Return a client without retries, so that an expected failure is fast."""
    once = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return cloud.client(service, region, config=once)


def assume(cloud: LocalCloud, role_arn: str, service: str, region: str = EAST, **more: Any) -> Any:  # noqa: ANN401  a boto3 client
    """Return a client that acts as a role."""
    held = cloud.client("sts", region).assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    keys = {"aws_access_key_id": held["AccessKeyId"], "aws_secret_access_key": held["SecretAccessKey"]}
    return cloud.client(service, region, aws_session_token=held["SessionToken"], **keys, **more)
