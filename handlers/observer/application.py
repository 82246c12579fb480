"""Build the observer's objects from its environment variables: one client for each AWS service and region."""

import os
from collections.abc import Mapping
from functools import cache, partial
from typing import Final

import boto3
from aws_lambda_powertools import Metrics
from botocore.config import Config

from handlers.observer import deployed, heartbeat, peer
from handlers.observer.canary import CanarySupervisor
from handlers.observer.digest_rows import DigestStore
from handlers.observer.digests import HourReader
from handlers.observer.hours import HourDigests
from handlers.observer.measures import Measures
from handlers.observer.memory import MemoryStore
from handlers.observer.observation import Observer
from handlers.observer.peer import PeerReader
from handlers.observer.secret_versions import SecretVersions
from handlers.observer.settings import Settings
from handlers.observer.telemetry import Telemetry
from handlers.observer.web import OwnApi, http_session
from handlers.shared.control import ControlRegister

# A run has one minute and the peer may not answer: one unknown value is better than an unfinished run.
_IMPATIENT: Final = Config(
    connect_timeout=1.5,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=16,
)

metrics = Metrics()


class NoCredentialsError(Exception):
    """Raised when the function has no credentials to sign its requests."""


def build(variables: Mapping[str, str]) -> Observer:
    """Build an observer from the given environment variables.

    Raises:
        EnvironmentVariableError: Names every variable that is missing or wrong.
        NoCredentialsError: There are no AWS credentials.
    """
    settings = Settings.read(variables)
    region, table_name = settings.region, settings.table_name
    dynamodb = boto3.client("dynamodb", region_name=region, config=_IMPATIENT)
    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise NoCredentialsError("there are no AWS credentials; Lambda sets them, elsewhere set AWS_ACCESS_KEY_ID")
    http = http_session()
    return Observer(
        settings=settings,
        telemetry=Telemetry(metrics),
        memory=MemoryStore(dynamodb=dynamodb, table_name=table_name, region=region),
        register=ControlRegister(dynamodb=dynamodb, table_name=table_name, regions=settings.regions),
        canaries=CanarySupervisor(
            api=OwnApi(url=settings.api_url, region=region, credentials=credentials, http=http), region=region
        ),
        measures=Measures(
            settings=settings,
            sqs=boto3.client("sqs", region_name=region, config=_IMPATIENT),
            cloudwatch=boto3.client("cloudwatch", region_name=region, config=_IMPATIENT),
        ),
        is_forced=partial(peer.is_forced, dynamodb, table_name, region),
        deployed_hosts=partial(deployed.api_hosts, dynamodb, table_name, settings.regions[1]),
        write_heartbeat=partial(heartbeat.write, dynamodb, table_name, region),
        replicated_heartbeat=partial(heartbeat.read, dynamodb, table_name, settings.peer_region),
        peer=PeerReader(
            dynamodb=boto3.client("dynamodb", region_name=settings.peer_region, config=_IMPATIENT),
            table_name=table_name,
            region=settings.peer_region,
            regions=settings.regions,
        ),
        secrets=SecretVersions(
            here=boto3.client("secretsmanager", region_name=region, config=_IMPATIENT),
            there=boto3.client("secretsmanager", region_name=settings.peer_region, config=_IMPATIENT),
            secret_name=settings.secret_name,
        ),
        digests=HourDigests(
            reader=HourReader(dynamodb=dynamodb, table_name=table_name),
            store=DigestStore(dynamodb=dynamodb, table_name=table_name, region=region),
            region=region,
            peer_region=settings.peer_region,
        ),
        http=http,
    )


@cache
def application() -> Observer:
    """Return the observer of this execution environment; the first run builds it."""
    return build(os.environ)
