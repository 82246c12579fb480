"""Test the routes that need no AWS; the tests on moto cover the others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from handlers.issuer import handler as front_door
from handlers.issuer.application import application
from handlers.issuer.readiness import ReadinessProbe
from handlers.issuer.settings import Settings
from unit_tests.handlers.shared.test_environment import good

CONTEXT = SimpleNamespace(
    function_name="serverless-issuer-prod",
    function_version="1",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-west-2:000000000000:function:serverless-issuer-prod",
    aws_request_id="request-1",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    place = {"AWS_REGION": "us-west-2", "ENVIRONMENT": "prod"}
    for name, value in {**good(Settings), **place, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    # Powertools reads these two once, when the module is imported; whichever test came first may have had none.
    monkeypatch.setattr(front_door.metrics.provider, "namespace", "Lockstep")
    monkeypatch.setattr(front_door.metrics.provider, "service", "issuer")
    application.cache_clear()
    yield
    application.cache_clear()


def event(method: str, path: str, *, stage: str = "$default", body: str | None = None) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"stage": stage, "http": {"method": method, "path": path}},
        "body": body,
        "isBase64Encoded": False,
    }


def answer(sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    response = front_door.handler(sent, CONTEXT)  # type: ignore[arg-type]
    return response["statusCode"], json.loads(response["body"])


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("/healthz", "$default"),
        ("/v1/healthz", "v1"),  # by the API's own host
        ("/healthz", "v1"),  # by a custom domain
        ("/healthz", "health"),  # a stage that only begins like the path
    ],
)
def test_route_is_found_with_and_without_the_stage(path: str, stage: str) -> None:
    assert answer(event("GET", path, stage=stage)) == (200, {"status": "ok", "region": "us-west-2"})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("DELETE", "/uploads"), ("GET", "/v2/healthz"), ("GET", "/uploads")]
)
def test_unknown_route_lists_the_known_ones(method: str, path: str) -> None:
    status, body = answer(event(method, path))
    assert (status, body["error"]) == (404, "NoSuchRoute")
    assert "POST /uploads" in body["hint"]


def test_bad_request_is_answered_without_a_call_to_aws() -> None:
    status, body = answer(event("POST", "/uploads", body='{"key": "/a"}'))
    assert status == 400
    assert {problem["field"] for problem in body["problems"]} == {"key", "size", "sha256"}


def test_unexpected_error_shows_no_details(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("handlers.issuer.validation.parse_files", fail)
    status, body = answer(event("GET", "/files"))
    assert (status, body["error"]) == (500, "InternalError")
    assert "request-1" in body["hint"]
    assert "inside" not in json.dumps(body)
    assert "the inside" in caplog.text  # but the log has it


@pytest.mark.parametrize("stage", ["$default", "live"])
def test_healthy_probe_logs_nothing(stage: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = "/healthz" if stage == "$default" else f"/{stage}/healthz"
    assert answer(event("GET", path, stage=stage))[0] == 200
    assert capfd.readouterr() == ("", "")


def test_failing_probe_is_counted_and_logged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    down = ReadinessProbe({"table": lambda: (_ for _ in ()).throw(RuntimeError("down")).__next__()})
    monkeypatch.setattr(front_door, "application", lambda: replace(application(), probe=down))
    assert answer(event("GET", "/ready"))[0] == 503
    emf = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    assert emf["NotReady"] == [1.0]
    assert (emf["environment"], emf["service"]) == ("prod", "issuer")
    assert sorted(emf["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) == ["environment", "service"]
    assert emf["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Lockstep"
