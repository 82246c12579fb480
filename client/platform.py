"""The API of one region: request an upload, send the file or its parts, read its state."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from client.clock import Clock
from client.configuration import Endpoint, is_loopback
from client.receipts import Receipt, State
from client.transport import Answer, Readable, Request, Signer, Transport, Unreachable

_RECEIPT_HEADER: Final = "x-upload-receipt"
_IS_JSON: Final = {"content-type": "application/json"}
_SIGNATURE_SECONDS: Final = 300
"""Clock skew in seconds that SigV4 accepts."""
_S3_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")
_REFUSED_STORES: Final = frozenset(
    {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "InvalidDigest"}
)
_DURABLE: Final = "durable"
"""The state that a region of an earlier release answers, which has no separate field `durable`."""


class RegionFailed(Exception):  # noqa: N818 - a state of the region, not a fault of the program
    """Raised when a region fails now; a later try or another region may succeed. The message holds the reason."""


class RegionRefused(RegionFailed):
    """Raised when a region denies this caller. Another region may accept it; if none does, waiting does not help.

    Attributes:
        hint: The next step.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Impossible(Exception):  # noqa: N818 - a property of the request
    """Raised when the request itself is wrong, in any region.

    Attributes:
        hint: The next step.
        is_of_upload_id: Whether the time in the upload id is too old or in the future.
    """

    is_of_upload_id = False

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Grant:
    """A permission to send one file, or one part of it, valid for some minutes."""

    url: str
    """"" for a file that is sent in parts: each has a grant of its own."""
    headers: Mapping[str, str]
    receipt: str


@dataclass(frozen=True)
class Known:
    """State of an upload in one region.

    Attributes:
        state: The state; None if the region does not know the upload.
        region: Name of the region.
        reason: Why the upload is in quarantine.
        durable: Whether the region shows that both regions hold the upload.
        accepted: Number of records in the table, of a processed upload.
        rejected: Number of records that could not be kept.
    """

    state: State | None
    region: str
    reason: str = ""
    durable: bool = False
    accepted: int = 0
    rejected: int = 0


class Platform:
    """Client of the API and the storage of every region.

    Args:
        transport: Sends requests.
        signer: Signs requests to the API.
        clock: Source of the time, for the skew between this machine and a region.
        api_seconds: Seconds that the API may take to answer.
        storage_seconds: Seconds that S3 may take to answer once it has the file.
    """

    def __init__(
        self, transport: Transport, signer: Signer, clock: Clock, *, api_seconds: float, storage_seconds: float
    ) -> None:
        self._transport, self._signer, self._clock = transport, signer, clock
        self._api_seconds, self._storage_seconds = api_seconds, storage_seconds

    def grant(self, endpoint: Endpoint, upload: Receipt, part_size: int = 0) -> Grant:
        """Request a grant to send a file; a request for the same upload may be repeated.

        Args:
            endpoint: The region.
            upload: The upload.
            part_size: Size in bytes of the parts in which the file is sent; 0 for one PUT.

        Raises:
            RegionFailed: The region gave no grant.
            Impossible: No region will give one.
        """
        asked = {
            "key": upload.key,
            "size": upload.size,
            "sha256": upload.sha256,
            "upload_id": upload.upload_id,
            "source": upload.source,
            **({"part_size": part_size} if part_size else {}),
        }
        answer = self._call(endpoint, "POST", "/uploads", _IS_JSON, json.dumps(asked).encode())
        if part_size and answer.status == HTTPStatus.BAD_REQUEST and _problem_fields(_json(answer)) == {"part_size"}:
            return self.grant(endpoint, upload)  # a region of an earlier release
        if answer.status != HTTPStatus.CREATED:
            raise self._explain(answer, endpoint)
        held = _json(answer)
        if (held.get("id"), held.get("upload_id")) != (upload.id, upload.upload_id):
            raise RegionFailed(f"{endpoint.region} returned a grant for another upload ({held.get('id')!r})")
        if part_size:
            return Grant("", {}, _text(held, "receipt"))
        return self._granted(endpoint, held, _text(held, "receipt"))

    def parts(self, endpoint: Endpoint, upload: Receipt, receipt: str, wanted: Mapping[int, str]) -> dict[int, Grant] | None:
        """Request a grant for each part that a region does not hold; return None if it holds the whole file.

        Args:
            endpoint: The region that gave the receipt.
            upload: The upload.
            receipt: The receipt of its grant.
            wanted: SHA-256 by number of the parts, at most 100.

        Raises:
            RegionFailed: The region gave no grants.
            Impossible: No region will give them.
        """
        asked = json.dumps({"parts": [{"number": number, "sha256": sha256} for number, sha256 in wanted.items()]}).encode()
        answer = self._call(endpoint, "POST", f"/uploads/{upload.id}/parts", {_RECEIPT_HEADER: receipt, **_IS_JSON}, asked)
        if answer.status != HTTPStatus.OK:
            raise self._explain(answer, endpoint)
        held = _json(answer)
        if held.get("complete") is True:
            return None
        given = held.get("parts")
        granted = {one["number"]: one for one in given if one.get("number") in wanted} if _are_objects(given) else {}
        if not _are_objects(given) or len(granted) != len(given):
            raise RegionFailed(f"{endpoint.region} returned grants for other parts than asked for")
        return {number: self._granted(endpoint, one, receipt) for number, one in granted.items()}

    def complete(self, endpoint: Endpoint, upload: Receipt, receipt: str, parts: Iterable[str]) -> None:
        """Ask a region to make the object of its parts; the request may be repeated.

        Args:
            endpoint: The region that gave the receipt.
            upload: The upload.
            receipt: The receipt of its grant.
            parts: SHA-256 of all parts, in order.

        Raises:
            RegionFailed: It is not known whether the region has the file, or parts are missing or another client's.
            Impossible: The request is wrong.
        """
        path = f"/uploads/{upload.id}/complete"
        digest = hashlib.sha256(b"".join(map(bytes.fromhex, parts))).hexdigest()
        asked, headers = json.dumps({"parts_sha256": digest}).encode(), {_RECEIPT_HEADER: receipt, **_IS_JSON}
        answer = self._call(endpoint, "POST", path, headers, asked, patience=self._storage_seconds)
        if answer.status == HTTPStatus.CONFLICT:
            raise RegionFailed(f"the API of {endpoint.region} refused: {_json(answer).get('message')}")
        if answer.status != HTTPStatus.OK or _json(answer).get("id") != upload.id:
            raise self._explain(answer, endpoint)

    def _granted(self, endpoint: Endpoint, held: Mapping[str, Any], receipt: str) -> Grant:
        grant = Grant(url=_text(held, "url"), headers=_headers(held.get("headers")), receipt=receipt)
        parts = urlsplit(grant.url)
        if not grant.receipt or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            raise RegionFailed(f"{endpoint.region} returned no receipt, or an address that is not https")
        return grant

    def require_size(self, endpoint: Endpoint, key: str, size: int) -> None:
        """Ask a region whether it takes a file of a size, before the file is read.

        The request has no SHA-256, so that the region issues nothing and answers with each problem that it finds.

        Raises:
            RegionFailed: The region did not answer with its problems.
            Impossible: The file is too large.
        """
        asked = json.dumps({"key": key, "size": size}).encode()
        answer = self._call(endpoint, "POST", "/uploads", _IS_JSON, asked)
        if answer.status != HTTPStatus.BAD_REQUEST:
            raise RegionFailed(f"{endpoint.region} answered HTTP {answer.status} to a request without a SHA-256")
        problem = next((one for one in _problems(_json(answer)) if one.get("field") == "size"), None)
        if problem is not None:
            hint = str(problem.get("hint") or "the platform's settings name the limit")
            raise Impossible(
                f"it has {size} bytes, which is too large", f"{hint}; split it into several files, or compress it"
            )

    def put(self, endpoint: Endpoint, grant: Grant, body: bytes | Readable) -> bool:
        """Send the file; return False if the region had it already.

        Raises:
            RegionFailed: It is not known whether the region has the file.
            Impossible: The bytes differ from the announced ones.
        """
        try:
            answer = self._transport.send(Request("PUT", grant.url, grant.headers, body, self._storage_seconds))
        except Unreachable as error:
            raise RegionFailed(f"the storage of {endpoint.region} failed: {error}") from error
        if answer.status in {HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED}:
            return answer.status == HTTPStatus.OK
        code = _S3_CODE.search(answer.body)
        name = code[1].decode() if code else ""
        if answer.status == HTTPStatus.BAD_REQUEST and name in _REFUSED_STORES:
            raise Impossible(
                f"the storage of {endpoint.region} received other bytes than announced ({name})",
                "the file changed while it was sent, or was damaged in transit: type the same command again",
            )
        raise RegionFailed(f"the storage of {endpoint.region} answered HTTP {answer.status}{f' {name}' if name else ''}")

    def state(self, endpoint: Endpoint, upload: Receipt) -> Known:
        """Ask a region for the state of an upload.

        Raises:
            RegionFailed: The region does not answer with a known state.
            Impossible: The request is wrong.
        """
        path = f"/uploads/{upload.id}"
        headers = {_RECEIPT_HEADER: upload.receipt} if upload.receipt else {}
        answer = self._call(endpoint, "GET", path, headers)
        if answer.status == HTTPStatus.BAD_REQUEST and headers:
            # A receipt expires with the secret that signed it; the table may know the upload without a receipt.
            answer = self._call(endpoint, "GET", path, {})
        if answer.status == HTTPStatus.NOT_FOUND and _json(answer).get("error") == "NotFound":
            return Known(None, endpoint.region)
        if answer.status != HTTPStatus.OK:
            raise self._explain(answer, endpoint)
        held = _json(answer)
        state = _text(held, "state")
        if state == "unknown":
            return Known(None, endpoint.region)
        durable = held.get("durable") is True or state == _DURABLE
        try:
            known = State.ACCEPTED if state == _DURABLE else State(state)
            counts = (_count(held, "accepted"), _count(held, "rejected"))
            return Known(known, endpoint.region, str(held.get("reason", "")), durable, *counts)
        except ValueError:
            raise RegionFailed(f"{endpoint.region} answered a state that this client does not know: {state!r}") from None

    def _call(  # noqa: PLR0913 - the parts of a request
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        patience: float | None = None,
    ) -> Answer:
        url = endpoint.url + path
        signed = self._signer.headers(endpoint.region, method, url, headers, body)
        try:
            return self._transport.send(Request(method, url, signed, body, patience or self._api_seconds))
        except Unreachable as error:
            raise RegionFailed(f"the API of {endpoint.region} failed: {error}") from error

    def _explain(self, answer: Answer, endpoint: Endpoint) -> RegionFailed | Impossible:
        try:
            held = _json(answer)
        except RegionFailed:
            held = {}
        message = str(held.get("message", f"HTTP {answer.status}"))
        hint = str(held.get("hint", ""))
        match answer.status:
            case 400 if _problem_fields(held) & {"upload_id"}:
                impossible = Impossible(message, _OLD_OR_EARLY)
                impossible.is_of_upload_id = True
                return impossible
            case 400 | 413:
                return Impossible(message, hint or "compare the request with the platform's documentation")
            case 409:
                return Impossible(message, f"the file changed after it was first sent; use another receipts file. {hint}")
            case 401 | 403:
                return RegionRefused(f"the API of {endpoint.region} refused: {message}", self._why_refused(answer, endpoint))
            case 404:
                return RegionRefused(
                    f"there is no API at {endpoint.url}: {message}",
                    f"correct the url of {endpoint.region}: write the regional stack's output ApiEndpoint",
                )
            case _:
                return RegionFailed(f"the API of {endpoint.region} answered HTTP {answer.status}: {message}")

    def _why_refused(self, answer: Answer, endpoint: Endpoint) -> str:
        skew = self._skew(answer)
        if abs(skew) > _SIGNATURE_SECONDS:
            direction = "behind" if skew > 0 else "ahead"
            return (
                f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction}: set it, then type the same command again"
            )
        return (
            "the credentials may belong to another account, be expired, or lack execute-api:Invoke for this API in "
            f"{endpoint.region}; `aws sts get-caller-identity` shows whose they are"
        )

    def _skew(self, answer: Answer) -> float:
        """Return how many seconds this machine's clock is behind the region's."""
        try:
            return parsedate_to_datetime(answer.headers["date"]).timestamp() - self._clock.now()
        except (KeyError, ValueError):
            return 0.0


_OLD_OR_EARLY: Final = (
    "an upload may be tried for 7 days, and this machine's clock has to be right. Type `verify` to see whether the file "
    "arrived, and `resume` to send it: it gets a new upload id once both regions answer that they do not know it"
)


def _problem_fields(held: Mapping[str, Any]) -> set[object]:
    return {one.get("field") for one in _problems(held)}


def _problems(held: Mapping[str, Any]) -> list[dict[str, Any]]:
    problems = held.get("problems")
    return [one for one in problems if isinstance(one, dict)] if isinstance(problems, list) else []


def _are_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        held = json.loads(answer.body)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise RegionFailed(f"the answer (HTTP {answer.status}) is not from the platform")
    return held


def _text(held: Mapping[str, Any], name: str) -> str:
    value = held.get(name)
    if not isinstance(value, str):
        raise RegionFailed(f"the answer holds no {name}")
    return value


def _count(held: Mapping[str, Any], name: str) -> int:
    """Return a whole number of an answer; 0 if it has none."""
    value = held.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise RegionFailed("the answer holds no headers")
    return {str(name): str(held) for name, held in value.items()}
