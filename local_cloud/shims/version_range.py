"""S3's response to a request for a range of one version of an object.

Faithful: 206 with the bytes of the range, 416 if the version has none of them; ministack returns the whole version.
Different from AWS: like ministack, one range in bytes only.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from ministack.services import s3

_NO_RANGE: Final = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.value


def install() -> None:
    """Cut the version out of each response to a request for a range of it."""
    stock = s3.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        answer = await stock(method, path, headers, body, query)
        status, held, content = answer
        if method != "GET" or status != HTTPStatus.OK or "range" not in headers or "versionId" not in query:
            return answer
        if (found := s3._parse_range(headers["range"], len(content))) is None:
            return s3._error("InvalidRange", "The requested range is not satisfiable", _NO_RANGE, path)
        start, end = found
        part = {"Content-Range": f"bytes {start}-{end}/{len(content)}", "Content-Length": str(end + 1 - start)}
        checksums = {name for name in held if name.lower().startswith("x-amz-checksum-")}  # of the whole version
        kept = {name: value for name, value in held.items() if name not in checksums}
        return HTTPStatus.PARTIAL_CONTENT.value, kept | part, content[start : end + 1]

    s3.handle_request = handle
