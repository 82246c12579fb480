"""Secrets Manager's rotation: `RotateSecret` and `RotationSchedule` run the function's four steps.

Faithful: createSecret, setSecret, testSecret and finishSecret run in turn, in the function's own execution role; a
failing step leaves the secret as it was; `AWS::SecretsManager::RotationSchedule` stores its rules and rotates at once
unless `RotateImmediatelyOnUpdate` is false, in which case only testSecret runs; DescribeSecret returns the next date.
Different from AWS: a secret rotates only by a call, never by its schedule; a failed step is not retried for days.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
import uuid
from typing import Any, Final

from ministack.services import lambda_svc, secretsmanager

from local_cloud.shims import _api, _templates
from local_cloud.shims._api import truthful

_STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_SECONDS_A_DAY: Final = 86_400
_log: Final = logging.getLogger("local_cloud.rotation")


def install() -> None:
    """Rotate by RotateSecret, and add the schedule's type."""
    secretsmanager._rotate_secret = _rotate_secret
    _answer_rotation()
    _find_only_values()
    _keep_values()
    _templates.define("AWS::SecretsManager::RotationSchedule", create=_create_schedule, update=_schedule, delete=_cancel)


def _rotate_secret(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if refusal := _refusal(request, secret):
        return secretsmanager.error_response_json(*refusal, 400)
    secret["RotationLambdaARN"] = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    secret["RotationRules"] = request.get("RotationRules") or secret.get("RotationRules") or {"AutomaticallyAfterDays": 1}
    secret["RotationEnabled"] = True
    token = request.get("ClientRequestToken") or str(uuid.uuid4())
    steps = _STEPS if request.get("RotateImmediately", True) else ("testSecret",)
    if steps == _STEPS:
        # The pending version exists, without a value, before createSecret fills it.
        secret["Versions"].setdefault(
            token, {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": []}
        )
        secretsmanager._remove_stage_everywhere(secret, "AWSPENDING")
        secret["Versions"][token]["Stages"].append("AWSPENDING")
    # RotateSecret answers before the function has run, and this is the event loop that the function calls back.
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(_run_steps, secret, token, steps), name="rotation", daemon=True).start()
    return secretsmanager.json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def _refusal(request: dict[str, Any], secret: dict[str, Any] | None) -> tuple[str, str] | None:
    if secret is None:
        return "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
    if secret.get("DeletedDate"):
        return "InvalidRequestException", "The secret is marked for deletion and cannot be rotated."
    if secretsmanager._is_replica(secret):
        return "InvalidRequestException", "A replica cannot be rotated; rotate the secret in its primary region."
    if not (request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")):
        return "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret."
    pending, version = secretsmanager._find_stage_version(secret, "AWSPENDING")
    if pending is not None and "AWSCURRENT" not in version["Stages"] and version.get("SecretString") is not None:
        return "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."
    return None


def _run_steps(secret: dict[str, Any], token: str, steps: tuple[str, ...]) -> None:
    function = lambda_svc._functions.get(secret["RotationLambdaARN"].rpartition(":function:")[2].split(":")[0])
    if function is None:
        _log.error("rotation of %s: there is no function %s", secret["Name"], secret["RotationLambdaARN"])
        return
    for step in steps:
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
        result = lambda_svc._execute_function(function, event)
        if result.get("error"):
            _log.error("rotation of %s failed in %s: %s", secret["Name"], step, result.get("body"))
            return
    if steps == _STEPS:
        secret["LastRotatedDate"] = int(time.time())


def _find_only_values() -> None:
    """Let GetSecretValue find no version without a value or without the requested stage."""
    stock = secretsmanager._get_secret_value

    def get(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        status, headers, body = stock(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        stage = request.get("VersionStage")
        if ("SecretString" in answer or "SecretBinary" in answer) and (not stage or stage in answer["VersionStages"]):
            return status, headers, body
        wanted = stage or request.get("VersionId")
        return secretsmanager.error_response_json(
            "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for: {wanted}.", 400
        )

    secretsmanager._get_secret_value = get


def _keep_values() -> None:
    """Let PutSecretValue refuse another value for a version with one."""
    stock = secretsmanager._put_secret_value

    def put(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        version = (secret or {}).get("Versions", {}).get(request.get("ClientRequestToken"), {})
        if version.get("SecretString") not in {None, request.get("SecretString")}:
            message = "A resource with the ID you requested already exists."
            return secretsmanager.error_response_json("ResourceExistsException", message, 400)
        return stock(request)

    secretsmanager._put_secret_value = put


def _answer_rotation() -> None:
    """Add the last and next rotation to DescribeSecret, and the action CancelRotateSecret."""
    stock_describe = secretsmanager._describe_secret
    stock_handle = secretsmanager.handle_request

    def describe(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        status, headers, body = stock_describe(request)
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        if secret is None or status != 200:
            return status, headers, body
        answer = json.loads(body)
        if last := secret.get("LastRotatedDate"):
            answer["LastRotatedDate"] = last
        days = (secret.get("RotationRules") or {}).get("AutomaticallyAfterDays")
        if secret.get("RotationEnabled") and days:
            answer["NextRotationDate"] = (last or secret["CreatedDate"]) + int(days) * _SECONDS_A_DAY
        return secretsmanager.json_response(answer)

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return _cancel_rotation(json.loads(body))
        return await stock_handle(method, path, headers, body, query)

    secretsmanager._describe_secret = describe
    secretsmanager.handle_request = handle


def _cancel_rotation(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if secret is None:
        return secretsmanager.error_response_json(
            "ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400
        )
    secret["RotationEnabled"] = False
    return secretsmanager.json_response({"ARN": secret["ARN"], "Name": secret["Name"]})


def _create_schedule(schedule: _templates.Resource) -> tuple[str, _templates.Attributes]:
    return schedule.properties["SecretId"], _schedule(schedule)


def _schedule(schedule: _templates.Resource) -> _templates.Attributes:
    properties = schedule.properties
    if "HostedRotationLambda" in properties:
        raise ValueError("HostedRotationLambda needs a transform that the local cloud lacks; give RotationLambdaARN.")
    rules = dict(properties.get("RotationRules") or {})
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    at_once = truthful(properties, "RotateImmediatelyOnUpdate", only=True).get("RotateImmediatelyOnUpdate", True)
    _api.client("secretsmanager").rotate_secret(
        SecretId=properties["SecretId"],
        RotationLambdaARN=properties["RotationLambdaARN"],
        RotationRules=rules,
        RotateImmediately=at_once,
    )
    return {"Id": properties["SecretId"]}


def _cancel(secret_id: str, _properties: _templates.Properties) -> None:
    secrets = _api.client("secretsmanager")
    try:
        secrets.cancel_rotate_secret(SecretId=secret_id)
    except secrets.exceptions.ResourceNotFoundException:
        return
