"""The platform's contract, as one region serves it: ask for an upload, send the file, ask what became of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from client.clock import Clock
from client.configuration import Endpoint, is_loopback
from client.receipts import Receipt, State
from client.signing import Signer
from client.transport import Answer, Readable, Request, Transport, Unreachable

_RECEIPT_HEADER: Final = "x-upload-receipt"
_SIGNATURE_SECONDS: Final = 300
"""SigV4's tolerance for clocks."""
_S3_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")
_REFUSED_STORES: Final = frozenset(
    {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "InvalidDigest"}
)
_DURABLE: Final = "durable"
"""A state, to a region whose release did not answer it separately."""
_OK, _CREATED, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _PRECONDITION_FAILED, _TOO_LARGE = (
    200,
    201,
    400,
    401,
    403,
    404,
    409,
    412,
    413,
)


class RegionFailed(Exception):  # noqa: N818 - it says what a region did
    """A region did not do its work now; it may later, or another one may. The message says how."""


class RegionRefused(RegionFailed):
    """A region does not let this caller in. Another one may; if none does, waiting will not help.

    Attributes:
        hint: What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Impossible(Exception):  # noqa: N818 - it says what the request is
    """The request itself is wrong, in any region.

    Attributes:
        hint: What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Grant:
    """The permission to send one file, for some minutes."""

    url: str
    headers: Mapping[str, str]
    receipt: str


@dataclass(frozen=True)
class Known:
    """What a region knows of an upload.

    Attributes:
        state: None: it knows of none.
        region: Which region that is.
        reason: Why it is in quarantine.
        durable: Whether it shows that both regions hold the upload.
    """

    state: State | None
    region: str
    reason: str = ""
    durable: bool = False


class Platform:
    """Speaks with regions.

    Args:
        transport: Sends requests.
        signer: Signs those to the API.
        clock: Tells how far this machine's clock is from a region's.
        api_seconds: How long the API may take to answer.
        storage_seconds: How long S3 may take to answer once it has the file.
    """

    def __init__(
        self, transport: Transport, signer: Signer, clock: Clock, *, api_seconds: float, storage_seconds: float
    ) -> None:
        self._transport, self._signer, self._clock = transport, signer, clock
        self._api_seconds, self._storage_seconds = api_seconds, storage_seconds

    def grant(self, endpoint: Endpoint, upload: Receipt) -> Grant:
        """Ask a region for leave to send a file; the same upload may be asked for any number of times.

        Raises:
            RegionFailed: It gave no leave.
            Impossible: No region will.
        """
        asked = {
            "key": upload.key,
            "size": upload.size,
            "sha256": upload.sha256,
            "upload_id": upload.upload_id,
            "source": upload.source,
        }
        answer = self._call(endpoint, "POST", "/uploads", {"content-type": "application/json"}, json.dumps(asked).encode())
        if answer.status != _CREATED:
            raise self._explain(answer, endpoint)
        held = _json(answer)
        grant = Grant(url=_text(held, "url"), headers=_headers(held.get("headers")), receipt=_text(held, "receipt"))
        if (held.get("id"), held.get("upload_id")) != (upload.id, upload.upload_id):
            raise RegionFailed(f"{endpoint.region} answered for another upload ({held.get('id')!r})")
        parts = urlsplit(grant.url)
        if not grant.receipt or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            raise RegionFailed(f"{endpoint.region} answered without a receipt, or with an address that is not https")
        return grant

    def put(self, endpoint: Endpoint, grant: Grant, body: bytes | Readable) -> bool:
        """Send the file; return False if it was there already.

        Raises:
            RegionFailed: It is not known whether it is there.
            Impossible: The bytes are not those that were announced.
        """
        try:
            answer = self._transport.send(Request("PUT", grant.url, grant.headers, body, self._storage_seconds))
        except Unreachable as error:
            raise RegionFailed(f"the storage of {endpoint.region} failed: {error}") from error
        if answer.status in {_OK, _PRECONDITION_FAILED}:
            return answer.status == _OK
        code = _S3_CODE.search(answer.body)
        name = code[1].decode() if code else ""
        if answer.status == _BAD_REQUEST and name in _REFUSED_STORES:
            raise Impossible(
                f"the storage of {endpoint.region} got other bytes than were announced ({name})",
                "the file was changed while it was sent, or damaged on the way: type the same command again",
            )
        raise RegionFailed(f"the storage of {endpoint.region} answered HTTP {answer.status}{f' {name}' if name else ''}")

    def state(self, endpoint: Endpoint, upload: Receipt) -> Known:
        """Ask a region what it knows of an upload.

        Raises:
            RegionFailed: It does not tell.
            Impossible: The question is wrong.
        """
        path = f"/uploads/{upload.id}"
        headers = {_RECEIPT_HEADER: upload.receipt} if upload.receipt else {}
        answer = self._call(endpoint, "GET", path, headers)
        if answer.status == _BAD_REQUEST and headers:
            # A receipt ends with the secret that signed it; the table may know the upload without one.
            answer = self._call(endpoint, "GET", path, {})
        if answer.status == _NOT_FOUND and _json(answer).get("error") == "NotFound":
            return Known(None, endpoint.region)
        if answer.status != _OK:
            raise self._explain(answer, endpoint)
        held = _json(answer)
        state = _text(held, "state")
        if state == "unknown":
            return Known(None, endpoint.region)
        durable = held.get("durable") is True or state == _DURABLE
        try:
            known = State.ACCEPTED if state == _DURABLE else State(state)
            return Known(known, endpoint.region, str(held.get("reason", "")), durable)
        except ValueError:
            raise RegionFailed(f"{endpoint.region} told a state that this client does not know: {state!r}") from None

    def _call(self, endpoint: Endpoint, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        url = endpoint.url + path
        signed = self._signer.headers(endpoint.region, method, url, headers, body)
        try:
            return self._transport.send(Request(method, url, signed, body, self._api_seconds))
        except Unreachable as error:
            raise RegionFailed(f"the API of {endpoint.region} failed: {error}") from error

    def _explain(self, answer: Answer, endpoint: Endpoint) -> RegionFailed | Impossible:
        try:
            held = _json(answer)
        except RegionFailed:
            held = {}
        said = str(held.get("message", f"HTTP {answer.status}"))
        hint = str(held.get("hint", ""))
        match answer.status:
            case 400 if _problem_fields(held) & {"upload_id"}:
                return Impossible(said, _OLD_OR_EARLY)
            case 400 | 413:
                return Impossible(said, hint or "compare what was sent with the platform's documentation")
            case 409:
                return Impossible(said, f"the file changed after it was first sent; use another receipts file. {hint}")
            case 401 | 403:
                return RegionRefused(f"the API of {endpoint.region} refused: {said}", self._why_refused(answer, endpoint))
            case 404:
                told = f"there is no API at {endpoint.url}: {said}"
                return RegionRefused(
                    told, f"correct the url of {endpoint.region}; the regional stack's ApiEndpoint tells it"
                )
            case _:
                return RegionFailed(f"the API of {endpoint.region} answered HTTP {answer.status}: {said}")

    def _why_refused(self, answer: Answer, endpoint: Endpoint) -> str:
        skew = self._skew(answer)
        if abs(skew) > _SIGNATURE_SECONDS:
            direction = "behind" if skew > 0 else "ahead"
            return (
                f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction}: set it, then type the same command again"
            )
        return (
            "the credentials may be of another account, expired, or lack execute-api:Invoke for this API in "
            f"{endpoint.region}; `aws sts get-caller-identity` tells whose they are"
        )

    def _skew(self, answer: Answer) -> float:
        """Return how many seconds this machine's clock is behind the region's."""
        try:
            return parsedate_to_datetime(answer.headers["date"]).timestamp() - self._clock.now()
        except (KeyError, ValueError):
            return 0.0


_OLD_OR_EARLY: Final = (
    "an upload may be tried for 7 days, by a clock that is right. Type `verify`: it tells whether the file arrived. If it "
    "did not, send it as a new upload, with another receipts file (--receipts)"
)


def _problem_fields(held: Mapping[str, Any]) -> set[object]:
    problems = held.get("problems")
    return {one.get("field") for one in problems if isinstance(one, dict)} if isinstance(problems, list) else set()


def _json(answer: Answer) -> dict[str, Any]:
    try:
        held = json.loads(answer.body)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise RegionFailed(f"the answer (HTTP {answer.status}) is not the platform's")
    return held


def _text(held: Mapping[str, Any], name: str) -> str:
    value = held.get(name)
    if not isinstance(value, str):
        raise RegionFailed(f"the answer holds no {name}")
    return value


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise RegionFailed("the answer holds no headers")
    return {str(name): str(held) for name, held in value.items()}
