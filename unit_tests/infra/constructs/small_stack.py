"""An empty stack in one of our regions, to test one construct, and the resources that all functions share."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from infra.constructs.function import FunctionSurroundings
from infra.constructs.network import Network
from infra.constructs.queue import AsyncDeadLetterQueue
from infra.region import RegionContext, RegionRole
from infra.settings import Settings

ACCOUNT = "123456789012"
CDK_JSON = Path(__file__).parents[3] / "cdk.json"


def context(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> RegionContext:
    """Return the context of a region of prod; by default the secondary, which is the control region."""
    return RegionContext(settings=Settings.model_validate({"account": ACCOUNT, **settings}), role=role)


def stack_in(of: RegionContext) -> Stack:
    flags = json.loads(CDK_JSON.read_text())["context"]
    environment = Environment(account=of.settings.account, region=of.region)
    return Stack(App(context=flags), "Small", env=environment)


def key_in(stack: Stack) -> kms.Key:
    """Return a key for everything that the construct encrypts."""
    return kms.Key(stack, "Key", enable_key_rotation=True)


def function_in(stack: Stack) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )


def of_type(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    found = resources(stack, kind)
    return {logical_id: _with_account(resource.get("Properties", {})) for logical_id, resource in found.items()}


def resources(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    """Return the whole resources of a type, by logical id."""
    return {logical_id: resource for logical_id, resource in _template(stack).items() if resource["Type"] == kind}


@cache
def _template(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the stack's resources; a stack does not change once it is synthesized."""
    return dict(Template.from_stack(stack).to_json()["Resources"])


def only(stack: Stack, kind: str) -> dict[str, Any]:
    (properties,) = of_type(stack, kind).values()
    return properties


def _with_account(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Replace `AWS::AccountId` by the account, so that names can be compared as text."""
    match value:
        case {"Ref": "AWS::AccountId"}:
            return ACCOUNT
        case {"Fn::Join": [separator, list(parts)]}:
            plain = [_with_account(part) for part in parts]
            return separator.join(plain) if all(isinstance(part, str) for part in plain) else value
        case dict():
            return {key: _with_account(item) for key, item in value.items()}
        case list():
            return [_with_account(item) for item in value]
    return value


ASSET = Path(__file__).parent
"""Any directory, because no test of a template reads the asset."""


def surroundings_in(stack: Stack, of: RegionContext, key: kms.IKey) -> FunctionSurroundings:
    """Return the resources that a function needs; a network only if the settings have one."""
    has_network = of.settings.vpc.mode == "isolated"
    return FunctionSurroundings(
        context=of,
        code=lambda_.Code.from_asset(str(ASSET)),
        logs_key=key,
        queue_key=key,
        dead_letter_queue=AsyncDeadLetterQueue(stack, "Async", context=of, key=key).queue,
        network=Network(stack, "Network", context=of, logs_key=key) if has_network else None,
    )
