"""Admit only requests of programs that know the run's secret, which only this user can read.

A web page in the user's own browser can send requests to loopback, and so can every other user of the machine. The server
answers 403 with a reason to a page's requests (`Origin`, `Sec-Fetch-Site`), to a `Host` of another server (DNS rebinding),
to requests without a signature, to root's requests with a wrong one, to ministack's own administration, and to control
commands without the secret. ministack verifies the requests of roles and users.

As on AWS, the routes of an HTTP API, which have their own authorizers, and a custom resource's response URL need no
signature. A presigned URL carries its signature in the query.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.core import lambda_runtime
from ministack.core.iam_evaluator import find_iam_access_key_account, is_root_access_key
from ministack.core.router import extract_access_key_id
from ministack.core.sigv4 import (
    decode_header_value,
    header_signature_failure,
    parse_header_signature,
    parse_query_signature,
    presigned_request_is_expired,
    request_time_failure,
)
from ministack.services import sts

from local_cloud.browsers import has_token, of_a_page
from local_cloud.server_process import TOKEN_HEADER

CONTROL_PREFIX: Final = "/_local_cloud/"
_RESPONSE_URL: Final = "/_ministack/cfn-response/"
_CLOSED: Final = re.compile(r"/health|/(_ministack|_localstack)(/.*)?", re.DOTALL)
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_LOOPBACK: Final = re.compile(r"((\d{12}\.)?127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII)
"""Hosts of this server. S3 Control's clients put the account first. A browser cannot: it takes such a name for an IPv4
address."""
_AWS_NAME: Final = re.compile(
    r"([a-z0-9][a-z0-9.-]*\.)?(execute-api|s3)([.-][a-z]{2}(-[a-z]+)+-\d)?\.amazonaws\.com(\.cn)?(:\d{1,5})?", re.ASCII
)
Failure = tuple[str, str]
"""AWS's error code, and its message."""
_BODY_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def install() -> None:
    """Make the keys of functions' roles secret, because ministack derives them from the function's ARN, which is public."""
    salt = secrets.token_bytes(32)
    lambda_runtime.hashlib = SimpleNamespace(sha256=lambda data: hashlib.sha256(salt + data))


@dataclass(frozen=True)
class Refusal:
    """The reason for a refused request.

    Attributes:
        message: The body of the response.
        code: AWS's error code.
        service: The service whose protocol the error uses, by the signature's scope; empty if there is none.
    """

    message: str
    code: str = "AccessDenied"
    service: str = ""


class Admission:
    """Checks each request before any other code sees it; `secret` is root's key and the control commands' token."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def refusal(self, scope: Any, body: bytes) -> Refusal | None:  # noqa: ANN401  ASGI's shape
        """Return the reason to refuse a request; None if it is admitted."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), decode_header_value(value)
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        path = scope["path"]
        reason = of_a_page(headers) or _of_another_host(headers, path)
        if reason:
            return Refusal(reason)
        if path.startswith(CONTROL_PREFIX):
            return self._without_token(headers)
        return self._of_a_stranger(scope, headers, body)

    def _without_token(self, headers: dict[str, str]) -> Refusal | None:
        if has_token(headers, self._secret):
            return None
        return Refusal(f"A control command needs the header {TOKEN_HEADER} with the run's AWS_SECRET_ACCESS_KEY.")

    def _of_a_stranger(self, scope: Any, headers: dict[str, str], body: bytes) -> Refusal | None:  # noqa: ANN401  ASGI's shape
        path, method = scope["path"], scope["method"]
        if path.startswith(_RESPONSE_URL):
            return None if method == "PUT" else Refusal(f"{method} {path} is not served; PUT is.")
        if _CLOSED.fullmatch(path):
            return Refusal(f"{path} is ministack's own and closed here. Use {CONTROL_PREFIX}health.")
        query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
        authorization = headers.get("authorization", "")
        is_signed = authorization.startswith("AWS") or any(name.lower() in _QUERY_CREDENTIALS for name in query)
        if not is_signed:
            is_open = _is_of_an_api(headers["host"], path)
            return None if is_open else Refusal(f"{method} {path} is not signed; sign it by {_ALGORITHM}.")
        return self._wrong_signature(scope, headers, query, body)

    def _wrong_signature(
        self,
        scope: Any,  # noqa: ANN401  ASGI's shape
        headers: dict[str, str],
        query: dict[str, list[str]],
        body: bytes,
    ) -> Refusal | None:
        in_header = headers.get("authorization", "").startswith(f"{_ALGORITHM} ")
        in_query = query.get("X-Amz-Algorithm") == [_ALGORITHM]
        if in_header == in_query or (in_header and any(name.lower() in _QUERY_CREDENTIALS for name in query)):
            return Refusal(
                f"The request must carry one signature, by {_ALGORITHM}: in its Authorization header or its query."
            )
        signature = parse_header_signature(headers) if in_header else parse_query_signature(query)
        if isinstance(signature, tuple):
            return Refusal(signature[1])
        if signature.access_key_id != extract_access_key_id(headers, query):
            return Refusal("The request names several access keys.")
        wrong = _wrong_key(signature.access_key_id)
        if wrong is None and is_root_access_key(signature.access_key_id):
            late = request_time_failure(signature) if in_header else _expired(signature.amz_date, query)
            raw_path = scope["raw_path"].decode("latin-1")
            wrong = (
                late
                or _other_body(headers, body)
                or header_signature_failure(
                    signature, self._secret, scope["method"], raw_path, query, headers, body, presigned=in_query
                )
            )
        return Refusal(wrong[1], wrong[0], signature.service) if wrong else None


_QUERY_CREDENTIALS: Final = frozenset({"x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid"})


def _of_another_host(headers: dict[str, str], path: str) -> str:
    host = headers.get("host", "").lower()
    if _LOOPBACK.fullmatch(host) or _AWS_NAME.fullmatch(host):
        return ""
    if host and ministack_app._resolve_custom_domain_request(host, path) is not None:
        return ""
    return f"Host {host!r} is not served: 127.0.0.1, localhost, AWS's names of S3 and of HTTP APIs, and API domains are."


def _is_of_an_api(host: str, path: str) -> bool:
    """Return whether a request is for a route of an API, which may be public."""
    parsed = ministack_app._parse_execute_api_url(host, path)
    return parsed is not None or ministack_app._resolve_custom_domain_request(host, path) is not None


def _wrong_key(key: str) -> Failure | None:
    """Return the fault of an access key; ministack verifies the signatures of the keys that it has issued."""
    is_given_out = not is_root_access_key(key) and (key in sts._sessions or find_iam_access_key_account(key) is not None)
    if is_given_out or _ACCOUNT.fullmatch(key):
        return None
    return "InvalidClientTokenId", f"The access key {key} is unknown here; root's is the account, twelve digits."


def _other_body(headers: dict[str, str], body: bytes) -> Failure | None:
    promised = headers.get("x-amz-content-sha256", "")
    if _BODY_HASH.fullmatch(promised) is None or promised == hashlib.sha256(body).hexdigest():
        return None
    return "XAmzContentSHA256Mismatch", "The body does not match the request's x-amz-content-sha256."


def _expired(signed_at: str, query: dict[str, list[str]]) -> Failure | None:
    try:
        is_expired = presigned_request_is_expired(signed_at, query.get("X-Amz-Expires", ["0"])[0])
    except ValueError:
        is_expired = True
    return ("AccessDenied", "The presigned request has expired.") if is_expired else None
