"""Test presigned PUTs with an independent implementation of SigV4 in place of S3."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.issuer.presign import PresignedPut, Presigner, regional_s3_client
from handlers.issuer.validation import Part
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt
from unit_tests.fixtures.examples import examples

SECRET = "made-up"
KEY_ARN = "arn:aws:kms:us-west-2:000000000000:key/00000000-0000-0000-0000-000000000000"
BUCKET = "serverless-ingest-prod-000000000000-us-west-2-an"
NOW = 1_772_323_200.0


@pytest.fixture(autouse=True, scope="module")
def credentials() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_SESSION_TOKEN", "session")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield


UPLOAD = Upload(source="default", upload_id="u", content_sha256="ab" * 32, file_key="a.csv")


def presigner(region: str = "us-west-2", endpoint: str | None = None) -> Presigner:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        if endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
        client = regional_s3_client(region)
    return Presigner(s3=client, bucket=BUCKET, key_arn=KEY_ARN, expiry_seconds=900)


def presign(file_key: str = "a.csv", *, region: str = "us-west-2", endpoint: str | None = None) -> PresignedPut:
    return presigner(region, endpoint).presign(replace(UPLOAD, file_key=file_key), 10, NOW)


def accepts(url: str, sent: Mapping[str, str]) -> bool:
    """Return whether S3 would accept the signature of a PUT with these headers."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    signature = query.pop("X-Amz-Signature")
    headers = {"host": parts.netloc, **{name.lower(): value for name, value in sent.items()}}
    signed = query["X-Amz-SignedHeaders"].split(";")
    # A rule of S3: every x-amz- header of the request must be signed.
    if any(name.startswith("x-amz-") and name not in signed for name in headers):
        return False
    canonical = "\n".join(
        [
            "PUT",
            parts.path,
            "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())),
            *(f"{name}:{headers.get(name, '')}" for name in signed),
            "",
            ";".join(signed),
            "UNSIGNED-PAYLOAD",
        ]
    )
    _, scope = query["X-Amz-Credential"].split("/", 1)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.compare_digest(hmac.new(key, to_sign.encode(), "sha256").hexdigest(), signature)


def test_listed_headers_are_exactly_the_signed_ones() -> None:
    put = presign()
    signed = dict(parse_qsl(urlsplit(put.url).query))["X-Amz-SignedHeaders"].split(";")
    assert {name.lower() for name in put.headers} == set(signed) - {"host"}
    assert {"content-length", "if-none-match", "x-amz-checksum-sha256"} < set(signed)
    assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert put.headers["x-amz-server-side-encryption-aws-kms-key-id"] == KEY_ARN
    assert put.headers["If-None-Match"] == "*"
    assert put.expires_at == "2026-03-01T00:15:00.000Z"


@pytest.mark.property
@settings(max_examples=examples(40))
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_s3_accepts_the_put_as_listed_whatever_the_key_holds(file_key: str) -> None:
    put = presign(file_key)
    assert accepts(put.url, put.headers)
    assert unquote(urlsplit(put.url).path) == f"/incoming/uploads/default/u/{'ab' * 32}/{file_key}"


@pytest.mark.parametrize(
    "header",
    [
        "Content-Length",
        "If-None-Match",
        "x-amz-checksum-sha256",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ],
)
def test_s3_refuses_a_put_that_changes_or_leaves_out_a_header(header: str) -> None:
    put = presign()
    assert header in put.headers
    assert not accepts(put.url, {**put.headers, header: "1" + put.headers[header]})
    assert not accepts(put.url, {name: value for name, value in put.headers.items() if name != header})


def test_s3_refuses_a_part_with_another_length_checksum_number_or_upload() -> None:
    receipt = Receipt(UPLOAD, size=10, region="us-west-2", issued_at=int(NOW), part_size=6)
    put = presigner().presign_part(receipt, "multipart", Part(2, "cd" * 32), NOW)
    checksum = base64.b64encode(bytes.fromhex("cd" * 32)).decode()
    assert put.headers == {"Content-Length": "4", "x-amz-checksum-sha256": checksum}
    assert accepts(put.url, put.headers)
    for name, value in put.headers.items():
        assert not accepts(put.url, {**put.headers, name: "1" + value})
        assert not accepts(put.url, {**put.headers, name: ""})
    for old, new in (("partNumber=2", "partNumber=1"), ("uploadId=multipart", "uploadId=other"), ("a.csv", "b.csv")):
        assert old in put.url
        assert not accepts(put.url.replace(old, new), put.headers)


def test_s3_refuses_a_put_to_another_key_or_with_an_unsigned_setting() -> None:
    put = presign()
    assert not accepts(put.url.replace("a.csv", "b.csv"), put.headers)
    assert not accepts(put.url, {**put.headers, "x-amz-acl": "public-read"})


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_url_names_the_regions_own_endpoint(region: str) -> None:
    parts = urlsplit(presign(region=region).url)
    assert (parts.scheme, parts.netloc) == ("https", f"{BUCKET}.s3.{region}.amazonaws.com")
    assert f"/{region}/s3/aws4_request" in dict(parse_qsl(parts.query))["X-Amz-Credential"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566"])
def test_local_endpoint_has_the_bucket_in_the_path(endpoint: str) -> None:
    url = presign(endpoint=endpoint).url
    assert url.startswith(f"{endpoint}/{BUCKET}/incoming/uploads/")
    assert accepts(url, presign(endpoint=endpoint).headers)
