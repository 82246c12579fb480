"""`AWS::Lambda::Function`: properties that the stock handler drops.

Faithful: VpcConfig (with the VPC's id), RecursiveLoop, ReservedConcurrentExecutions, DeadLetterConfig, KmsKeyArn and
FileSystemConfigs are set through the Lambda API and can be read back. Those that affect an invocation do so here.
Different from AWS: a function in a VPC has the same network as one outside; it runs under this machine's Python and
processor, regardless of its runtime and architecture; its memory and ephemeral storage are no limits.
"""

from __future__ import annotations

import time
from typing import Any, Final

from ministack.services import lambda_svc

from local_cloud.shims import _api, _templates

_CONFIGURATION: Final = {
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "DeadLetterConfig": {},
    "KmsKeyArn": "",
    "FileSystemConfigs": [],
}
_API_NAMES: Final = {"KmsKeyArn": "KMSKeyArn"}
_READY_WITHIN_SECONDS: Final = 10.0


def install() -> None:
    """Set all properties of functions."""
    _templates.extend("AWS::Lambda::Function", _apply)
    _answer_unqualified_invoke_config()


def _answer_unqualified_invoke_config() -> None:
    """Let GetFunctionEventInvokeConfig without a qualifier return the configuration of $LATEST."""
    stock = lambda_svc._event_invoke_config  # noqa: SLF001  ministack has no public hook

    def find(function: dict[str, Any], qualifier: str | None) -> Any:  # noqa: ANN401  ministack's record
        return stock(function, qualifier) or (None if qualifier else stock(function, "$LATEST"))

    lambda_svc._event_invoke_config = find  # noqa: SLF001


def _apply(function: _templates.Resource) -> _templates.Attributes:
    lambda_client = _api.client("lambda")
    _configure(lambda_client, function)
    _limit_concurrency(lambda_client, function)
    _set_recursion(lambda_client, function)
    return {}


def _configure(lambda_client: Any, function: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    changes: dict[str, Any] = {}
    for name, nothing in _CONFIGURATION.items():
        if name in function.properties:
            changes[_API_NAMES.get(name, name)] = function.properties[name]
        elif function.removed(name):
            changes[_API_NAMES.get(name, name)] = nothing
    if "VpcConfig" in changes:
        allowed = ("SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack")
        changes["VpcConfig"] = {key: value for key, value in changes["VpcConfig"].items() if key in allowed}
    if not changes:
        return
    lambda_client.update_function_configuration(FunctionName=function.physical_id, **changes)
    # CloudFormation reports a function as created when it can be invoked.
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        state = lambda_client.get_function_configuration(FunctionName=function.physical_id)
        if state["State"] == "Active" and state["LastUpdateStatus"] == "Successful":
            return
        time.sleep(0.02)
    raise ValueError(f"The function {function.physical_id} did not become active.")


def _limit_concurrency(lambda_client: Any, function: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if "ReservedConcurrentExecutions" in function.properties:
        lambda_client.put_function_concurrency(
            FunctionName=function.physical_id,
            ReservedConcurrentExecutions=int(function.properties["ReservedConcurrentExecutions"]),
        )
    elif function.removed("ReservedConcurrentExecutions"):
        lambda_client.delete_function_concurrency(FunctionName=function.physical_id)


def _set_recursion(lambda_client: Any, function: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if "RecursiveLoop" in function.properties or function.removed("RecursiveLoop"):
        lambda_client.put_function_recursion_config(
            FunctionName=function.physical_id, RecursiveLoop=function.properties.get("RecursiveLoop", "Terminate")
        )
