"""Test the cached versions of the secret, with scripted answers of Secrets Manager."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from handlers.issuer.signing_keys import SigningKeys
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt, ReceiptError, SigningKey, SigningSecretError, key_version, sign

NAME = "serverless-receipt-signing-prod"
RECEIPT = Receipt(
    upload=Upload(source="default", upload_id="u", content_sha256="ab" * 32, file_key="a"),
    size=1,
    region="us-east-1",
    issued_at=1_772_323_200,
)


class ScriptedSecret:
    """Scripted answers of Secrets Manager, and a clock."""

    def __init__(self) -> None:
        client = boto3.client("secretsmanager", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key=NAME)
        self.asked = 0
        client.meta.events.register("provide-client-params.secretsmanager.GetSecretValue", self._count)
        self.answers = Stubber(client)
        self.now = 0.0
        self.keys = SigningKeys(client=client, secret_name=NAME, clock=lambda: self.now)

    def will_hold(self, current: str, previous: str | None) -> None:
        """Answer the next reading with these versions."""
        self._version("AWSCURRENT", current)
        if previous is None:
            self.answers.add_client_error("get_secret_value", "ResourceNotFoundException")
        else:
            self._version("AWSPREVIOUS", previous)

    def will_refuse(self) -> None:
        """Fail the next reading."""
        self.answers.add_client_error("get_secret_value", "InternalServiceError")

    def _count(self, **_: object) -> None:
        # A call without a scripted answer would look like an unreadable secret, so the calls are counted.
        self.asked += 1

    def _version(self, stage: str, version: str) -> None:
        value = {"VersionId": version.rjust(32, "-"), "SecretString": json.dumps({"key": version * 44})}
        self.answers.add_response("get_secret_value", value, {"SecretId": NAME, "VersionStage": stage})


@pytest.fixture
def secret() -> Iterator[ScriptedSecret]:
    secret = ScriptedSecret()
    with secret.answers:
        yield secret
        secret.answers.assert_no_pending_responses()


def key(version: str) -> SigningKey:
    return SigningKey(version.rjust(32, "-"), version * 44)


def test_signing_keys_are_read_once_in_five_minutes(secret: ScriptedSecret) -> None:
    secret.will_hold("a", None)
    for secret.now in (0, 1, 299):
        assert key_version(secret.keys.sign(RECEIPT)) == key("a").version_id
    assert secret.asked == 2
    secret.will_hold("b", "a")
    secret.now = 300
    assert key_version(secret.keys.sign(RECEIPT)) == key("b").version_id


def test_current_and_previous_version_verify(secret: ScriptedSecret) -> None:
    secret.will_hold("b", "a")
    assert secret.keys.verify(sign(RECEIPT, key("a"))) == RECEIPT
    assert secret.keys.verify(sign(RECEIPT, key("b"))) == RECEIPT


def test_receipt_of_a_newer_version_reads_the_secret_again(secret: ScriptedSecret) -> None:
    secret.will_hold("a", None)
    secret.keys.sign(RECEIPT)
    secret.will_hold("b", "a")
    secret.now = 30
    assert secret.keys.verify(sign(RECEIPT, key("b"))) == RECEIPT


def test_forged_receipts_cannot_make_it_ask_all_the_time(secret: ScriptedSecret) -> None:
    secret.will_hold("a", None)
    secret.keys.sign(RECEIPT)
    for secret.now in (1, 2, 29):
        with pytest.raises(ReceiptError):
            secret.keys.verify(sign(RECEIPT, key("x")))
    assert secret.asked == 2


def test_unreadable_secret_keeps_the_last_versions(secret: ScriptedSecret) -> None:
    secret.will_hold("a", None)
    secret.keys.sign(RECEIPT)
    secret.will_refuse()
    for secret.now in (300, 301, 329):
        assert key_version(secret.keys.sign(RECEIPT)) == key("a").version_id
    assert secret.asked == 3
    secret.will_hold("b", "a")
    secret.now = 330
    assert key_version(secret.keys.sign(RECEIPT)) == key("b").version_id


def test_unreadable_secret_is_an_error(secret: ScriptedSecret) -> None:
    secret.will_refuse()
    with pytest.raises(ClientError):
        secret.keys.sign(RECEIPT)


def test_read_ignores_the_cache(secret: ScriptedSecret) -> None:
    secret.will_hold("a", None)
    secret.keys.sign(RECEIPT)
    secret.will_refuse()
    with pytest.raises(ClientError):
        secret.keys.read()


def test_current_value_that_cannot_sign_is_an_error(secret: ScriptedSecret) -> None:
    secret.answers.add_response("get_secret_value", {"VersionId": "-" * 32, "SecretString": "{}"})
    with pytest.raises(SigningSecretError):
        secret.keys.sign(RECEIPT)
