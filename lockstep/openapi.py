"""`lockstep openapi`: describe the front door in OpenAPI, from the routes and the validation of the function itself."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import typer

from handlers.issuer import validation
from handlers.issuer.handler import RECEIPT_HEADER
from handlers.issuer.handler import app as front_door
from handlers.issuer.states import FROM_ANY, FROM_RESULT, State
from handlers.issuer.upload_id import MAXIMUM_AGE, MAXIMUM_LEAD, UUID7
from lockstep.commands import EnvironmentOption
from lockstep.version import version
from operations.selection import printing_failures
from operations.settings_file import read_settings

Schema = dict[str, Any]
"""A JSON Schema of draft 2020-12, which OpenAPI 3.1 uses."""

UNSIGNED: Final = frozenset({"/healthz", "/ready"})
"""Routes that API Gateway opens to callers without a signature."""
_WHOLE: Final = frozenset({"size", "records", "accepted", "rejected"})
_MAY_ALSO: Final = {
    500: "An internal error; report the request id.",
    503: "Send the same request again, here or in the other region.",
}
_TEXT: Final[Schema] = {"type": "string"}
_WHOLE_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command()
def openapi(
    environment: EnvironmentOption = None,
) -> None:
    """Print the OpenAPI 3.1 description of the front door, for the regions and limits of an environment.

    Example: lockstep openapi > front-door.json
    """
    with printing_failures():
        settings = read_settings(environment)
        held = describe(settings.limits.maximum_object_bytes, (settings.primary_region, settings.secondary_region))
        typer.echo(json.dumps(held, indent=2))


def describe(maximum_bytes: int, regions: tuple[str, str]) -> Schema:
    """Return the description of the routes that the function has.

    Args:
        maximum_bytes: Size of the largest object that is accepted.
        regions: The regions of the platform, the primary first.
    """
    paths: dict[str, Schema] = {}
    for route in (*front_door._static_routes, *front_door._dynamic_routes):  # noqa: SLF001 - Powertools has no other list
        path = re.sub(r"<(\w+)>", "{id}", route.path)
        operation = {
            "operationId": route.func.__name__,
            "summary": str(route.func.__doc__).partition("\n")[0],
            **_operation(f"{route.method} {path}"),
            "security": [] if path in UNSIGNED else [{"sigv4": []}],
        }
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lockstep front door", "version": version(), "license": {"name": "Apache-2.0"}},
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com",
                "description": "`lockstep endpoints` prints the addresses.",
                "variables": {"region": {"enum": list(regions), "default": regions[0]}, "api": {"default": "a1b2c3"}},
            }
        ],
        "paths": paths,
        "components": {
            "schemas": {
                "UploadRequest": upload_request(maximum_bytes),
                "PartsRequest": _parts_request(),
                "CompletionRequest": _object({"parts_sha256": _pattern(_any_case(validation.SHA256.pattern))}),
                **_answers(regions),
            },
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4, service execute-api, signed for the called region.",
                }
            },
        },
    }


def upload_request(maximum_bytes: int) -> Schema:
    """Return the schema of the body of `POST /uploads`.

    A schema cannot express the length of `key` in UTF-8 and the time of `upload_id`; the function checks them too.
    """
    excluded = validation.EXCLUDED.pattern.removeprefix("[").removesuffix("]")
    fields: dict[str, Schema] = {
        "key": {
            **_pattern(rf"(?!/)(?!(.*/)?\.{{1,2}}(/|$))[^{excluded}]+"),
            "description": f"With its prefix at most {validation.MAXIMUM_OBJECT_KEY_BYTES} bytes in UTF-8.",
        },
        "size": {"type": "integer", "minimum": 1, "maximum": maximum_bytes, "description": "Bytes."},
        "sha256": {**_pattern(_any_case(validation.SHA256.pattern)), "description": "Of the file's bytes."},
        "upload_id": {
            **_pattern(_any_case(UUID7.pattern)),
            "type": ["string", "null"],
            "description": f"UUIDv7 of the last {MAXIMUM_AGE.days} days, or {MAXIMUM_LEAD.seconds // 60} minutes ahead.",
        },
        "source": _pattern(validation.SOURCE.pattern),
        "part_size": {
            "type": ["integer", "null"],
            "minimum": validation.MINIMUM_PART_BYTES,
            "maximum": validation.MAXIMUM_PART_BYTES,
            "description": f"Bytes of each of at most {validation.MAXIMUM_PARTS} parts, the last one excepted. "
            f"A file of more than {validation.LARGEST_PUT_BYTES} bytes needs it.",
        },
    }
    return {
        "type": "object",
        "required": ["key", "size", "sha256"],
        "properties": {name: fields[name] for name in validation.FIELDS},
        "additionalProperties": False,
    }


def _parts_request() -> Schema:
    number = {"type": "integer", "minimum": 1, "maximum": validation.MAXIMUM_PARTS}
    part = _object({"number": number, "sha256": _pattern(_any_case(validation.SHA256.pattern))})
    return _object({"parts": {"type": "array", "items": part, "minItems": 1, "maxItems": validation.MAXIMUM_PAGE}})


def schema_of_answer(document: Schema, route: str, status: int) -> Schema:
    """Return the schema of an answer's body, for a validator.

    Args:
        document: From `describe`.
        route: Method and path, for example `GET /uploads/{id}`.
        status: The HTTP status.

    Raises:
        KeyError: The document has no such route, or the route no such status.
    """
    method, _, path = route.partition(" ")
    answer = document["paths"][path][method.lower()]["responses"][str(status)]
    return {**answer["content"]["application/json"]["schema"], "components": document["components"]}


def _operation(route: str) -> Schema:
    """Return parameters, body and answers of a route.

    Raises:
        KeyError: The function has a route that is not described here.
    """
    identity = {"name": "id", "in": "path", "required": True, "schema": _pattern(_any_case(validation.SHA256.pattern))}
    receipt = {"name": RECEIPT_HEADER, "in": "header", "schema": _TEXT, "description": "The `receipt` of POST /uploads."}
    limit = {"type": "integer", "minimum": 1, "maximum": validation.MAXIMUM_PAGE, "default": validation.DEFAULT_PAGE}
    query = [
        {"name": "key", "in": "query", "required": True, "schema": {**_TEXT, "minLength": 1}},
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "next", "in": "query", "schema": _TEXT, "description": "The `next` of the page before."},
    ]
    required = {**receipt, "required": True}
    operations: dict[str, Schema] = {
        "POST /uploads": {
            "requestBody": _body("UploadRequest"),
            "responses": _responses(
                {201: ("Issued", "PUT the file to `url` with `headers`; with `part_size`, ask for the parts.")},
                400,
                403,
                409,
            ),
        },
        "POST /uploads/{id}/parts": {
            "parameters": [identity, required],
            "requestBody": _body("PartsRequest"),
            "responses": _responses(
                {200: ("Parts", "PUT each part to its `url`; those that S3 holds are left out.")}, 400, 403, 409
            ),
        },
        "POST /uploads/{id}/complete": {
            "parameters": [identity, required],
            "requestBody": _body("CompletionRequest"),
            "responses": _responses({200: ("Completed", "The region has the file.")}, 400, 403, 409),
        },
        "GET /uploads/{id}": {
            "parameters": [identity, receipt],
            "responses": _responses({200: ("UploadState", "What this region knows.")}, 400, 404),
        },
        "GET /files": {
            "parameters": query,
            "responses": _responses({200: ("Files", "The objects of the key, newest first, a few seconds late.")}, 400),
        },
        "GET /healthz": {"responses": _responses({200: ("Health", "The function runs.")})},
        "GET /ready": {
            "responses": _responses({200: ("Readiness", "The region can do its work."), 503: ("Readiness", "It cannot.")})
        },
    }
    return operations[route]


def _body(schema: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema)}}}


def _responses(good: dict[int, tuple[str, str]], *refusals: int) -> Schema:
    described = {**good, **dict.fromkeys(refusals, ("Error", "The request is refused."))}
    described |= {status: ("Error", text) for status, text in _MAY_ALSO.items() if status not in described}
    return {
        str(status): {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}
        for status, (schema, text) in sorted(described.items())
    }


def _answers(regions: tuple[str, str]) -> dict[str, Schema]:
    region: Schema = {"enum": list(regions)}
    known = {
        "id": _pattern(validation.SHA256.pattern),
        "state": {"enum": [state.name.lower() for state in State]},
        "region": region,
        "key": _TEXT,
        "uploads_issued_in": {"type": "array", "items": region},
        "hint": _TEXT,
        **{name: _WHOLE_NUMBER if name in _WHOLE else _TEXT for name in (*FROM_ANY, *FROM_RESULT)},
    }
    of_file = _object(known, optional=known.keys() - {"id", "state", "region", "uploads_issued_in"})
    issued = dict.fromkeys(("id", "upload_id", "receipt"), _TEXT)
    put = {
        **dict.fromkeys(("url", "expires_at"), _TEXT),
        "method": {"const": "PUT"},
        "headers": {"type": "object", "additionalProperties": _TEXT},
    }
    part = _object({"number": _WHOLE_NUMBER, **put})
    problem = _object({"field": _TEXT, "message": _TEXT, "hint": _TEXT})
    check = _object(
        {"ok": {"type": "boolean"}, "milliseconds": _WHOLE_NUMBER, "problem": _TEXT}, optional={"milliseconds", "problem"}
    )
    error = {"error": _TEXT, "message": _TEXT, "hint": _TEXT, "problems": {"type": "array", "items": problem}}
    return {
        "Issued": {"oneOf": [_ref("Upload"), _ref("MultipartUpload")]},
        "Upload": _object({**issued, **put}),
        "MultipartUpload": _object({**issued, "part_size": _WHOLE_NUMBER, "parts": _WHOLE_NUMBER}),
        "Parts": _object({"id": _TEXT, "complete": {"type": "boolean"}, "parts": {"type": "array", "items": part}}),
        "Completed": _object({"id": _TEXT, "state": {"const": "accepted"}, "region": region}),
        "UploadState": _object(
            {**known, "durable": {"type": "boolean"}}, optional=known.keys() - {"id", "state", "region", "uploads_issued_in"}
        ),
        "Files": _object({"key": _TEXT, "files": {"type": "array", "items": of_file}, "next": {"type": ["string", "null"]}}),
        "Health": _object({"status": {"const": "ok"}, "region": region}),
        "Readiness": _object(
            {
                "status": {"enum": ["ready", "not ready"]},
                "region": region,
                "checks": {"type": "object", "additionalProperties": check},
            }
        ),
        "Error": _object(error, optional={"problems"}),
    }


def _object(properties: dict[str, Schema], optional: Any = ()) -> Schema:  # noqa: ANN401 - any collection of names
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _pattern(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _any_case(pattern: str) -> str:
    """Return a pattern of hexadecimal digits that takes capitals too: the function reads them in lower case."""
    return pattern.replace("a-f", "a-fA-F").replace("[89ab]", "[89abAB]")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
