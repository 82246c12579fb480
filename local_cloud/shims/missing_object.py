"""S3's response to a request for a missing object or version.

Faithful: 404 to callers that may list the bucket, 403 to all others; a permission to list only a prefix does not count,
because the request has no `s3:prefix`.
Different from AWS: the account's root is never denied.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from ministack import app
from ministack.services import s3

from local_cloud.shims import _permissions

_MISSING: Final = (b"<Code>NoSuchKey</Code>", b"<Code>NoSuchVersion</Code>")
_LIST: Final = "s3:ListBucket"


def install() -> None:
    """Check each response for a missing object."""
    stock = s3.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        answer = await stock(method, path, headers, body, query)
        denial = _denied(path, headers, query) if _says_missing(method, answer) else None
        if denial is None:
            return answer
        status, its_headers, its_body = s3._error("AccessDenied", denial, HTTPStatus.FORBIDDEN.value)
        return status, its_headers, b"" if method == "HEAD" else its_body

    s3.handle_request = handle


def _says_missing(method: str, answer: Any) -> bool:  # noqa: ANN401  ministack's status, headers and body
    status, _, body = answer
    if status != HTTPStatus.NOT_FOUND:
        return False
    return method == "HEAD" or (method == "GET" and any(code in body for code in _MISSING))


def _denied(path: str, headers: dict[str, str], query: Any) -> str | None:  # noqa: ANN401  parsed query parameters
    """Return AWS's message if the caller may not learn whether an object exists; None if it may."""
    bucket, _, name = path.lstrip("/").partition("/")
    record = s3._buckets.get(bucket)
    principal = _permissions.of_access_key(app.extract_access_key_id(headers, query) or "")
    if record is None or not name or principal is None:
        return None
    arn = f"arn:aws:s3:::{bucket}"
    if _permissions.may(principal, _LIST, arn, region=record["region"]):
        return None
    return f"User: {principal.arn} is not authorized to perform: {_LIST} on resource: {arn}"
