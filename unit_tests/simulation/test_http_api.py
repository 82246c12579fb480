"""The simulated APIs, S3's presigned PUT and Secrets Manager refuse what AWS refuses."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from client import Answer, Request, Unreachable
from client.transport import Signer
from simulation import secrets_manager
from simulation.http_api import CLIENT, CREDENTIALS, HttpApi, api_url, presigned_put
from simulation.plan import PRIMARY, SECONDARY, Fault, Kind, Plan
from simulation.regions import Region
from simulation.scheduler import EPOCH, Future, Process
from simulation.secrets_manager import CURRENT, PENDING, PREVIOUS, SecretsManagerClient
from simulation.world import World

BODY = b'{"n": 1}\n'
KEY = "incoming/uploads/simulation/u/" + "ab" * 32 + "/a.ndjson"


class Place:
    """A world with an API whose issuer answers 200 at once."""

    def __init__(self, *faults: Fault) -> None:
        self.world = World(Plan(seed=0, uploads=(), faults=faults))
        self.region = self.world.regions[PRIMARY]
        self.invoked: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.api = HttpApi(self.world, self._invoke, lambda *seen: self.answers.append(seen[3].status), lambda *_: None)

    def _invoke(self, _region: Region, event: dict[str, Any]) -> Future:
        self.invoked.append(event)
        future = Future()
        self.world.scheduler.after(0.1, lambda: future.settle({"statusCode": 200, "body": "{}"}, self.world.scheduler))
        return future

    def send(self, request: Request) -> Answer | str:
        """Send from a client's process; return the answer, or why there was none."""
        found: list[Answer | str] = []

        def work() -> None:
            try:
                found.append(self.api.send(request))
            except Unreachable as error:
                found.append(str(error))

        Process(self.world.scheduler, "client", CLIENT).start(work, lambda: found.append("killed"))
        self.world.scheduler.run(self.world.now + 60)
        return found[0]

    def put(self, body: bytes = BODY, *, after: float = 0.0, **changed: str) -> Answer:
        """Send a presigned PUT, some seconds after it was signed and with some headers changed."""
        checksum = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
        parameters = {"Bucket": f"ingest-{PRIMARY}", "Key": KEY, "ContentLength": len(BODY), "ChecksumSHA256": checksum}
        parameters |= {"IfNoneMatch": "*", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key"}
        url = presigned_put(self.region, self.world.clock(self.region), parameters, 60)
        headers = {
            "Content-Length": str(len(BODY)),
            "If-None-Match": "*",
            "x-amz-checksum-sha256": checksum,
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "key",
        }
        self.world.scheduler.run(self.world.now + after)
        self.world.scheduler.now += after
        answer = self.send(Request("PUT", url, headers | changed, body))
        assert isinstance(answer, Answer)
        return answer


def test_presigned_put_is_accepted_once() -> None:
    place = Place()
    assert [place.put().status, place.put().status] == [200, 412]
    assert [key for key, _ in place.region.ingest] == [KEY]


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda place: place.put(b"other ay\n"), 400, b"BadDigest"),
        (lambda place: place.put(BODY + b"more"), 400, b"IncompleteBody"),
        (lambda place: place.put(after=61.0), 403, b"AccessDenied"),
        (lambda place: place.put(**{"If-None-Match": ""}), 403, b"SignatureDoesNotMatch"),
        (lambda place: place.put(**{"x-amz-checksum-sha256": "b3RoZXI="}), 403, b"SignatureDoesNotMatch"),
    ],
)
def test_put_that_differs_from_the_signed_one_is_refused(send: Callable[[Place], Answer], status: int, code: bytes) -> None:
    place = Place()
    answer = send(place)
    assert (answer.status, code in answer.body, place.region.ingest) == (status, True, {})


def test_put_signed_with_expired_credentials_is_refused() -> None:
    place = Place()
    place.region.expired_until = EPOCH + 100
    answer = place.put()
    assert (answer.status, answer.body) == (400, b"<Error><Code>ExpiredToken</Code></Error>")


def test_unsigned_request_reaches_the_health_routes_only() -> None:
    place = Place()
    answers = [place.send(Request("GET", api_url(PRIMARY) + path)) for path in ("/ready", "/healthz", "/uploads/ab")]
    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [200, 200, 403]
    assert [event["rawPath"] for event in place.invoked] == ["/ready", "/healthz"]


@pytest.mark.parametrize(
    ("seconds", "changed", "refusal"),
    [
        (0, {}, b""),
        (299, {}, b""),
        (301, {}, b"Signature expired"),
        (-301, {}, b"Signature expired"),
        (0, {"X-Amz-Date": "20260101T000001Z"}, b"does not match"),
        (0, {"Authorization": "AWS4-HMAC-SHA256 Signature=0"}, b"does not match"),
    ],
)
def test_signature_is_checked_by_time_and_content(
    monkeypatch: pytest.MonkeyPatch, seconds: int, changed: dict[str, str], refusal: bytes
) -> None:
    place, url = Place(), api_url(PRIMARY) + "/uploads/ab"
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(EPOCH + seconds, UTC))
    signed = Signer(CREDENTIALS).headers(PRIMARY, "GET", url, {}, b"")
    answer = place.send(Request("GET", url, signed | changed))
    assert isinstance(answer, Answer)
    assert (answer.status, refusal in answer.body) == (403 if refusal else 200, True)


def test_expired_credentials_are_refused() -> None:
    place = Place()
    place.api.expired_until = EPOCH + 10
    answer = place.send(Request("GET", api_url(PRIMARY) + "/uploads/ab"))
    assert isinstance(answer, Answer)
    assert (answer.status, b"security token" in answer.body) == (403, True)


@pytest.mark.parametrize(
    ("kind", "is_invoked", "answer"),
    [
        (Kind.REQUEST_LOST, False, "no connection could be made"),
        (Kind.RESPONSE_LOST, True, "it did not answer within 5 s"),
        (Kind.KILL_BEFORE, False, "killed"),
        (Kind.KILL_AFTER, True, "killed"),
    ],
)
def test_fault_of_a_request_hits_before_or_after_the_effect(kind: Kind, *, is_invoked: bool, answer: str) -> None:
    place = Place(Fault(kind, PRIMARY, 1))
    assert place.send(Request("GET", api_url(PRIMARY) + "/ready")) == answer
    assert (bool(place.invoked), place.answers) == (is_invoked, [])


def of_secret() -> tuple[World, SecretsManagerClient, SecretsManagerClient]:
    """Return a world, and clients of the secret and of its replica."""
    world = World(Plan(seed=0, uploads=(), faults=()))
    secrets_manager.create(world)
    home, replica = (SecretsManagerClient(world, world.regions[name]) for name in (SECONDARY, PRIMARY))
    return world, home, replica


def rotate(world: World, home: SecretsManagerClient, version_id: str) -> None:
    """Give the secret a new current version, as the rotation does."""
    before = home.get_secret_value(SecretId="s")["VersionId"]
    secrets_manager.begin_rotation(world, world.regions[SECONDARY], version_id)
    home.put_secret_value(SecretId="s", ClientRequestToken=version_id, SecretString="{}", VersionStages=[PENDING])
    home.update_secret_version_stage(
        SecretId="s", VersionStage=CURRENT, MoveToVersionId=version_id, RemoveFromVersionId=before
    )


def test_replica_follows_after_a_lag_and_keeps_the_previous_version() -> None:
    world, home, replica = of_secret()
    before = replica.get_secret_value(SecretId="s")["VersionId"]
    rotate(world, home, "new")
    assert replica.get_secret_value(SecretId="s")["VersionId"] == before
    world.scheduler.run(world.now + 3600)
    assert replica.get_secret_value(SecretId="s")["VersionId"] == "new"
    assert replica.get_secret_value(SecretId="s", VersionStage=PREVIOUS)["VersionId"] == before
    assert home.describe_secret(SecretId="s")["ReplicationStatus"][0]["Status"] == "InSync"


def test_denied_key_holds_the_replica_until_the_next_change() -> None:
    world, home, replica = of_secret()
    world.regions[PRIMARY].key_denied_until = world.now + 10
    rotate(world, home, "first")
    assert home.describe_secret(SecretId="s")["ReplicationStatus"][0]["Status"] == "Failed"
    with pytest.raises(ClientError, match="Access to KMS is not allowed"):
        replica.get_secret_value(SecretId="s")
    world.scheduler.now += 7200
    assert replica.get_secret_value(SecretId="s")["VersionId"] not in {"first", "second"}
    rotate(world, home, "second")
    world.scheduler.run(world.now + 3600)
    assert replica.get_secret_value(SecretId="s", VersionStage=PREVIOUS)["VersionId"] == "first"


def test_replica_refuses_writes() -> None:
    _, _, replica = of_secret()
    with pytest.raises(ClientError, match="replica"):
        replica.put_secret_value(SecretId="s", ClientRequestToken="x", SecretString="{}", VersionStages=[PENDING])


def test_pending_rotation_is_resumed() -> None:
    world, *_ = of_secret()
    region = world.regions[SECONDARY]
    assert [secrets_manager.begin_rotation(world, region, one) for one in ("first", "second")] == ["first", "first"]
