"""The sample app with overrides, deletions and late aspects, so that templates differ from the constructs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import App, AspectPriority, Aspects, CfnResource, IAspect, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

from unit_tests.compliance import sample

Damage = Callable[[App], None]

_DAMAGES: list[Damage] = []


@dataclass(frozen=True)
class Override:
    """One override of one resource's template.

    Attributes:
        path: The resource's construct path.
        key: The property's dotted path, from the resource's own top.
        value: What it is set to; None deletes it.
        late: Whether an aspect does it, after every other.
    """

    path: str
    key: str
    value: Any
    late: bool

    def __call__(self, app: App) -> None:
        """Apply the override to the resource."""
        resource = _find(app, self.path)
        if self.late:
            Aspects.of(app).add(_Late(self), priority=AspectPriority.READONLY)
        else:
            self.lay_over(resource)

    def lay_over(self, resource: CfnResource) -> None:
        """Change the resource's template, not its construct."""
        if self.value is None:
            resource.add_deletion_override(self.key)
        else:
            resource.add_override(self.key, self.value)


@jsii.implements(IAspect)
class _Late:
    def __init__(self, override: Override) -> None:
        self._override = override

    def visit(self, node: IConstruct) -> None:
        """Apply the override once."""
        if node.node.path == self._override.path:
            self._override.lay_over(node)  # type: ignore[arg-type]


@contextmanager
def damaged(*damages: Damage) -> Iterator[None]:
    """Make `build_app` damage its templates."""
    _DAMAGES[:] = damages
    try:
        yield
    finally:
        _DAMAGES.clear()


def build_app(environment: str, outdir: str | None = None) -> App:
    """Build the sample with an encrypted bucket and a function in it, and damage it."""
    app = sample.build_app(environment, outdir)
    stack = Stack.of(app.node.find_child("Primary"))
    s3.Bucket(
        stack,
        "Bucket",
        bucket_name=f"serverless-archive-{environment}",
        versioned=True,
        enforce_ssl=True,
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    )
    sqs.CfnQueue(stack, "Dead", queue_name=f"serverless-dead-{environment}", sqs_managed_sse_enabled=True)
    lambda_.CfnFunction(
        stack,
        "Function",
        function_name=f"serverless-processor-{environment}",
        role=f"arn:aws:iam::000000000000:role/serverless-processor-{environment}",
        runtime="python3.13",
        handler="index.handler",
        code=lambda_.CfnFunction.CodeProperty(zip_file="def handler(event, context): ..."),
        reserved_concurrent_executions=5,
        vpc_config=lambda_.CfnFunction.VpcConfigProperty(subnet_ids=["subnet-1"], security_group_ids=["sg-1"]),
    )
    for damage in _DAMAGES:
        damage(app)
    return app


def _find(app: App, path: str) -> CfnResource:
    found: Any = app
    for part in path.split("/"):
        found = found.node.find_child(part)
    return found  # type: ignore[no-any-return]
