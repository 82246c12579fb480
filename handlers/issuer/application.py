"""Build the issuer's objects from its environment variables: one client for each AWS service."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import boto3
from botocore.config import Config

from handlers.issuer import readiness
from handlers.issuer.callers import Callers
from handlers.issuer.ledger import Ledger, Retention
from handlers.issuer.multipart import COMPLETING_SECONDS, MultipartUploads
from handlers.issuer.presign import Presigner, regional_s3_client
from handlers.issuer.readiness import ReadinessProbe
from handlers.issuer.settings import Settings
from handlers.issuer.signing_keys import SigningKeys
from handlers.issuer.states import StateReader
from handlers.issuer.uploads import UploadIssuer
from handlers.shared.control import ControlRegister

# A client waits for the answer, so every call to AWS must succeed or fail within seconds.
_IMPATIENT: Final = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


@dataclass(frozen=True)
class Application:
    """The objects that the routes call."""

    settings: Settings
    callers: Callers
    ledger: Ledger
    signing_keys: SigningKeys
    issuer: UploadIssuer
    states: StateReader
    multipart: MultipartUploads
    probe: ReadinessProbe

    @classmethod
    def build(cls, variables: Mapping[str, str]) -> "Application":
        """Build the application from the function's environment variables.

        Raises:
            EnvironmentVariableError: Names every variable that is missing or wrong.
        """
        settings = Settings.read(variables)
        region, regions = settings.region, (settings.primary_region, settings.secondary_region)
        dynamodb = boto3.client("dynamodb", region_name=region, config=_IMPATIENT)
        sqs = boto3.client("sqs", region_name=region, config=_IMPATIENT)
        secrets = boto3.client("secretsmanager", region_name=region, config=_IMPATIENT)
        s3 = regional_s3_client(region, variables)
        ledger = Ledger(
            dynamodb=dynamodb,
            table_name=settings.table_name,
            region=region,
            retention=Retention(uploads_days=settings.upload_retention_days, canary_days=settings.canary_retention_days),
        )
        signing_keys = SigningKeys(client=secrets, secret_name=settings.secret_name)
        presigner = Presigner(
            s3=s3,
            bucket=settings.ingest_bucket,
            key_arn=settings.data_key_arn,
            expiry_seconds=settings.upload_expiry_seconds,
        )
        control = ControlRegister(
            dynamodb=dynamodb,
            table_name=settings.table_name,
            regions=regions,
        )
        states = StateReader(s3=s3, bucket=settings.ingest_bucket, region=region, regions=regions)
        return cls(
            settings=settings,
            callers=Callers.parse(settings.callers, settings.observer_role_arns),
            ledger=ledger,
            signing_keys=signing_keys,
            issuer=UploadIssuer(ledger=ledger, presigner=presigner, signing_keys=signing_keys, region=region),
            states=states,
            multipart=MultipartUploads(
                presigner=presigner,
                is_stored=states.is_stored,
                completing=regional_s3_client(region, variables, read_timeout=COMPLETING_SECONDS, attempts=1),
            ),
            probe=ReadinessProbe(
                {
                    "table": readiness.table_check(dynamodb, settings.table_name, region),
                    "queue": readiness.queue_check(sqs, settings.queue_url),
                    "secret": readiness.at_most_every(readiness.SECRET_SECONDS, readiness.secret_check(signing_keys)),
                    "control": readiness.control_check(control),
                }
            ),
        )


@cache
def application() -> Application:
    """Return the application of this execution environment; the first request builds it."""
    return Application.build(os.environ)
