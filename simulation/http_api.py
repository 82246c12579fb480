"""The clients' HTTP: the regions' APIs, which check the signature and invoke the issuer, and S3's presigned PUT."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import Answer, Request, Unreachable
from simulation.plan import Kind
from simulation.regions import Region, Version
from simulation.scheduler import Crash, Future, current_process
from simulation.world import ACCOUNT, World

CLIENT: Final = "client"
"""The region of clients' processes: none of AWS's, so that they outlive each."""
CREDENTIALS: Final = Credentials("AKIDCLIENT", "made-up-for-the-simulation")
PRINCIPAL: Final = f"arn:aws:iam::{ACCOUNT}:role/sensors"
_UNSIGNED: Final = frozenset({"/healthz", "/ready"})
_CLOCK_TOLERANCE_SECONDS: Final = 300.0
"""SigV4's tolerance. https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html"""
_CONNECT_SECONDS: Final = 2.0
_LATENCY: Final = (0.02, 8.0)
_TIME: Final = "%Y%m%dT%H%M%SZ"
_BOUND_HEADERS: Final = {
    "content-length": "ContentLength",
    "if-none-match": "IfNoneMatch",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
}
"""The parameter of each header that a presigned PUT binds; that of a part has some of them."""


def api_url(region: str) -> str:
    """Return the address of a region's API."""
    return f"https://api.execute-api.{region}.amazonaws.com"


def presigned_put(region: Region, clock: float, parameters: dict[str, Any], expires: int) -> str:
    """Return the URL of a PUT that S3 accepts with the signed headers, until the signer's credentials expire."""
    headers = {name: str(parameters.get(parameter, "")) for name, parameter in _BOUND_HEADERS.items()}
    date = datetime.fromtimestamp(clock, UTC).strftime(_TIME)
    token = "expired" if clock < region.expired_until else "valid"
    path = quote(f"/{parameters['Key']}")
    of_part = "".join(f"{name}={parameters[name]}&" for name in ("PartNumber", "UploadId") if name in parameters)
    query = f"{of_part}X-Amz-Date={date}&X-Amz-Expires={expires}&X-Amz-Security-Token={token}"
    signature = _signature(region.name, path, query, headers)
    return f"https://{parameters['Bucket']}.s3.{region.name}.amazonaws.com{path}?{query}&X-Amz-Signature={signature}"


def _signature(region: str, path: str, query: str, headers: dict[str, str]) -> str:
    text = "\n".join([region, path, query, *(f"{name}:{headers[name]}" for name in sorted(headers))])
    return hmac.new(b"made-up-for-the-issuer", text.encode(), hashlib.sha256).hexdigest()


def put_object(
    world: World, region: Region, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str, Version | None]:
    """Store the object, or the part, of a presigned PUT as S3 does.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

    Returns:
        The status; S3's error code, empty if it stores the bytes; and the version, None unless it stores an object.
    """
    parts = urlsplit(url)
    given = {name.lower(): value for name, value in headers.items()}
    bound = {name: given.get(name, "") for name in _BOUND_HEADERS}
    signed, _, signature = parts.query.partition("&X-Amz-Signature=")
    of = dict(parse_qsl(signed))
    ends = datetime.strptime(of["X-Amz-Date"], _TIME).replace(tzinfo=UTC).timestamp() + int(of["X-Amz-Expires"])
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    key = unquote(parts.path[1:])
    refusals = (
        (signature != _signature(region.name, parts.path, signed, bound), (403, "SignatureDoesNotMatch")),
        (of["X-Amz-Security-Token"] == "expired", (400, "ExpiredToken")),
        (world.clock(region) > ends, (403, "AccessDenied")),
        (str(len(body)) != bound["content-length"], (400, "IncompleteBody")),
        (checksum != bound["x-amz-checksum-sha256"], (400, "BadDigest")),
        ("UploadId" not in of and any(held == key for held, _ in region.ingest), (412, "PreconditionFailed")),
        ("UploadId" in of and of["UploadId"] not in region.multiparts, (404, "NoSuchUpload")),
    )
    for is_refused, (status, code) in refusals:
        if is_refused:
            return status, code, None
    if "UploadId" in of:
        region.multiparts[of["UploadId"]].parts[int(of["PartNumber"])] = body
        return 200, "", None
    return 200, "", world.put_version(region, key, body)


def api_event(  # noqa: PLR0913 - what a request is
    method: str, path: str, headers: Mapping[str, str], body: bytes, *, caller: str, request_id: str, query: str = ""
) -> dict[str, Any]:
    """Return the event of an HTTP API's request, payload format 2.0.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"queryStringParameters": dict(parse_qsl(query))} if query else {}),
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            **({"authorizer": {"iam": {"userArn": caller}}} if caller else {}),
            "http": {"method": method, "path": path},
            "stage": "$default",
            "requestId": request_id,
        },
        "body": body.decode() or None,
        "isBase64Encoded": False,
    }


@dataclass
class HttpApi:
    """Sends the requests of clients; a `client.transport.Transport`.

    Attributes:
        world: The world.
        invoke: Starts an invocation of a region's issuer.
        on_answer: Called with the region, the request, its body, the response, and the arrival time of the request.
        on_put: Called with the region and the version of each object that S3 stores.
        unreachable_until: By region: time before which clients reach neither API nor S3.
        expired_until: Time before which the client's credentials are refused.
        calls: Number of requests.
    """

    world: World
    invoke: Callable[[Region, dict[str, Any]], Future]
    on_answer: Callable[[Region, Request, bytes, Answer, float], None]
    on_put: Callable[[Region, Version], None]

    def __post_init__(self) -> None:
        self.unreachable_until = dict.fromkeys(self.world.regions, 0.0)
        self.expired_until = 0.0
        self.calls = 0

    def send(self, request: Request) -> Answer:
        """Send a request from the current process and wait for the response."""
        world, process = self.world, current_process()
        if process is None:
            raise RuntimeError("a client sends from a simulated process")
        self.calls += 1
        number = self.calls
        faults = world.call_faults(CLIENT, number)
        parts = urlsplit(request.url)
        host = str(parts.hostname).split(".")
        region = world.regions[host[2]]
        what = f"{request.method} {parts.path if len(parts.path) < 90 else parts.path[:80]}"  # noqa: PLR2004 - a line's width
        call = f"{host[1]}:{request.method}"
        for kind in faults:
            world.cover(kind, call)
        body = _all_of(request)
        if Kind.KILL_BEFORE in faults:
            world.note(region, "client", call, f"{what}: the client is killed before it")
            raise Crash
        process.wait(world.chance.lag(*_LATENCY, "http", number))
        if Kind.REQUEST_LOST in faults or not self._reaches(region):
            process.wait(_CONNECT_SECONDS)
            world.note(region, "client", call, f"{what}: no connection")
            raise Unreachable("no connection could be made")
        began = world.now
        exchange = self._storage if host[1] == "s3" else self._api
        future = exchange(region, request, body)
        is_answered = process.wait_for(future, request.patience)
        if is_answered:
            process.wait(world.chance.lag(*_LATENCY, "http answer", number))
        if Kind.KILL_AFTER in faults:
            world.note(region, "client", call, f"{what}: done, then the client is killed")
            raise Crash
        if not is_answered or Kind.RESPONSE_LOST in faults or not self._reaches(region):
            world.note(region, "client", call, f"{what}: no answer")
            raise Unreachable(f"it did not answer within {request.patience:g} s")
        answer: Answer = future.value
        world.note(region, "client", call, f"{what}: {answer.status}")
        self.on_answer(region, request, body, answer, began)
        return answer

    def _reaches(self, region: Region) -> bool:
        until = max(self.unreachable_until[region.name], region.dark_until)
        return not region.is_destroyed and self.world.now >= until

    # --- API Gateway -----------------------------------------------------------------------------------------------

    def _api(self, region: Region, request: Request, body: bytes) -> Future:
        future, (_, _, path, query, _) = Future(), urlsplit(request.url)
        if path not in _UNSIGNED and (refused := self._refusal(region, request, body)):
            future.settle(_answer(self.world, region, 403, {"message": refused}), self.world.scheduler)
            return future
        what = (request.method, path, request.headers, body)
        event = api_event(*what, caller=PRINCIPAL, request_id=f"request-{self.calls}", query=query)
        invoked = self.invoke(region, event)

        def finish() -> None:
            held = invoked.value
            future.settle(_answer(self.world, region, held["statusCode"], held["body"]), self.world.scheduler)

        invoked.waiters.append(finish)
        return future

    def _refusal(self, region: Region, request: Request, body: bytes) -> str | None:
        """Return why the API refuses a request's signature; None if it accepts it."""
        if self.world.now < self.expired_until:
            return "The security token included in the request is expired"
        given = {name.lower(): value for name, value in request.headers.items()}
        date = given.get("x-amz-date", "")
        try:
            signed_at = datetime.strptime(date, _TIME).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return "Missing Authentication Token"
        if abs(signed_at - self.world.clock(region)) > _CLOCK_TOLERANCE_SECONDS:
            return f"Signature expired: {date} is now earlier than allowed"
        signed = AWSRequest(method=request.method, url=request.url, data=body)
        authorization = given.pop("authorization", "")
        for name in authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";"):
            if name not in {"host", ""}:
                signed.headers[name] = given.get(name, "")
        signed.context["timestamp"] = date
        signer = SigV4Auth(CREDENTIALS, "execute-api", region.name)
        signature = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        if not authorization.endswith(f"Signature={signature}"):
            return "The request signature we calculated does not match the signature you provided"
        return None

    # --- S3 --------------------------------------------------------------------------------------------------------

    def _storage(self, region: Region, request: Request, body: bytes) -> Future:
        future = Future()
        status, code, version = put_object(self.world, region, request.url, request.headers, body)
        if version:
            self.on_put(region, version)
        content = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
        future.settle(Answer(status, content), self.world.scheduler)
        return future


def _answer(world: World, region: Region, status: int, body: object) -> Answer:
    content = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, content.encode(), {"date": formatdate(world.clock(region), usegmt=True)})


def _all_of(request: Request) -> bytes:
    """Read a body to its end."""
    if isinstance(request.body, bytes):
        return request.body
    pieces = []
    try:
        while piece := request.body.read(1 << 16):
            pieces.append(piece)
    except Exception as error:  # as the network has it: whatever a body raises breaks the connection
        raise Unreachable(f"the connection broke: {error}") from error
    return b"".join(pieces)
