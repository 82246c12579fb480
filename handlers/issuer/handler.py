"""The issuer's function: an HTTP API of seven routes.

| route                | answers                                                                                      |
|----------------------|----------------------------------------------------------------------------------------------|
| `POST /uploads`      | 201: a receipt and a presigned PUT; body `{key, size, sha256, upload_id?, source?}`          |
|                      | with `part_size` in the body, the file is sent in parts, and the answer holds their number   |
| `POST /uploads/{id}/parts` | 200: presigned PUTs of parts; body `{parts: [{number, sha256}]}`, header with the receipt |
| `POST /uploads/{id}/complete` | 200: the parts are one object; body `{parts_sha256}`, header with the receipt       |
| `GET /uploads/{id}`  | 200: the state of an upload or object by the `id` of POST's answer, and whether it is durable |
| `GET /files?key=`    | 200: the objects of a key, newest first; `limit` (1 to 100) and `next` select the page       |
| `GET /healthz`       | 200 while the function runs                                                                  |
| `GET /ready`         | 200 if the region can do its work now, 503 if not; cached 5 seconds                          |

With a receipt in the header `x-upload-receipt` of `GET /uploads/{id}`, a region can answer for an upload that the other
region issued and that has not replicated yet. Errors are JSON: `{error, message, hint}`, and `problems` if a request may
have several.
"""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from handlers.issuer import validation
from handlers.issuer.application import application
from handlers.issuer.callers import Caller
from handlers.issuer.errors import RequestError
from handlers.issuer.states import State
from handlers.shared.receipts import Receipt, ReceiptError, SigningSecretError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RECEIPT_HEADER: Final = "x-upload-receipt"

app = APIGatewayHttpResolver()
logger = Logger()
metrics = Metrics()


# A healthy probe has no trace and no metric, because health checkers send more than one request a second.
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answer one request of the HTTP API (payload format 2.0), with or without the stage in its path."""
    metrics.set_default_dimensions(environment=application().settings.environment)
    event = _without_stage(event)
    try:
        return app.resolve(event, context)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()


@app.post("/uploads")
def issue_upload() -> Response[str]:
    """Issue a presigned PUT and a receipt."""
    issuer, caller = application().issuer, _caller()
    request = validation.parse_upload(
        app.current_event.body,
        is_base64=bool(app.current_event.is_base64_encoded),
        maximum_bytes=application().settings.maximum_object_bytes,
        now=issuer.clock(),
        default_source=caller.default_source,
    )
    caller.require_source(request.upload.source)
    answer = issuer.issue(request, caller)
    if not caller.is_observer:  # a canary is no user's upload
        metrics.add_metric("UploadsIssued", MetricUnit.Count, 1)
    logger.info("an upload is issued", object_id=answer["id"], upload_id=answer["upload_id"], size=request.size)
    return _json(HTTPStatus.CREATED, answer)


@app.post("/uploads/<object_id>/parts")
def issue_parts(object_id: str) -> Response[str]:
    """Issue presigned PUTs of the parts of a multipart upload that S3 does not hold yet."""
    receipt = _multipart_receipt(object_id)
    wanted = validation.parse_parts(
        app.current_event.body, is_base64=bool(app.current_event.is_base64_encoded), parts=receipt.parts
    )
    return _json(HTTPStatus.OK, application().multipart.parts(receipt, wanted, application().issuer.clock()))


@app.post("/uploads/<object_id>/complete")
def complete_upload(object_id: str) -> Response[str]:
    """Make one object of the parts of a multipart upload; a repeated request has the same answer."""
    receipt = _multipart_receipt(object_id)
    parts_sha256 = validation.parse_completion(app.current_event.body, is_base64=bool(app.current_event.is_base64_encoded))
    application().multipart.complete(receipt, parts_sha256)
    logger.info("a multipart upload is complete", object_id=receipt.upload.object_id, size=receipt.size)
    return _json(
        HTTPStatus.OK, {"id": receipt.upload.object_id, "state": State.ACCEPTED.name.lower(), "region": receipt.region}
    )


@app.get("/uploads/<object_id>")
def upload_state(object_id: str) -> Response[str]:
    """Return the state of an upload or object."""
    object_id, caller = validation.parse_object_id(object_id), _caller()
    receipt = _receipt(object_id)
    rows = application().ledger.object(object_id)
    source = receipt.upload.source if receipt else rows.first("source")
    # An object of another caller gets the same answer as one that does not exist.
    if not (rows.exists or receipt) or not caller.may_read(source):
        raise RequestError(
            HTTPStatus.NOT_FOUND,
            "NotFound",
            f"{application().settings.region} knows no upload or object {object_id}",
            "compare the id with the answer of POST /uploads; if the other region issued it moments ago, send "
            f"its receipt in the header {RECEIPT_HEADER}, or ask again in a few seconds; for a file that was uploaded "
            "to the bucket directly, send GET /files?key=<key>",
        )
    return _json(HTTPStatus.OK, application().states.describe(rows, receipt.upload.object_key if receipt else None))


@app.get("/files")
def files() -> Response[str]:
    """Return the objects of a file's key, newest first."""
    request, ledger = validation.parse_files(app.current_event.query_string_parameters or {}), application().ledger
    objects, last = ledger.files(request.file_key, limit=request.limit, before=request.before, may_read=_caller().may_read)
    return _json(
        HTTPStatus.OK,
        {
            "key": request.file_key,
            "files": application().states.describe_all(objects, ledger.object),
            "next": validation.page_token(last) if last else None,
        },
    )


@app.get("/healthz")
def healthz() -> Response[str]:
    """Answer 200 while the function runs; this depends on nothing else."""
    return _json(HTTPStatus.OK, {"status": "ok", "region": application().settings.region})


@app.get("/ready")
def ready() -> Response[str]:
    """Return whether the region can do its work now."""
    readiness = application().probe.readiness()
    status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
    if not readiness.ready:
        metrics.add_metric("NotReady", MetricUnit.Count, 1)
    return _json(
        status,
        {
            "status": "ready" if readiness.ready else "not ready",
            "region": application().settings.region,
            "checks": readiness.checks,
        },
    )


@app.not_found
def no_such_route(_error: NotFoundError) -> Response[str]:
    """Answer 404 for an unknown path or method."""
    raise RequestError(
        HTTPStatus.NOT_FOUND,
        "NoSuchRoute",
        "there is nothing at this path and method",
        "the routes are POST /uploads, POST /uploads/{id}/parts, POST /uploads/{id}/complete, GET /uploads/{id}, "
        "GET /files?key=<key>, GET /healthz, GET /ready",
    )


def answer_errors(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Turn any exception of a route into an answer with a hint, without internal details."""
    try:
        return next_middleware(app)
    except RequestError as error:
        logger.info("a request is refused", status=int(error.status), error=error.error, reason=error.message)
        return _json(error.status, error.body)
    except (ClientError, BotoCoreError, SigningSecretError):
        logger.exception("a service that the request needs failed")
        failure = RequestError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "TemporarilyUnavailable",
            f"{application().settings.region} cannot answer this now",
            "send the same request again, with the same upload_id, here or in the other region: a retry has one effect",
        )
    except Exception:
        logger.exception("a request failed unexpectedly")
        failure = RequestError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "InternalError",
            "the request failed because of an internal error",
            f"report this request id: {app.lambda_context.aws_request_id}",
        )
    metrics.add_metric("RequestsFailed", MetricUnit.Count, 1)
    return _json(failure.status, failure.body)


app.use([answer_errors])


def _caller() -> Caller:
    return application().callers.of_event(app.current_event.raw_event)


def _receipt(object_id: str) -> Receipt | None:
    token = app.current_event.headers.get(RECEIPT_HEADER)
    if not token:
        return None
    hint = f"send the `receipt` of POST /uploads unchanged, or leave {RECEIPT_HEADER} out"
    if not token.isascii():
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            "ReceiptRefused",
            f"{RECEIPT_HEADER} is not a receipt: it holds a character that is not ASCII",
            hint,
        )
    try:
        receipt = application().signing_keys.verify(token)
    except ReceiptError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "ReceiptRefused", str(error), hint) from error
    if receipt.upload.object_id != object_id:
        message = f"the receipt is for {receipt.upload.object_id}, not for {object_id}"
        raise RequestError(HTTPStatus.BAD_REQUEST, "ReceiptRefused", message, hint)
    return receipt


def _multipart_receipt(object_id: str) -> Receipt:
    """Return the receipt of a request about a multipart upload that the caller may send, issued by this region.

    Raises:
        RequestError: 400, 403 or 409.
    """
    receipt = _receipt(validation.parse_object_id(object_id))
    region = application().settings.region
    hint = f"send POST /uploads with part_size to this region, and its `receipt` in the header {RECEIPT_HEADER}"
    if receipt is None:
        raise RequestError(HTTPStatus.BAD_REQUEST, "ReceiptRefused", f"{RECEIPT_HEADER} is missing", hint)
    _caller().require_source(receipt.upload.source)
    if not receipt.part_size or receipt.region != region:
        wrong = f"was issued by {receipt.region}" if receipt.part_size else "is for an upload by one PUT"
        raise RequestError(HTTPStatus.CONFLICT, "ReceiptRefused", f"the receipt {wrong}, this is {region}", hint)
    validation.require_recent(receipt.upload.upload_id, application().issuer.clock())
    return receipt


def _without_stage(event: dict[str, Any]) -> dict[str, Any]:
    """Remove the stage from the path: the API's own host has it, a custom domain may not."""
    context = event["requestContext"]
    stage, path = context.get("stage", "$default"), event["rawPath"]
    if path.startswith(f"/{stage}/"):
        path = path[len(stage) + 1 :]
    http = {**context["http"], "path": path}
    return {**event, "rawPath": path, "requestContext": {**context, "stage": "$default", "http": http}}


def _json(status: int, body: object) -> Response[str]:
    return Response(
        status_code=int(status),
        content_type="application/json",
        body=json.dumps(body),  # ASCII only, so the answer is valid UTF-8 for any request
        headers={"Cache-Control": "no-store"},
    )
