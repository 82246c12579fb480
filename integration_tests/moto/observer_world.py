"""Simulate both regions for their observers in moto: the processor's world, with front doors, faults and a clock.

HTTP goes to the issuer's own handler; S3, DynamoDB, SQS and CloudWatch are moto's. A lost region answers neither HTTP nor
the other region's client of its table. This does not test permissions or the behaviour of a network.
"""
# ruff: noqa: ANN401 - clients of any service have no type in common

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import botocore.endpoint
import pytest
import requests
from aws_lambda_powertools.metrics import EphemeralMetrics
from boto3.dynamodb.types import TypeDeserializer
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError

from handlers.issuer import handler as front_door
from handlers.issuer.application import Application
from handlers.observer import application as observing
from handlers.observer import handler as entry
from handlers.observer import hours, observation
from handlers.observer.digests import Budget, Scan
from handlers.observer.hours import HourDigests, Outcome
from handlers.observer.observation import Observer
from handlers.processor import handler as processor
from handlers.processor.application import build as build_pipeline
from handlers.processor.pipeline import Pipeline
from handlers.shared import timestamps
from integration_tests.moto.processor_world import (
    ACCOUNT,
    PRIMARY,
    REGIONS,
    SECONDARY,
    TABLE,
    Put,
    Row,
    World,
    bucket,
    environment,
    other,
)

SECRET: Final = "serverless-receipt-signing-prod"
MINUTE: Final = 60.0
CLOSED_HOURS: Final = 2
"""Hours that are digested after they ended, because moto needs minutes for sixty."""
_PATIENCE_SECONDS: Final = 600.0
OBSERVER_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/serverless-observer-prod"


class ObservedWorld(World):
    """Both regions and their observers.

    Attributes:
        now: The observers' time in epoch seconds; the tests advance it.
        lost: Regions that do not answer.
        broken_apis: Regions whose API alone does not answer.
        unready: Regions whose `/ready` answers 503.
        answers: Event that is cleared while a lost region makes its callers wait, for a minute at most.
        waited_out: Number of callers that waited the whole minute.
        cut: Whether replication, of tables and buckets, has stopped.
        deaf: Whether the queues get no events of new objects.
        ahead: Seconds by which the clock of a region's observer is ahead.
    """

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self._capsys = capsys
        self._with_digests = False
        self.now = time.time() // 3600 * 3600 - 3 * 3600 + 60
        self.lost: set[str] = set()
        self.broken_apis: set[str] = set()
        self.unready: set[str] = set()
        self.answers = threading.Event()
        self.answers.set()
        self.waited_out = 0
        self.cut = False
        self.deaf = False
        self.ahead = dict.fromkeys(REGIONS, 0.0)
        self._issuers = {region: self._issuer(region) for region in REGIONS}
        self.note_that_files_replicate()
        self._one_request = threading.Lock()
        self._patch = patch
        patch.setattr(observing, "http_session", lambda: SimpleNamespace(send=self.send_http))
        # On a busy machine moto is slow, which is not what any test is about but the one that sets a time of its own.
        for name in observation.SECONDS:
            patch.setitem(observation.SECONDS, name, _PATIENCE_SECONDS)
        patch.setattr(observation, "Budget", partial(Budget, seconds=_PATIENCE_SECONDS))
        # What asks a lost region asks again at once; botocore's pauses came to ten seconds in one test.
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))
        self._observers: dict[tuple[str, bool], Observer] = {}
        self._pipelines: dict[str, Pipeline] = {}

    # --- the observers ------------------------------------------------------------------------------------------

    def observe(self, region: str = PRIMARY, *, auto_promote: bool = False, event: Row | None = None) -> Row:
        """Run a region's observer, as EventBridge does; return the metrics that it printed, by name."""
        observer = self.observer(region, auto_promote=auto_promote)
        self._patch.setattr(entry, "application", lambda: observer)
        self._capsys.readouterr()
        context: Any = SimpleNamespace(
            function_name="serverless-observer-prod",
            function_version="1",
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:{region}:{ACCOUNT}:function:serverless-observer-prod",
            aws_request_id="request-1",
        )
        self.outcome = entry.handler(event or {"time": timestamps.from_epoch(self.now // 60 * 60)}, context)
        if not self.cut:
            self.replicate_table(source=region)
        printed = [line for line in self._capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
        measured = json.loads(printed[-1])
        assert (measured["service"], measured["environment"]) == ("observer", "prod")
        return {name: sum(values) for name, values in measured.items() if isinstance(values, list)}

    def start_digests(self, *, every_minute: bool = True) -> None:
        """Digest hours in the next runs, in each or as often as observers do."""
        self._patch.setattr(hours, "CLOSED_HOURS_WATCHED", CLOSED_HOURS)
        if every_minute:
            self._patch.setattr(hours, "ROUND_SECONDS", int(MINUTE))
        self._with_digests = True
        self._observers.clear()

    def minute(self, *, auto_promote: bool = False, process: bool = True) -> dict[str, Row]:
        """Advance the time by a minute: process the uploads, and run the observer of each available region."""
        if process:
            # The primary first: what it has not done yet, the secondary's shadow would put back and count.
            for region in REGIONS:
                if region in self.lost:
                    continue
                self.invoke(region)
                if not self.cut:
                    self.replicate_table(source=region)
        self.now += MINUTE
        return {region: self.observe(region, auto_promote=auto_promote) for region in REGIONS if region not in self.lost}

    def observer(self, region: str, *, auto_promote: bool = False) -> Observer:
        if (region, auto_promote) not in self._observers:
            self._observers[region, auto_promote] = self._observer(region, auto_promote=auto_promote)
        return self._observers[region, auto_promote]

    def row(self, partition: str, sort: str, *, region: str) -> Row | None:
        """Return a row as a region's replica holds it."""
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        item = self.client("dynamodb", region).get_item(TableName=TABLE, Key=key).get("Item")
        deserialize = TypeDeserializer().deserialize
        return {name: deserialize(value) for name, value in item.items()} if item else None

    def heartbeat(self, region: str, *, seen_from: str | None = None) -> Row:
        row = self.row(f"HEARTBEAT#{region}", "LATEST", region=seen_from or region)
        assert row is not None
        return row

    def memory(self, region: str) -> Row:
        row = self.row(f"OBSERVER#{region}", "MEMORY", region=region)
        assert row is not None
        memory: Row = json.loads(row["memory"])
        return memory

    def claims(self, region: str) -> dict[str, int]:
        """Return the control rows that a region's replica holds."""
        return {
            row["pk"].removeprefix("CONTROL#"): int(row["epoch"])
            for row in self.rows(region)
            if row["pk"].startswith("CONTROL#")
        }

    def enter(self, region: str) -> None:
        """Let the processor run in a region; each is built once, because its clients take long to build."""
        super().enter(region)
        if region not in self._pipelines:
            self._pipelines[region] = build_pipeline(os.environ)
        self._patch.setattr(processor, "application", lambda: self._pipelines[region])

    # --- what stands in for the network ---------------------------------------------------------------------------

    def send_http(self, request: AWSPreparedRequest) -> Any:
        """Answer a request with the front door of the region in its host's name, or with moto's S3."""
        url = urlsplit(str(request.url))
        region = next((one for one in REGIONS if url.hostname == f"api.{one}.example"), None)
        if region is None:
            return self._put_presigned(request)
        if region in self.lost | self.broken_apis:
            self._keep_waiting()
            raise ConnectTimeoutError(endpoint_url=str(request.url))
        if region in self.unready and url.path == "/ready":
            return SimpleNamespace(status_code=503, content=b"{}")
        if url.path != "/ready":
            assert f"/{region}/execute-api/" in str(request.headers["Authorization"]), "signed for the region it goes to"
        with self._one_request, pytest.MonkeyPatch.context() as patch:
            patch.setattr(front_door, "application", lambda: self._issuers[region])
            # Powertools keeps the metrics of a process in one place: the observer's would go out with the issuer's.
            patch.setattr(front_door, "metrics", EphemeralMetrics(service="issuer", namespace="Lockstep"))
            answer = front_door.app.resolve(
                http_event(request.method, url.path, request.body, caller=OBSERVER_ROLE), _CONTEXT
            )
        return SimpleNamespace(status_code=answer["statusCode"], content=str(answer["body"]).encode())

    def _put_presigned(self, request: AWSPreparedRequest) -> requests.Response:
        """Do what S3 does and moto does not: send the event, replicate, and send the replica's event."""
        answer = requests.put(str(request.url), data=request.body, headers=dict(request.headers), timeout=5)
        name, key = _bucket_and_key(str(request.url))
        if answer.status_code == HTTPStatus.OK and not self.deaf:
            region = next(one for one in REGIONS if bucket("ingest", one) == name)
            body = request.body
            assert isinstance(body, bytes)
            put = Put(key, answer.headers["x-amz-version-id"], body)
            self.announce(put, region=region)
            if not self.cut and other(region) not in self.lost:
                self.replicate(put, source=region)
        return answer

    def _keep_waiting(self) -> None:
        if not self.answers.wait(60):
            self.waited_out += 1

    def refuse_if_lost(self, region: str) -> Callable[..., None]:
        """Return a hook for a region's client that raises while the region is lost."""

        def hook(**_: object) -> None:
            if region in self.lost:
                self._keep_waiting()
                raise ConnectTimeoutError(endpoint_url=f"https://dynamodb.{region}.amazonaws.com")

        return hook

    def _observer(self, region: str, *, auto_promote: bool) -> Observer:
        variables = {
            "AWS_REGION": region,
            "ENVIRONMENT": "prod",
            "TABLE_NAME": TABLE,
            "PRIMARY_REGION": PRIMARY,
            "PEER_REGION": other(region),
            "API_URL": api_url(region),
            "QUEUE_URL": self.queue_url("ingest", region),
            "DEAD_LETTER_QUEUE_URL": self.queue_url("dead-letter", region),
            "INGEST_BUCKET": bucket("ingest", region),
            "PEER_INGEST_BUCKET": bucket("ingest", other(region)),
            "REPLICATION_RULE_ID": "everything-to-the-other-region",
            "SHADOW_DELAY_SECONDS": "15",
            "SECRET_NAME": SECRET,
            "AUTO_PROMOTE": "true" if auto_promote else "false",
        }
        observer = observing.build(variables)
        there = observer.peer._dynamodb  # noqa: SLF001 - the one client that reaches into the other region
        assert there.meta.region_name == other(region)
        there.meta.events.register_first("before-send.dynamodb.*", self.refuse_if_lost(other(region)))
        secret_there = observer.secrets.there
        assert secret_there.meta.region_name == other(region)
        secret_there.meta.events.register_first("before-send.secretsmanager.*", self.refuse_if_lost(other(region)))

        def clock() -> float:
            return self.now + self.ahead[region]

        observer.canaries._clock = clock  # noqa: SLF001 - the handler takes the machine's
        return replace(observer, clock=clock, digests=observer.digests if self._with_digests else _NoDigests())

    def note_that_files_replicate(self, *, truth: bool = True) -> None:
        """Write or delete the row that a deployment writes when the second replication rule is set."""
        key = {"pk": {"S": f"REPLICATION#{SECONDARY}"}, "sk": {"S": "READY"}}
        for region in REGIONS:
            table: Any = self.client("dynamodb", region)
            if truth:
                hosts = {"M": {one: {"S": f"api.{one}.example"} for one in REGIONS}}
                table.put_item(TableName=TABLE, Item={**key, "api_hosts": hosts})
            else:
                table.delete_item(TableName=TABLE, Key=key)

    def _issuer(self, region: str) -> Application:
        value = json.dumps({"key": "k" * 44})
        self.client("secretsmanager", region).create_secret(Name=SECRET, SecretString=value, ClientRequestToken="v" * 32)
        return Application.build(
            {
                "AWS_REGION": region,
                "ENVIRONMENT": "prod",
                "TABLE_NAME": TABLE,
                "INGEST_BUCKET": bucket("ingest", region),
                "DATA_KEY_ARN": f"arn:aws:kms:{region}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
                "QUEUE_URL": self.queue_url("ingest", region),
                "SECRET_NAME": SECRET,
                "PRIMARY_REGION": PRIMARY,
                "SECONDARY_REGION": SECONDARY,
                "OBSERVER_ROLE_ARNS": OBSERVER_ROLE,
                "MAXIMUM_OBJECT_BYTES": "1000000",
                "UPLOAD_EXPIRY_SECONDS": "900",
                "UPLOAD_RETENTION_DAYS": "90",
                "CANARY_RETENTION_DAYS": "20",
            }
        )


@contextmanager
def observed(capsys: pytest.CaptureFixture[str]) -> Iterator[ObservedWorld]:
    """Create the resources of both regions."""
    with environment(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing.metrics.provider, "namespace", "Lockstep")
        patch.setattr(observing.metrics.provider, "service", "observer")
        yield ObservedWorld(patch, capsys)


def api_url(region: str) -> str:
    return f"https://api.{region}.example"


class _NoDigests(HourDigests):
    """Digests no hour."""

    def __init__(self) -> None:
        pass

    def renew(self, *, now: float, unfinished: Scan | None, turn: int, budget: Budget) -> Outcome:  # noqa: ARG002
        return Outcome(scan=unfinished, turn=turn, conflicts=0, mismatches=0)


def _bucket_and_key(url: str) -> tuple[str, str]:
    split = urlsplit(url)
    return str(split.hostname).split(".", maxsplit=1)[0], unquote(split.path.lstrip("/"))


_CONTEXT: Final[Any] = SimpleNamespace(
    function_name="serverless-issuer-prod",
    function_version="1",
    memory_limit_in_mb=512,
    invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:serverless-issuer-prod",
    aws_request_id="request-2",
)


def http_event(method: str | None, path: str, body: object, *, caller: str) -> Row:
    """Return the event of an HTTP API's request, as far as the issuer reads it."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "queryStringParameters": {},
        "headers": {},
        "requestContext": {
            "stage": "$default",
            "http": {"method": method, "path": path},
            "authorizer": {"iam": {"userArn": caller}},
        },
        "body": body.decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": False,
    }


__all__ = ["MINUTE", "PRIMARY", "REGIONS", "SECONDARY", "TABLE", "ObservedWorld", "api_url", "observed"]
