"""Test the rotation against moto, which invokes the function's four steps; earlier receipts still verify.

moto's Secrets Manager moves the labels as AWS documents. This does not test the invocation by AWS, permissions or
replicas.
"""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda.models import LambdaBackend

from handlers.issuer.signing_keys import SigningKeys
from handlers.rotation import handler as rotation
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt, ReceiptError, key_version

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NAME = "serverless-receipt-signing-prod"
FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:serverless-rotation-prod"
CONTEXT: Any = SimpleNamespace(
    function_name="serverless-rotation-prod",
    function_version="1",
    memory_limit_in_mb=256,
    invoked_function_arn=FUNCTION,
    aws_request_id="request-1",
)
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


class World:
    """A secret with a schedule, and the function that Secrets Manager invokes."""

    def __init__(self) -> None:
        self.client: SecretsManagerClient = boto3.client("secretsmanager", region_name="us-west-2")
        # As the template makes it: a text of Secrets Manager's own making, not base64 of a known length.
        self.client.create_secret(Name=NAME, SecretString=json.dumps({"key": "Ab0" * 21 + "x"}))
        self.steps: list[str] = []
        self.deliveries = 1

    def rotate(self) -> None:
        # AWS lets AWSPENDING stay on what has become current, and so do we; moto then refuses the next rotation.
        for version, labels in self.stages().items():
            if {"AWSPENDING", "AWSCURRENT"} <= set(labels):
                self.client.update_secret_version_stage(
                    SecretId=NAME, VersionStage="AWSPENDING", RemoveFromVersionId=version
                )
        self.client.rotate_secret(SecretId=NAME, RotationLambdaARN=FUNCTION, RotationRules={"AutomaticallyAfterDays": 30})

    def keys(self) -> SigningKeys:
        """Return the key that a newly started issuer reads."""
        return SigningKeys(client=self.client, secret_name=NAME)

    def stages(self) -> dict[str, list[str]]:
        return self.client.describe_secret(SecretId=NAME)["VersionIdsToStages"]

    def value(self, stage: str) -> str:
        return str(json.loads(self.client.get_secret_value(SecretId=NAME, VersionStage=stage)["SecretString"])["key"])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        world = World()

        # moto would run the function in Docker; it runs here instead.
        def invoke(_backend: object, _arn: str, body: str, **_: object) -> None:
            event: dict[str, Any] = json.loads(body)
            for _delivery in range(world.deliveries):
                rotation.handler(event, CONTEXT)
            world.steps.append(event["Step"])

        monkeypatch.setattr(LambdaBackend, "get_function", lambda *_: None)
        monkeypatch.setattr(LambdaBackend, "invoke", invoke)
        yield world


def receipt() -> Receipt:
    upload = Upload(source="default", upload_id="u", content_sha256="ab" * 32, file_key="a.csv")
    return Receipt(upload=upload, size=1, region="us-east-1", issued_at=int(time.time()))


@pytest.mark.parametrize("deliveries", [1, 2, 3])
def test_rotation_with_repeated_steps_makes_a_new_key_current(world: World, deliveries: int) -> None:
    before = world.value("AWSCURRENT")
    world.deliveries = deliveries
    world.rotate()
    assert world.steps == STEPS
    assert world.value("AWSCURRENT") != before
    assert world.value("AWSPREVIOUS") == before
    assert len(world.stages()) == 2


def test_receipt_verifies_through_one_rotation_and_not_two(world: World) -> None:
    before = world.keys()
    signed = receipt()
    old = before.sign(signed)
    world.rotate()
    after = world.keys()
    new = after.sign(signed)
    assert key_version(new) != key_version(old)
    assert after.verify(old) == after.verify(new)
    world.rotate()
    assert world.keys().verify(new)
    with pytest.raises(ReceiptError, match="no longer known"):
        world.keys().verify(old)


def test_running_issuer_learns_a_new_version_from_a_receipt(world: World) -> None:
    now = 0.0
    running = SigningKeys(client=world.client, secret_name=NAME, clock=lambda: now)
    running.sign(receipt())
    world.rotate()
    new = world.keys().sign(receipt())
    now = 31.0
    assert running.verify(new)


def test_step_of_an_unknown_version_is_refused(world: World) -> None:
    world.rotate()
    before = world.stages()
    for step in STEPS:
        with pytest.raises(Exception, match="not staged as AWSPENDING"):
            rotation.handler({"Step": step, "SecretId": NAME, "ClientRequestToken": "f" * 32}, CONTEXT)
    assert world.stages() == before
