"""Puts the processor together: one client a service, one object a task."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

import boto3
from aws_lambda_powertools import Metrics
from botocore.config import Config

from handlers.processor.archive import Archive
from handlers.processor.dead_letters import DeadLetters
from handlers.processor.objects import ObjectReader
from handlers.processor.own_queue import OwnQueue
from handlers.processor.pipeline import Pipeline
from handlers.processor.settings import Settings
from handlers.processor.shadow import Shadow
from handlers.processor.store import WRITERS, Ledger
from handlers.processor.telemetry import Telemetry
from handlers.processor.transform import transform
from handlers.processor.version import processing_version
from handlers.shared.control import ControlRegister

_CONFIG: Final = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
_LEDGER_CONFIG: Final = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=WRITERS + 2,
    parameter_validation=False,  # for every attribute of every record it would cost more than to serialize it
)

metrics = Metrics()


@cache
def application() -> Pipeline:
    """Return the function's pipeline, built from its environment variables when it is first asked for."""
    return build(os.environ)


def build(variables: Mapping[str, str]) -> Pipeline:
    """Build a pipeline.

    Raises:
        EnvironmentVariableError: Names every variable that is missing or wrong.
    """
    settings = Settings.read(variables)
    region = settings.region
    dynamodb = boto3.client("dynamodb", region_name=region, config=_LEDGER_CONFIG)
    s3 = boto3.client("s3", region_name=region, config=_CONFIG)
    sqs = boto3.client("sqs", region_name=region, config=_CONFIG)
    telemetry = Telemetry(metrics)
    archive = Archive(s3=s3, bucket=settings.archive_bucket)
    own_queue = OwnQueue(sqs=sqs, queue_url=settings.queue_url)
    ledger = Ledger(
        dynamodb=dynamodb,
        table_name=settings.table_name,
        region=region,
        attempt_retention_days=settings.attempt_retention_days,
    )
    return Pipeline(
        settings=settings,
        ledger=ledger,
        control=ControlRegister(
            dynamodb=dynamodb,
            table_name=settings.table_name,
            regions=(settings.primary_region, settings.secondary_region),
            cache_seconds=settings.control_cache_seconds,
        ),
        reader=ObjectReader(s3),
        archive=archive,
        dead_letters=DeadLetters(sqs=sqs, queue_url=settings.dead_letter_queue_url, region=region),
        own_queue=own_queue,
        shadow=Shadow(
            own_queue=own_queue,
            ledger=ledger,
            delay_seconds=settings.shadow_delay_seconds,
            maximum_age_seconds=settings.shadow_maximum_age_seconds,
            archive=archive,
            telemetry=telemetry,
        ),
        telemetry=telemetry,
        transform=transform,
        processing_version=processing_version(),
    )
