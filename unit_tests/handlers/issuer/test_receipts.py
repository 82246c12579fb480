"""Test receipts, which read back if they are signed, and upload ids, which are UUIDv7 of a recent time."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.issuer.upload_id import UploadIdError, new_upload_id, parse_upload_id
from handlers.shared import receipts, timestamps
from handlers.shared.object_keys import Upload
from handlers.shared.receipts import Receipt, ReceiptError, SigningKey, SigningSecretError

NEW, OLD = SigningKey("v2", "n" * 44), SigningKey("v1", "o" * 44)
UPLOAD = Upload(source="default", upload_id="u", content_sha256="ab" * 32, file_key="a/é.csv")
RECEIPT = Receipt(upload=UPLOAD, size=10, region="us-east-1", issued_at=1_772_323_200)


@pytest.mark.property
@given(
    st.builds(
        Receipt,
        upload=st.builds(Upload, source=st.text(), upload_id=st.text(), content_sha256=st.text(), file_key=st.text()),
        size=st.integers(1, 10**12),
        region=st.sampled_from(["us-east-1", "us-west-2"]),
        issued_at=st.integers(0, 1_772_323_200),
        part_size=st.integers(0, 5 << 30),
    )
)
def test_receipt_reads_back(receipt: Receipt) -> None:
    assert receipts.verify(receipts.sign(receipt, NEW), [NEW]) == receipt


@pytest.mark.property
@given(st.integers(1, 100), st.integers(1, 1000))
def test_parts_of_a_receipt_add_up_to_its_size(part_size: int, size: int) -> None:
    receipt = replace(RECEIPT, size=size, part_size=part_size)
    lengths = [receipt.bytes_of(number) for number in range(1, receipt.parts + 1)]
    assert sum(lengths) == size
    assert set(lengths[:-1]) <= {part_size}
    assert 1 <= lengths[-1] <= part_size


def test_receipt_names_the_signing_version_and_the_object() -> None:
    token = receipts.sign(RECEIPT, NEW)
    assert receipts.key_version(token) == "v2"
    claims = jwt.decode(token, NEW.key, algorithms=["HS256"])
    assert claims["object_id"] == UPLOAD.object_id
    assert (claims["key"], claims["size"], claims["sha256"]) == ("a/é.csv", 10, "ab" * 32)


def test_previous_version_verifies_and_older_ones_do_not() -> None:
    assert receipts.verify(receipts.sign(RECEIPT, OLD), [NEW, OLD]) == RECEIPT
    with pytest.raises(ReceiptError, match="no longer known"):
        receipts.verify(receipts.sign(RECEIPT, SigningKey("v0", "z" * 44)), [NEW, OLD])


@pytest.mark.property
@given(st.data())
def test_changed_receipt_is_refused(data: st.DataObject) -> None:
    token = receipts.sign(RECEIPT, NEW)
    # The last character of a base64 text may hold bits that decode to nothing; every other one counts.
    ends = [len(part) for part in token.split(".")]
    loose = {ends[0] - 1, ends[0] + 1 + ends[1] - 1, len(token) - 1}
    at = data.draw(st.sampled_from([each for each in range(len(token)) if each not in loose]))
    other = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda each: each != token[at]))
    with pytest.raises(ReceiptError):
        receipts.verify(token[:at] + other + token[at + 1 :], [NEW, OLD])


def test_receipt_without_a_signature_is_refused() -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    payload = receipts.sign(RECEIPT, NEW).split(".")[1]
    with pytest.raises(ReceiptError):
        receipts.verify(f"{header}.{payload}.", [NEW])


@pytest.mark.parametrize(("issuer", "algorithm"), [("somebody", "HS256"), (receipts.ISSUER, "HS512")])
def test_foreign_issuer_or_algorithm_is_refused(issuer: str, algorithm: str) -> None:
    claims = jwt.decode(receipts.sign(RECEIPT, NEW), options={"verify_signature": False})
    key = SigningKey("v", "n" * 64)
    assert receipts.verify(jwt.encode(claims, key.key, algorithm="HS256"), [key]) == RECEIPT
    with pytest.raises(ReceiptError):
        receipts.verify(jwt.encode({**claims, "iss": issuer}, key.key, algorithm=algorithm), [key])


def test_foreign_token_signed_with_the_key_is_refused() -> None:
    other = jwt.encode({"iss": receipts.ISSUER, "iat": 1}, NEW.key, algorithm="HS256")
    with pytest.raises(ReceiptError, match="claims are missing"):
        receipts.verify(other, [NEW])


@pytest.mark.property
@given(st.text())
def test_arbitrary_text_is_refused(text: str) -> None:
    assert receipts.key_version(text) is None
    with pytest.raises(ReceiptError):
        receipts.verify(text, [NEW, OLD])


def test_new_secret_is_32_random_bytes_that_can_sign() -> None:
    first, second = receipts.new_secret_string(), receipts.new_secret_string()
    assert first != second
    assert len(base64.b64decode(json.loads(first)["key"], validate=True)) == 32
    key = SigningKey.parse("v", first)
    assert receipts.verify(receipts.sign(RECEIPT, key), [key]) == RECEIPT


@pytest.mark.parametrize("value", ["", "hunter2", "[]", "{}", '{"key": 7}', '{"key": "hunter2"}', '{"other": "x"}'])
def test_secret_that_cannot_sign_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(SigningSecretError) as caught:
        SigningKey.parse("v9", value)
    assert "v9" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_key_is_not_shown() -> None:
    assert NEW.key not in repr(NEW)


NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.mark.property
@given(st.floats(min_value=0, max_value=4e9))
def test_new_id_is_a_uuid7_of_its_time(now: float) -> None:
    upload_id = new_upload_id(now)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", upload_id)
    made = timestamps.of_upload(upload_id)
    assert made is not None
    assert abs(datetime.fromisoformat(made) - datetime.fromtimestamp(now, UTC)) <= timedelta(milliseconds=1)


def test_ids_of_one_moment_differ_in_all_their_random_bits() -> None:
    ids = [int(new_upload_id(NOW).replace("-", ""), 16) for _ in range(200)]
    seen_set = 0
    seen_clear = 0
    for number in ids:
        seen_set |= number
        seen_clear |= ~number
    free = seen_set & seen_clear & (1 << 80) - 1
    assert len(set(ids)) == 200
    assert free.bit_count() == 74


@pytest.mark.property
@given(age=st.floats(min_value=-300 + 0.01, max_value=7 * 86400 - 0.01), upper=st.booleans())
def test_recent_id_is_accepted_in_either_case(*, age: float, upper: bool) -> None:
    upload_id = new_upload_id(NOW - age)
    assert parse_upload_id(upload_id.upper() if upper else upload_id, NOW) == upload_id


@pytest.mark.parametrize(
    ("age", "message"),
    [
        (7 * 86400 + 1, "7.0 days ago"),
        (30 * 86400, "30.0 days ago"),
        (-301, "5.0 minutes in the future"),
        (-86400 * 3e6, "in the future"),
    ],
)
def test_id_of_another_time_is_refused_with_its_age(age: float, message: str) -> None:
    with pytest.raises(UploadIdError, match=message):
        parse_upload_id(new_upload_id(NOW - age), NOW)


@pytest.mark.property
@given(st.text() | st.uuids(version=4).map(str) | st.uuids().map(lambda each: f"{{{each}}}"))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UploadIdError, match="is not a UUIDv7"):
        parse_upload_id(text, NOW)
