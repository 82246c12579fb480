"""Parse requests: each function returns a typed value, or raises one error that lists every problem."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from handlers.issuer.callers import DEFAULT_SOURCE
from handlers.issuer.errors import Problem, RequestError, invalid_request
from handlers.issuer.upload_id import UploadIdError, new_upload_id, parse_upload_id
from handlers.shared.object_keys import Upload

MAXIMUM_OBJECT_KEY_BYTES: Final = 1024
"""S3's limit, in UTF-8."""
MAXIMUM_FILE_KEY_BYTES: Final = 2048
"""DynamoDB's limit of an index's partition key, in UTF-8
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""
DEFAULT_PAGE: Final = 20
MAXIMUM_PAGE: Final = 100

_LONGEST_NAME: Final = 80
_UNREADABLE: Final = 10**30
_EXAMPLE_OF_PARTS: Final = '{"parts": [{"number": 1, "sha256": "<64 hexadecimal digits>"}]}'
_EXAMPLE_OF_COMPLETION: Final = '{"parts_sha256": "<64 hexadecimal digits>"}'
_EXAMPLE: Final = '{"key": "reports/2026/january.csv", "size": 1048576, "sha256": "<64 hexadecimal digits>"}'
FIELDS: Final = ("key", "size", "sha256", "upload_id", "source", "part_size")
LARGEST_PUT_BYTES: Final = 5 << 30
MINIMUM_PART_BYTES: Final = 5 << 20
MAXIMUM_PART_BYTES: Final = 5 << 30
MAXIMUM_PARTS: Final = 10_000
"""S3's limits of one PUT and of a multipart upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
SHA256: Final = re.compile(r"[0-9a-f]{64}")
SOURCE: Final = re.compile(r"[a-z0-9-]{1,32}")
EXCLUDED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that no key holds: control characters, and two that XML lacks, in which S3 answers multipart requests
(https://www.w3.org/TR/xml/#charsets)."""
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_PAGE_TOKEN: Final = re.compile(r"[0-9T:.Z-]{20,32}#[0-9a-f]{64}")


@dataclass(frozen=True)
class UploadRequest:
    """A valid body of `POST /uploads`."""

    upload: Upload
    size: int
    """Bytes."""
    part_size: int = 0
    """Bytes of each part but the last; 0 for one PUT."""


@dataclass(frozen=True)
class Part:
    """A part of a multipart upload, as a client announces it."""

    number: int
    """From 1."""
    sha256: str


@dataclass(frozen=True)
class FilesRequest:
    """A valid query of `GET /files`."""

    file_key: str
    limit: int
    before: str | None
    """The `file_order` at the end of the page before this one."""


def parse_upload(
    body: str | None, *, is_base64: bool, maximum_bytes: int, now: float, default_source: str = DEFAULT_SOURCE
) -> UploadRequest:
    """Parse the body of `POST /uploads`.

    Args:
        body: The body from API Gateway.
        is_base64: Whether the body is base64.
        maximum_bytes: Size of the largest object that is accepted.
        now: Epoch seconds.
        default_source: The source of an upload that names none.

    Raises:
        RequestError: 400, with every problem.
    """
    fields = _json_object(body, is_base64=is_base64)
    problems = [
        Problem(name[:_LONGEST_NAME], "there is no such field", f"the fields are {', '.join(FIELDS)}")
        for name in fields
        if name not in FIELDS
    ]
    source = _source(fields.get("source", default_source), problems)
    upload_id = _upload_id(fields.get("upload_id"), now, problems)
    content_sha256 = _sha256(fields.get("sha256"), problems)
    size = _size(fields.get("size"), maximum_bytes, problems)
    upload = Upload(
        source=source,
        upload_id=upload_id,
        content_sha256=content_sha256,
        file_key=_file_key(fields.get("key"), problems),
    )
    _fits(upload, problems)
    part_size = _part_size(fields.get("part_size"), size, problems)
    if problems:
        raise invalid_request(problems)
    return UploadRequest(upload=upload, size=size, part_size=part_size)


def parse_parts(body: str | None, *, is_base64: bool, parts: int) -> list[Part]:
    """Parse the body of `POST /uploads/{id}/parts`.

    Args:
        body: The body from API Gateway.
        is_base64: Whether the body is base64.
        parts: Number of parts of the upload.

    Raises:
        RequestError: 400, with every problem.
    """
    fields = _json_object(body, is_base64=is_base64, example=_EXAMPLE_OF_PARTS)
    given = fields.get("parts")
    if fields.keys() != {"parts"} or not isinstance(given, list) or not 1 <= len(given) <= MAXIMUM_PAGE:
        hint = f"send one list of 1 to {MAXIMUM_PAGE} parts and no other field, as in {_EXAMPLE_OF_PARTS}"
        raise invalid_request([Problem("parts", "is missing, too long, or not the only field", hint)])
    problems: list[Problem] = []
    found = [_part(one, parts, problems) for one in given]
    if not problems and len({one.number for one in found}) < len(found):
        problems.append(Problem("parts", "names a number twice", "send each part once"))
    if problems:
        raise invalid_request(problems)
    return found


def parse_completion(body: str | None, *, is_base64: bool) -> str:
    """Return `parts_sha256` of the body of `POST /uploads/{id}/complete`.

    Args:
        body: The body from API Gateway.
        is_base64: Whether the body is base64.

    Raises:
        RequestError: 400.
    """
    fields = _json_object(body, is_base64=is_base64, example=_EXAMPLE_OF_COMPLETION)
    digest = fields.get("parts_sha256")
    if fields.keys() != {"parts_sha256"} or not isinstance(digest, str) or not SHA256.fullmatch(digest.lower()):
        hint = f"send the SHA-256 of the SHA-256 of all parts in order, as bytes, and nothing else: {_EXAMPLE_OF_COMPLETION}"
        raise invalid_request([Problem("parts_sha256", "is missing, malformed, or not the only field", hint)])
    return digest.lower()


def require_recent(upload_id: str, now: float) -> None:
    """Refuse an upload id that is no longer valid: its claim must outlive everything that is sent under it.

    Raises:
        RequestError: 400.
    """
    problems: list[Problem] = []
    _upload_id(upload_id, now, problems)
    if problems:
        raise invalid_request(problems)


def parse_files(query: Mapping[str, str]) -> FilesRequest:
    """Parse the query of `GET /files`.

    Raises:
        RequestError: 400, with every problem.
    """
    problems = [
        Problem(name[:_LONGEST_NAME], "there is no such parameter", "the parameters are key, limit, next")
        for name in query
        if name not in ("key", "limit", "next")
    ]
    file_key = query.get("key", "")
    if not file_key:
        problems.append(Problem("key", "is missing", "ask for a file by its key: GET /files?key=reports/january.csv"))
    elif _SURROGATE.search(file_key):
        problems.append(Problem("key", "holds half of a surrogate pair, which no encoding has", "send valid UTF-8"))
    elif (length := len(file_key.encode())) > MAXIMUM_FILE_KEY_BYTES:
        hint = f"send at most {MAXIMUM_FILE_KEY_BYTES}; no file has a longer key"
        problems.append(Problem("key", f"takes {length} bytes in UTF-8", hint))
    limit = _limit(query.get("limit", str(DEFAULT_PAGE)), problems)
    before = _page(query.get("next"), problems)
    if problems:
        raise invalid_request(problems)
    return FilesRequest(file_key=file_key, limit=limit, before=before)


def parse_object_id(text: str) -> str:
    """Parse the id of `GET /uploads/{id}`.

    Raises:
        RequestError: 400; the text is not an id.
    """
    object_id = text.lower()
    if not SHA256.fullmatch(object_id):
        raise invalid_request(
            [
                Problem(
                    "id",
                    f"{text[:80]!r} is not 64 hexadecimal digits",
                    "send the `id` from the answer of POST /uploads (not its `upload_id`); for a file that was uploaded "
                    "to the bucket directly, find its id with GET /files?key=<key>",
                )
            ]
        )
    return object_id


def page_token(file_order: str) -> str:
    """Return the `next` of the page that begins after a `file_order`."""
    return base64.urlsafe_b64encode(file_order.encode()).decode().rstrip("=")


def _json_object(body: str | None, *, is_base64: bool, example: str = _EXAMPLE) -> dict[str, Any]:
    hint = f"send one JSON object, as in {example}"
    if not body:
        raise RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", "the body is empty", hint)
    try:
        text = base64.b64decode(body, validate=True).decode() if is_base64 else body
        fields = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", f"the body is not JSON: {reason}", hint) from error
    if not isinstance(fields, dict):
        raise RequestError(HTTPStatus.BAD_REQUEST, "InvalidRequest", f"the body is JSON, but {_kind(fields)}", hint)
    return fields


def _file_key(value: object, problems: list[Problem]) -> str:
    hint = "send the path by which you will ask for the file, as in reports/2026/january.csv"
    if not isinstance(value, str) or not value:
        problems.append(Problem("key", "is missing" if value is None else f"is {_kind(value)}", hint))
        return ""
    wrongs = (
        (value.startswith("/"), "starts with a slash"),
        (EXCLUDED.search(value), "holds a control character, U+FFFE or U+FFFF"),
        (_SURROGATE.search(value), "holds half of a surrogate pair, which no encoding has"),
        # HTTP clients resolve such a segment before they send, and the signature would not match any more.
        ({".", ".."} & set(value.split("/")), "has a segment that is '.' or '..'"),
    )
    problems.extend(Problem("key", message, hint) for wrong, message in wrongs if wrong)
    return value


def _fits(upload: Upload, problems: list[Problem]) -> None:
    if _SURROGATE.search(upload.file_key):
        return  # reported already; the text has no length in UTF-8
    excess = len(upload.object_key.encode()) - MAXIMUM_OBJECT_KEY_BYTES
    if excess > 0:
        length = len(upload.file_key.encode())
        problems.append(
            Problem(
                "key",
                f"takes {length} bytes in UTF-8, {excess} too many",
                f"send {length - excess} or fewer: the identity takes the rest of S3's {MAXIMUM_OBJECT_KEY_BYTES}",
            )
        )


def _size(value: object, maximum_bytes: int, problems: list[Problem]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= maximum_bytes:
        return value
    message = "is missing" if value is None else f"is {_kind(value)}"
    hint = f"send the file's length in bytes, a whole number from 1 to {maximum_bytes}"
    problems.append(Problem("size", message, hint))
    return 1


def _part_size(value: object, size: int, problems: list[Problem]) -> int:
    if value is None:
        if size > LARGEST_PUT_BYTES:
            hint = f"send the length of the parts, {MINIMUM_PART_BYTES} or more, to upload the file in parts"
            problems.append(Problem("part_size", f"is missing: S3 takes {LARGEST_PUT_BYTES} bytes in one PUT at most", hint))
        return 0
    least = max(MINIMUM_PART_BYTES, -(-size // MAXIMUM_PARTS))
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAXIMUM_PART_BYTES:
        return value
    hint = f"send a whole number from {least} to {MAXIMUM_PART_BYTES}, or leave it out to send the file by one PUT"
    problems.append(Problem("part_size", f"is {_kind(value)}", hint))
    return 0


def _part(value: object, parts: int, problems: list[Problem]) -> Part:
    fields = value if isinstance(value, dict) and value.keys() == {"number", "sha256"} else {}
    number = fields.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= parts:
        hint = f"send {{number, sha256}} for each part, with a number from 1 to {parts}"
        problems.append(Problem("parts", f"holds {_kind(number if fields else value)}", hint))
        number = 1
    return Part(number, _sha256(fields.get("sha256"), problems))


def _sha256(value: object, problems: list[Problem]) -> str:
    digest = value.lower() if isinstance(value, str) else ""
    if not SHA256.fullmatch(digest):
        message = "is missing" if value is None else f"is {_kind(value)}"
        hint = "send the SHA-256 of the file's bytes in 64 hexadecimal digits, as `sha256sum FILE` prints it"
        problems.append(Problem("sha256", message, hint))
        return "0" * 64
    return digest


def _upload_id(value: object, now: float, problems: list[Problem]) -> str:
    upload_id = new_upload_id(now)
    if value is None:
        return upload_id
    try:
        if not isinstance(value, str):
            raise UploadIdError(f"is {_kind(value)}")  # noqa: TRY301 - one handler reports every problem of the id
        return parse_upload_id(value, now)
    except UploadIdError as error:
        hint = f"send a UUIDv7 of the last 7 days, as in {upload_id}, or leave it out and keep the one in the answer"
        problems.append(Problem("upload_id", str(error), hint))
        return upload_id


def _source(value: object, problems: list[Problem]) -> str:
    if isinstance(value, str) and SOURCE.fullmatch(value):
        return value
    hint = f"send 1 to 32 of a-z, 0-9 and hyphen, or leave it out for {DEFAULT_SOURCE!r}"
    problems.append(Problem("source", f"is {_kind(value)}", hint))
    return DEFAULT_SOURCE


def _limit(value: str, problems: list[Problem]) -> int:
    if value.isascii() and value.isdigit() and len(value) < len(str(MAXIMUM_PAGE)) + 1 and 1 <= int(value) <= MAXIMUM_PAGE:
        return int(value)
    problems.append(Problem("limit", f"is {value[:80]!r}", f"send a whole number from 1 to {MAXIMUM_PAGE}"))
    return DEFAULT_PAGE


def _page(value: str | None, problems: list[Problem]) -> str | None:
    if value is None:
        return None
    try:
        before = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        before = ""
    if not _PAGE_TOKEN.fullmatch(before):
        problems.append(Problem("next", "is not a page's `next`", "send the `next` of the page before, unchanged"))
    return before


def _kind(value: object) -> str:
    """Return a short description of any JSON value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f"the text {value[:80]!a}" if value else "an empty text"
    if isinstance(value, int) and abs(value) >= _UNREADABLE:
        return "a number of more than 30 digits"
    if isinstance(value, int | float):
        return f"the number {value!s}"
    return "a list" if isinstance(value, list) else "an object"
