"""Test requests: any input is parsed, or refused with an error that has a hint."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.issuer import validation
from handlers.issuer.errors import RequestError
from handlers.issuer.upload_id import new_upload_id
from handlers.issuer.validation import UploadRequest

NOW = 1_772_323_200.0
MAXIMUM_BYTES = 5_000_000
GOOD: dict[str, Any] = {"key": "reports/january.csv", "size": 10, "sha256": "ab" * 32}

characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
segments = st.text(characters.filter(lambda each: each != "/"), min_size=1).filter(lambda each: each not in (".", ".."))
keys = st.lists(segments, min_size=1, max_size=5).map("/".join).filter(lambda key: len(key.encode()) <= 840)
good_bodies = st.fixed_dictionaries(
    {
        "key": keys,
        "size": st.integers(1, MAXIMUM_BYTES),
        "sha256": st.binary(min_size=32, max_size=32).map(bytes.hex),
    },
    optional={
        "source": st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True),
        "upload_id": st.floats(-200, 6 * 86400).map(lambda age: new_upload_id(NOW - age)),
    },
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
bodies_of_our_fields = st.dictionaries(
    st.sampled_from(["key", "size", "sha256", "upload_id", "source", "sha265"]), json_values
)


def parse(body: Any, *, is_base64: bool = False) -> UploadRequest:  # noqa: ANN401 - any JSON
    text = body if isinstance(body, str | None) else json.dumps(body)
    return validation.parse_upload(text, is_base64=is_base64, maximum_bytes=MAXIMUM_BYTES, now=NOW)


def assert_is_helpful(error: RequestError) -> None:
    assert error.status == 400
    assert error.message
    assert error.hint
    json.dumps(error.body, ensure_ascii=False).encode()  # nothing in it that cannot be sent


def refused(body: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON
    """Return the message of each field."""
    with pytest.raises(RequestError) as caught:
        parse(body)
    assert caught.value.status == 400
    assert {"error", "message", "hint"} <= set(caught.value.body)
    return {problem.field: problem.message for problem in caught.value.problems}


@pytest.mark.property
@given(body=good_bodies, is_base64=st.booleans())
def test_valid_body_is_read_unchanged(*, body: dict[str, Any], is_base64: bool) -> None:
    text = json.dumps(body)
    request = parse(base64.b64encode(text.encode()).decode() if is_base64 else text, is_base64=is_base64)
    assert request.size == body["size"]
    assert request.upload.file_key == body["key"]
    assert request.upload.content_sha256 == body["sha256"]
    assert request.upload.source == body.get("source", "default")
    assert body.get("upload_id") in (None, request.upload.upload_id)
    assert len(request.upload.object_key.encode()) <= 1024


@pytest.mark.property
@given(bodies_of_our_fields | json_values)
def test_any_json_is_parsed_or_refused_with_a_hint(body: Any) -> None:  # noqa: ANN401 - any JSON
    try:
        request = parse(body)
    except RequestError as error:
        assert_is_helpful(error)
    else:
        assert len(request.upload.object_key.encode()) <= 1024


@pytest.mark.property
@given(body=st.text(), is_base64=st.booleans())
def test_any_text_is_parsed_or_refused(*, body: str, is_base64: bool) -> None:
    with pytest.raises(RequestError):
        parse(body if body.strip() != "{}" else "", is_base64=is_base64)


@pytest.mark.parametrize("body", [None, "", "[" * 100_000, "1" * 5_000, '{"key": NaN', "\ud800", '{"a": "\\ud800"}'])
def test_deeply_nested_or_broken_body_is_refused(body: str | None) -> None:
    with pytest.raises(RequestError):
        parse(body)


def test_problems_are_reported_all_at_once() -> None:
    problems = refused({"key": "/a", "size": True, "sha256": "xyz", "upload_id": 7, "source": "A B", "sha265": "", "x": 1})
    assert set(problems) == {"key", "size", "sha256", "upload_id", "source", "sha265", "x"}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "is an empty text"),
        (None, "is missing"),
        (7, "is the number 7"),
        ("/a", "starts with a slash"),
        ("a\0b", "control character"),
        ("a\x85b", "control character"),
        ("a\ufffe", "U+FFFE"),
        ("a\uffffb", "U+FFFF"),
        ("a/../b", "'.' or '..'"),
        ("..", "'.' or '..'"),
        ("a/./b", "'.' or '..'"),
        ("a\ud800", "surrogate"),
    ],
)
def test_invalid_key_is_refused(key: object, message: str) -> None:
    assert message in refused({**GOOD, "key": key})["key"]


@pytest.mark.parametrize("key", ["a..b", "...", "a//b", "a b/é.csv", "#?&%", "..a/b..", "a/"])
def test_unusual_key_is_accepted(key: str) -> None:
    assert parse({**GOOD, "key": key}).upload.file_key == key


@pytest.mark.parametrize("character", ["a", "é", "\U0001f600"])
def test_longest_key_fits_in_bytes(character: str) -> None:
    room = 1024 - len("incoming/uploads/default/") - 36 - 1 - 64 - 1
    fits = character * (room // len(character.encode()))
    assert len(parse({**GOOD, "key": fits}).upload.object_key.encode()) <= 1024
    assert "too many" in refused({**GOOD, "key": fits + character})["key"]


@pytest.mark.parametrize("size", [0, -1, MAXIMUM_BYTES + 1, 1.0, "10", True, None, [], 10**50])
def test_size_out_of_range_is_refused(size: object) -> None:
    assert set(refused({**GOOD, "size": size})) == {"size"}


@pytest.mark.parametrize(
    ("size", "part_size", "is_allowed"),
    [
        *((5 << 30, None, True), ((5 << 30) + 1, None, False), ((5 << 30) + 1, 5 << 20, True), (1, 5 << 20, True)),
        *((1 << 40, (5 << 20) - 1, False), (1, 5 << 30, True), (1, (5 << 30) + 1, False), (1, True, False), (1, 6e6, False)),
        *(
            (10_000 * (5 << 20), 5 << 20, True),
            (10_000 * (5 << 20) + 1, 5 << 20, False),
            (1, 0, False),
            (1, "6000000", False),
        ),
    ],
)
def test_part_size_fits_the_limits_of_s3(size: int, part_size: object, *, is_allowed: bool) -> None:
    body = json.dumps({**GOOD, "size": size, "part_size": part_size})
    try:
        request = validation.parse_upload(body, is_base64=False, maximum_bytes=1 << 41, now=NOW)
    except RequestError as error:
        assert not is_allowed
        assert [problem.field for problem in error.problems] == ["part_size"]
    else:
        assert (is_allowed, request.part_size) == (True, part_size or 0)


def test_upper_case_hash_is_the_same_hash() -> None:
    assert parse({**GOOD, "sha256": "AB" * 32}).upload.content_sha256 == "ab" * 32


@pytest.mark.property
@given(st.dictionaries(st.sampled_from(["key", "limit", "next", "page"]), st.text()))
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    try:
        request = validation.parse_files(query)
    except RequestError as error:
        assert_is_helpful(error)
    else:
        assert request.file_key == query["key"]
        assert 1 <= request.limit <= 100


def test_page_token_reads_back() -> None:
    order = f"2026-03-01T00:00:00.000Z#{'ab' * 32}"
    assert validation.parse_files({"key": "a", "next": validation.page_token(order)}).before == order


def test_upload_id_in_place_of_the_object_id_is_explained() -> None:
    with pytest.raises(RequestError, match="64 hexadecimal digits") as caught:
        validation.parse_object_id(new_upload_id(NOW))
    assert "not its `upload_id`" in caught.value.hint
