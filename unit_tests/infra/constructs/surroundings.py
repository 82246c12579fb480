"""A small stack with the resources that all functions of a region share, in which a test builds one function."""

from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_

from infra.constructs.function import FunctionSurroundings
from infra.constructs.network import Network
from infra.constructs.queue import AsyncDeadLetterQueue
from infra.region import RegionContext

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
