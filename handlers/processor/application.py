"""Build the processor's objects from its environment variables: one client for each AWS service."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

import boto3
from aws_lambda_powertools import Metrics
from botocore.config import Config

from handlers.processor.archive import Archive
from handlers.processor.objects import ObjectReader
from handlers.processor.own_queue import DeadLetters, OwnQueue
from handlers.processor.pipeline import Pipeline
from handlers.processor.reconciler import Reconciler
from handlers.processor.record_writer import WRITERS
from handlers.processor.settings import Settings
from handlers.processor.shadow import PUT_BACKS_BETWEEN_NOTES, Shadow
from handlers.processor.store import Ledger
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
    parameter_validation=False,  # validating every attribute of every record costs more than serializing it
)
_SECONDS_A_LOOK: Final = 60.0
"""Longest time from the end of a message's delay to its next receive."""

metrics = Metrics()


@cache
def application() -> Pipeline:
    """Return the function's pipeline; the first call builds it from the environment variables."""
    return build(os.environ)


@cache
def reconciler() -> Reconciler:
    """Return the function's reconciler; the first call builds it from the environment variables."""
    return build_reconciler(os.environ)


def build(variables: Mapping[str, str]) -> Pipeline:
    """Build a pipeline from the given environment variables.

    Raises:
        EnvironmentVariableError: Names every variable that is missing or wrong.
    """
    parts = _Parts(Settings.read(variables))
    settings = parts.settings
    archive = Archive(s3=parts.s3, bucket=settings.archive_bucket)
    dead_letters = DeadLetters(sqs=parts.sqs, queue_url=settings.dead_letter_queue_url, region=settings.region)
    return Pipeline(
        settings=settings,
        ledger=parts.ledger,
        control=parts.control,
        reader=ObjectReader(parts.s3),
        archive=archive,
        dead_letters=dead_letters,
        own_queue=parts.own_queue,
        shadow=Shadow(
            own_queue=parts.own_queue,
            ledger=parts.ledger,
            delay_seconds=settings.shadow_delay_seconds,
            maximum_age_seconds=settings.shadow_maximum_age_seconds,
            archive=archive,
            dead_letters=dead_letters,
            telemetry=parts.telemetry,
        ),
        telemetry=parts.telemetry,
        transform=transform,
        processing_version=processing_version(settings.formats),
    )


def build_reconciler(variables: Mapping[str, str]) -> Reconciler:
    """Build a reconciler from the given environment variables.

    Raises:
        EnvironmentVariableError: Names every variable that is missing or wrong.
    """
    parts = _Parts(Settings.read(variables))
    settings = parts.settings
    return Reconciler(
        s3=parts.s3,
        dynamodb=parts.dynamodb,
        bucket=settings.ingest_bucket,
        table_name=settings.table_name,
        region=settings.region,
        peer_region=settings.peer_region,
        source=settings.source,
        ledger=parts.ledger,
        control=parts.control,
        own_queue=parts.own_queue,
        telemetry=parts.telemetry,
        waiting_seconds=2 * PUT_BACKS_BETWEEN_NOTES * settings.shadow_delay_seconds + _SECONDS_A_LOOK,
        maximum_age_seconds=settings.shadow_maximum_age_seconds,
    )


class _Parts:
    """The clients and objects that the pipeline and the reconciler share."""

    def __init__(self, settings: Settings) -> None:
        region = settings.region
        self.settings = settings
        self.dynamodb = boto3.client("dynamodb", region_name=region, config=_LEDGER_CONFIG)
        self.s3 = boto3.client("s3", region_name=region, config=_CONFIG)
        self.sqs = boto3.client("sqs", region_name=region, config=_CONFIG)
        self.telemetry = Telemetry(metrics)
        self.own_queue = OwnQueue(sqs=self.sqs, queue_url=settings.queue_url)
        self.ledger = Ledger(
            dynamodb=self.dynamodb,
            table_name=settings.table_name,
            region=region,
            attempt_retention_days=settings.attempt_retention_days,
        )
        self.control = ControlRegister(
            dynamodb=self.dynamodb,
            table_name=settings.table_name,
            regions=(settings.primary_region, settings.secondary_region),
            cache_seconds=settings.control_cache_seconds,
        )
