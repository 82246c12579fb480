"""Test the four steps of a rotation one by one."""

import json
from collections.abc import Iterator, Mapping

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from handlers.rotation.steps import Rotation, RotationRefusedError
from handlers.shared import receipts
from handlers.shared.receipts import SigningSecretError

SECRET = "arn:aws:secretsmanager:us-west-2:000000000000:secret:serverless-receipt-signing-prod-AbCdEf"
NEW, CURRENT = "n" * 32, "c" * 32
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


class ScriptedSecret:
    """Scripted answers of Secrets Manager."""

    def __init__(self) -> None:
        client = boto3.client("secretsmanager", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
        self.script = Stubber(client)
        self.rotation = Rotation(client=client, secret_id=SECRET, version_id=NEW)

    def staged(self, stages: Mapping[str, list[str]], *, enabled: bool = True) -> None:
        """Answer the next DescribeSecret."""
        answer = {"RotationEnabled": enabled, "VersionIdsToStages": dict(stages)}
        self.script.add_response("describe_secret", answer, {"SecretId": SECRET})

    def holds(self, version: str, stage: str, value: str) -> None:
        """Answer the next GetSecretValue."""
        asked = {"SecretId": SECRET, "VersionStage": stage} | ({"VersionId": version} if version == NEW else {})
        self.script.add_response("get_secret_value", {"VersionId": version, "SecretString": value}, asked)


@pytest.fixture
def secret() -> Iterator[ScriptedSecret]:
    secret = ScriptedSecret()
    with secret.script:
        yield secret
        secret.script.assert_no_pending_responses()


UNDER_WAY = {CURRENT: ["AWSCURRENT"], NEW: ["AWSPENDING"]}


def test_create_secret_puts_a_new_value(secret: ScriptedSecret) -> None:
    secret.staged(UNDER_WAY)
    secret.script.add_client_error("get_secret_value", "ResourceNotFoundException")
    secret.script.add_response(
        "put_secret_value",
        {},
        {"SecretId": SECRET, "ClientRequestToken": NEW, "SecretString": ANY, "VersionStages": ["AWSPENDING"]},
    )
    secret.rotation.run("createSecret")


def test_create_secret_keeps_an_existing_value(secret: ScriptedSecret) -> None:
    secret.staged(UNDER_WAY)
    secret.holds(NEW, "AWSPENDING", receipts.new_secret_string())
    secret.rotation.run("createSecret")


def test_set_secret_calls_nothing(secret: ScriptedSecret) -> None:
    secret.staged(UNDER_WAY)
    secret.rotation.run("setSecret")


def test_step_test_secret_of_a_version_that_signs_passes(secret: ScriptedSecret) -> None:
    secret.staged(UNDER_WAY)
    secret.holds(NEW, "AWSPENDING", receipts.new_secret_string())
    secret.holds(CURRENT, "AWSCURRENT", "not even JSON: a rotation replaces it")
    secret.rotation.run("testSecret")


def test_step_test_secret_of_a_version_that_cannot_sign_fails(secret: ScriptedSecret) -> None:
    secret.staged(UNDER_WAY)
    secret.holds(NEW, "AWSPENDING", json.dumps({"key": "short"}))
    with pytest.raises(SigningSecretError):
        secret.rotation.run("testSecret")


def test_step_test_secret_of_the_current_key_fails(secret: ScriptedSecret) -> None:
    same = receipts.new_secret_string()
    secret.staged(UNDER_WAY)
    secret.holds(NEW, "AWSPENDING", same)
    secret.holds(CURRENT, "AWSCURRENT", same)
    with pytest.raises(RotationRefusedError, match="holds the current key"):
        secret.rotation.run("testSecret")


@pytest.mark.parametrize("before", [{CURRENT: ["AWSCURRENT"], NEW: ["AWSPENDING"]}, {NEW: ["AWSPENDING"]}])
def test_finish_secret_moves_the_label_to_the_new_version(secret: ScriptedSecret, before: dict[str, list[str]]) -> None:
    secret.staged(before)
    secret.staged(before)
    moved = {"SecretId": SECRET, "VersionStage": "AWSCURRENT", "MoveToVersionId": NEW}
    if CURRENT in before:
        moved["RemoveFromVersionId"] = CURRENT
    secret.script.add_response("update_secret_version_stage", {}, moved)
    secret.rotation.run("finishSecret")


@pytest.mark.parametrize("step", STEPS)
def test_step_after_the_end_of_the_rotation_does_nothing(secret: ScriptedSecret, step: str) -> None:
    secret.staged({CURRENT: ["AWSPREVIOUS"], NEW: ["AWSCURRENT", "AWSPENDING"]})
    secret.rotation.run(step)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("stages", [{CURRENT: ["AWSCURRENT"]}, {CURRENT: ["AWSCURRENT"], NEW: ["AWSPREVIOUS"]}, {}])
def test_unstaged_version_is_refused(secret: ScriptedSecret, step: str, stages: dict[str, list[str]]) -> None:
    secret.staged(stages)
    with pytest.raises(RotationRefusedError, match="not staged as AWSPENDING"):
        secret.rotation.run(step)


@pytest.mark.parametrize("step", STEPS)
def test_secret_without_rotation_is_refused(secret: ScriptedSecret, step: str) -> None:
    secret.staged(UNDER_WAY, enabled=False)
    with pytest.raises(RotationRefusedError, match="not enabled"):
        secret.rotation.run(step)


@pytest.mark.property
@given(st.text().filter(lambda step: step not in STEPS))
def test_unknown_step_is_refused_without_a_call(step: str) -> None:
    secret = ScriptedSecret()
    with secret.script, pytest.raises(RotationRefusedError, match="createSecret, setSecret, testSecret, finishSecret"):
        secret.rotation.run(step)
