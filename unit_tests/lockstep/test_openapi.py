"""The OpenAPI description of the front door agrees with the routes of the API and with the function's own validation.

integration_tests/moto/test_issuer.py compares it with every answer of that module's tests.
"""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.issuer.errors import RequestError
from handlers.issuer.upload_id import new_upload_id
from handlers.issuer.validation import parse_upload
from infra.constructs.front_door import OPEN_ROUTES, SIGNED_ROUTES
from lockstep.openapi import UNSIGNED, describe, upload_request

MAXIMUM = 1 << 20
DOCUMENT = describe(MAXIMUM, ("us-east-1", "us-west-2"))
NOW = time.time()
HEX = st.text("0123456789abcdefABCDEF", min_size=63, max_size=65)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.text(st.sampled_from("a/.\x00\x85 é%"), max_size=8) | st.none() | st.text(max_size=5),
        "size": st.integers(-1, MAXIMUM + 1) | st.booleans() | st.text(max_size=2) | st.floats(0, 9),
        "sha256": HEX | st.text(max_size=3),
        "upload_id": st.just(new_upload_id(NOW)) | st.just(new_upload_id(NOW).upper()) | st.text(max_size=3) | st.none(),
        "source": st.text(st.sampled_from("a0-A_ "), max_size=34),
        "part_size": st.sampled_from([0, (5 << 20) - 1, 5 << 20, 5 << 30, (5 << 30) + 1, True, "5242880"]),
        "other": st.integers(),
    },
)
GOOD = {"key": "a", "size": 1, "sha256": "0" * 64}


def _is_described(body: Any) -> bool:  # noqa: ANN401 - any JSON
    return bool(jsonschema.Draft202012Validator(upload_request(MAXIMUM)).is_valid(body))


def _is_accepted(body: Any) -> bool:  # noqa: ANN401 - any JSON
    try:
        parse_upload(json.dumps(body), is_base64=False, maximum_bytes=MAXIMUM, now=NOW)
    except RequestError:
        return False
    return True


def test_description_has_the_routes_of_the_api_and_their_signatures() -> None:
    described = {
        (method.upper(), path): operation["security"]
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert {route for route, security in described.items() if security == [{"sigv4": []}]} == {
        (method.value, path) for method, path in SIGNED_ROUTES
    }
    assert {route for route, security in described.items() if security == []} == {
        (method.value, path) for method, path in OPEN_ROUTES
    }
    assert len(described) == len(SIGNED_ROUTES) + len(OPEN_ROUTES)
    assert {path for _, path in OPEN_ROUTES} == UNSIGNED


def test_description_is_json_whose_references_lead_to_valid_schemas() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    text = json.dumps(DOCUMENT)
    assert {name for name in schemas if f'"#/components/schemas/{name}"' not in text} == set()
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.property
@given(FIELDS | st.builds(lambda more: GOOD | more, FIELDS))
@example(GOOD | {"upload_id": None, "part_size": None})
def test_body_that_is_not_described_is_refused(body: dict[str, Any]) -> None:
    assert _is_described(body) or not _is_accepted(body)


@pytest.mark.property
@given(st.builds(lambda more: GOOD | more, FIELDS))
def test_described_body_is_accepted(body: dict[str, Any]) -> None:
    # JSON Schema counts 1.0 as an integer and a null as present; the function refuses one and takes the other.
    if not isinstance(body["size"], float):
        assert _is_accepted(body) or not _is_described(body)


@pytest.mark.parametrize("key", ["a/../b", "..", "./a", "/a", "a\nb", "a/.", "\x85", ""])
def test_key_that_the_function_refuses_is_not_described(key: str) -> None:
    assert (_is_described(GOOD | {"key": key}), _is_accepted(GOOD | {"key": key})) == (False, False)


@pytest.mark.parametrize("key", ["a/...", "a..b/.c", "é 1", "a/b."])
def test_key_with_dots_is_described_and_accepted(key: str) -> None:
    assert (_is_described(GOOD | {"key": key}), _is_accepted(GOOD | {"key": key})) == (True, True)
